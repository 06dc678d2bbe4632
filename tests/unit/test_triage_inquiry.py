"""Where the evidence ends, the loop makes the request again that would decide, and judges by what came back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.triage_world import World
from untilgreen.ask_again import ask_again
from untilgreen.collect.bundle import load
from untilgreen.errors import CloudUnavailable
from untilgreen.model.evidence import Repeated
from untilgreen.model.suite import Exchange, Outcome
from untilgreen.ports import LogPage, LogQuery
from untilgreen.testing import FakeLogs, FakeProbe
from untilgreen.triage.inquiry import inquiries
from untilgreen.triage.step import triage


def open_end(path: str = "/prices", method: str = "GET") -> World:
    """Return a world with one failure that nothing explains."""
    world = World()
    world.service("shop", {"app.py": "x = 1\n"})
    world.test("a", "shop", path, 503, method=method)
    for number in range(3):
        world.test(f"ok{number}", "shop", path, 200, method=method, outcome=Outcome.PASSED)
    return world


def saved(world: World, folder: Path) -> Path:
    """Save the world's evidence."""
    world.bundle().save(folder)
    return folder


@pytest.mark.parametrize(
    ("statuses", "told"),
    [((503, 503, 503), "it is always so"), ((200, 200, 200), "it comes and goes"), ((403, 403, 403), "")],
)
def test_the_same_request_decides(tmp_path: Path, statuses: tuple[int, ...], told: str) -> None:
    """Always or now and then is told by three requests; a refusal for want of credentials tells nothing."""
    folder = saved(open_end(), tmp_path / "bundle")
    bundle = load(folder)
    probe = FakeProbe({"shop": statuses})
    grown = ask_again(folder, inquiries(bundle, triage(bundle)), probe, FakeLogs())
    assert {item.url for item in grown.find(Repeated)} == {"http://127.0.0.1:9000/prices"}
    leaf = triage(grown).analyses[0].leaf
    assert told in leaf.answer
    assert ("Asked again" in leaf.answer) is bool(told)
    assert grown.manifest.counts["repeated"] == len(grown.find(Repeated)) == len(leaf.citations) == 3
    assert inquiries(grown, triage(grown)) == ()


class Dark:
    """A log that nobody can reach."""

    def read(self, _query: LogQuery) -> LogPage:
        """Fail as the platform does when it is away."""
        raise CloudUnavailable("logging.googleapis.com does not answer")

    def settled(self, _query: LogQuery, _traces: frozenset[str], _patience_s: float) -> bool:
        """Never know."""
        return False


def test_a_log_that_cannot_be_read_loses_no_answer(tmp_path: Path) -> None:
    """The answers tell enough: what was logged is left out."""
    folder = saved(open_end(), tmp_path / "bundle")
    bundle = load(folder)
    grown = ask_again(folder, inquiries(bundle, triage(bundle)), FakeProbe({"shop": [None]}), Dark())
    assert [(item.status, item.lines) for item in grown.find(Repeated)] == [(None, ())] * 3


def test_only_what_changes_nothing_is_asked_again() -> None:
    """A POST may order something twice."""
    bundle = open_end(method="POST").bundle()
    assert inquiries(bundle, triage(bundle)) == ()


def test_what_was_asked_with_credentials_cannot_be_repeated() -> None:
    """Without them it would be another request."""
    world = open_end()
    known = Exchange(
        client="c", method="GET", host="127.0.0.1:9000", path="/prices", status=503, latency_ms=1, principal="ada"
    )
    world.items = [
        item.model_copy(update={"exchanges": (known,)}) if getattr(item, "nodeid", "").endswith("test_a") else item
        for item in world.items
    ]
    bundle = world.bundle()
    assert inquiries(bundle, triage(bundle)) == ()


def test_what_is_explained_is_not_asked_again() -> None:
    """Where a cause is known, nothing is left to ask."""
    world = World()
    world.service("shop", {"app.py": "def a(r):\n    return r.x\n"})
    world.test("a", "shop", "/x", 500)
    world.raises("shop", "AttributeError", "no x", ("app.py", 2, "a"), test="a")
    bundle = world.bundle()
    assert inquiries(bundle, triage(bundle)) == ()
