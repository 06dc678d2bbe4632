"""Replay: the same evidence gives the same verdicts, and what was changed by hand is noticed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.triage_world import World
from untilgreen.errors import ConfigError
from untilgreen.ledger import Ledger
from untilgreen.model.analysis import Decision, Reviews, Triage
from untilgreen.model.cycle import Loop
from untilgreen.replay import replay
from untilgreen.review.gate import review
from untilgreen.triage.step import triage

APP = """import json

@get("/a")
def a(x):
    return json.loads(x)["k"]
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return the ledger of a cycle with one cause."""
    world = World()
    world.service("shop", {"app.py": APP})
    for number in range(4):
        world.test(f"t{number}", "shop", "/a", 500)
        world.raises("shop", "KeyError", "'k'", ("app.py", 5, "a"))
    ledger = Ledger(tmp_path, "night")
    ledger.open(Loop(id="night", started=datetime(2026, 1, 1, tzinfo=UTC)))
    world.bundle().save(ledger.cycle_folder(1) / "bundle")
    found = triage(world.bundle())
    ledger.once(1, "triage", (), lambda: found)
    reviews = Reviews(reviews=tuple(review(analysis, world.bundle()) for analysis in found.analyses))
    ledger.once(1, "review", (), lambda: reviews)
    return ledger


def test_the_same_evidence_gives_the_same_verdicts(ledger: Ledger) -> None:
    """What was kept comes out of the bundle again, bit for bit."""
    replayed = replay(ledger.cycle_folder(1) / "bundle")
    assert replayed.same
    assert replayed.triage == ledger.recall(1, Triage)
    assert replayed.reviews == ledger.recall(1, Reviews)
    assert list(replayed.lines())[-1] == "1 analyses, 1 groups: the same, bit for bit"


def test_a_verdict_that_somebody_changed_is_noticed(ledger: Ledger) -> None:
    """A kept verdict that the evidence does not give is named."""
    kept = ledger.recall(1, Reviews)
    assert kept is not None
    forged = kept.reviews[0].model_copy(update={"decision": Decision.REJECTED})
    (ledger.cycle_folder(1) / "review.json").unlink()
    ledger.once(1, "review", (), lambda: Reviews(reviews=(forged,)))
    (told,) = replay(ledger.cycle_folder(1) / "bundle").differences
    assert told.startswith(f"{forged.analysis}: was rejected, is {kept.reviews[0].decision}")


def test_a_bundle_outside_a_ledger_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    """A folder that lies in no loop is an error that says what to name instead."""
    with pytest.raises(ConfigError, match="no ledger lies around it"):
        replay(tmp_path)
