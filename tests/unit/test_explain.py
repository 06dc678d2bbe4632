"""One failing test, explained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.triage_world import START, World
from untilgreen.cli import app
from untilgreen.errors import ConfigError
from untilgreen.explain.choice import chosen
from untilgreen.explain.explanation import Explanation, explain
from untilgreen.explain.show import lines
from untilgreen.explain.sources import of_folder
from untilgreen.model.analysis import Reviews
from untilgreen.model.evidence import Case, Earlier
from untilgreen.model.suite import Outcome
from untilgreen.review.gate import review
from untilgreen.triage.step import triage

APP = """def get(agents, name):
    return agents[name]
"""


@pytest.fixture
def world() -> World:
    """Return two services; three tests fail for one change, one for a missing route, and one passes."""
    made = World()
    made.service("web", {"app.py": "routes = ['/agents/{name}']\n"})
    made.service("auth", {"app.py": APP})
    made.commit(
        "Look agents up",
        "apps/auth/app.py",
        removed=("    return agents.get(name)",),
        added=("    return agents[name]",),
        line=2,
    )
    for name in ("ada", "bob", "eve"):
        made.test(name, "web", f"/agents/{name}", 500)
        made.row(name, "auth", "/check", 500)
        made.log("web", "\x1b[31masking auth\x1b[0m <b>now</b>\nsecond line", test=name, severity="INFO")
        made.raises("auth", "KeyError", f"'{name}'", ("app.py", 2, "get"), test=name)
    made.test("lost", "web", "/nothing", 404)
    made.test("good", "web", "/agents/1", 200, outcome=Outcome.PASSED)
    return made


def explained(world: World, name: str) -> Explanation:
    """Explain a test of the world."""
    bundle = world.bundle()
    found = triage(bundle)
    reviews = Reviews(reviews=tuple(review(analysis, bundle) for analysis in found.analyses))
    return explain(bundle, found, reviews, chosen(bundle.find(Case), name))


def test_the_whole_story(world: World) -> None:
    """An explanation has the chain with its verdicts, the change, and who else fails for it."""
    found = explained(world, "test_ada")
    assert found.group is not None
    assert [reason.truth for reason in found.accounts[0].reasons][-1] == "supported"
    assert [(c.path, c.added) for c in found.changes] == [("apps/auth/app.py", ("    return agents[name]",))]
    assert found.siblings == ("e2e/test_it.py::test_bob", "e2e/test_it.py::test_eve")


def test_the_lines_of_its_own_trace(world: World) -> None:
    """The lines are those of the test's own trace, of all services, in the order of time."""
    found = explained(world, "test_bob")
    assert {line.service for line in found.lines} == {"web", "auth"}
    assert [line.at for line in found.lines] == sorted(line.at for line in found.lines if line.at)
    assert not any("ada" in line.text or "eve" in line.text for line in found.lines)
    assert [line.source for line in found.lines] == ["request", "request", "stderr", "stderr"]
    assert [line.only_failing for line in found.lines] == [False, False, True, True]


def test_what_was_logged_is_data(world: World) -> None:
    """No escape sequence of a log reaches the terminal, and each line of a message stands on a line of its own."""
    text = "\n".join(lines(explained(world, "test_ada")))
    assert "\x1b" not in text
    assert "asking auth <b>now</b>" in text
    assert any(line.strip() == "second line" for line in text.split("\n"))


def test_long_messages_are_cut_in_the_middle(world: World) -> None:
    """Of a long message the beginning and the end are shown, and how much was left out."""
    world.log("web", "\n".join(f"row {n}" for n in range(100)), test="ada")
    text = "\n".join(lines(explained(world, "test_ada")))
    assert "row 0" in text
    assert "row 99" in text
    assert "row 50" not in text
    assert "89 lines left out" in text


def test_nothing_that_hides(world: World) -> None:
    """A test whose cause is not known is told so, with what would decide."""
    text = "\n".join(lines(explained(world, "test_lost")))
    assert "No other test fails for it." in text
    assert "Changed: nothing that the chain rests on." in text


def test_earlier_attempts_are_told() -> None:
    """What came before the deciding execution is part of the story."""
    before = Earlier(number=1, outcome=Outcome.PASSED, at=START, duration_s=1)
    case = Case(nodeid="t", outcome=Outcome.FAILED, earlier=(before,))
    bundle = World().bundle()
    text = "\n".join(lines(explain(bundle, triage(bundle), None, case)))
    assert "attempt 1 before it passed" in text


def test_a_passing_test(world: World) -> None:
    """A passing test has nothing to explain, and its trace is shown all the same."""
    text = "\n".join(lines(explained(world, "test_good")))
    assert "It did not fail" in text
    assert "GET /agents/1 -> 200" in text


def test_a_test_without_a_trace() -> None:
    """Where no trace was sent, it says so instead of showing an empty log."""
    case = Case(nodeid="t", outcome=Outcome.FAILED)
    bundle = World().bundle()
    text = "\n".join(lines(explain(bundle, triage(bundle), None, case)))
    assert "Logged: nobody knows" in text


@pytest.mark.parametrize(
    ("name", "nodeid"),
    [
        ("a.py::test_x[1]", "a.py::test_x[1]"),
        ("test_x[1]", "a.py::test_x[1]"),
        ("x[2", "a.py::test_x[2]"),
        ("test_y", "b.py::test_y"),
    ],
)
def test_names(name: str, nodeid: str) -> None:
    """A test is meant by its node id, the end of it, or any part that only one has; of several, the failing one."""
    passed = [Case(nodeid=n, outcome=Outcome.PASSED) for n in ("a.py::test_x[1]", "c.py::test_y")]
    failed = [Case(nodeid=n, outcome=Outcome.FAILED) for n in ("a.py::test_x[2]", "b.py::test_y")]
    assert chosen([*passed, *failed], name).nodeid == nodeid


@pytest.mark.parametrize(("name", "words"), [("test_z", "no test"), ("test_", "several tests")])
def test_names_of_none_or_several(name: str, words: str) -> None:
    """A name that nobody or several have is an error that says so."""
    cases = [Case(nodeid=f"a.py::test_{n}", outcome=Outcome.FAILED) for n in range(20)]
    with pytest.raises(ConfigError, match=words):
        chosen(cases, name)


def test_the_commands(world: World, tmp_path: Path) -> None:
    """`explain` and `triage` work on a folder alone, for people and for programs."""
    world.bundle().save(tmp_path / "b")
    shown = CliRunner().invoke(app, ["explain", "test_ada", "--bundle", str(tmp_path / "b")])
    assert shown.output == "\n".join(lines(of_folder(tmp_path / "b", "test_ada"))) + "\n"
    data = json.loads(
        CliRunner().invoke(app, ["explain", "test_ada", "--bundle", str(tmp_path / "b"), "--json"]).output
    )
    assert Explanation.model_validate(data).case.nodeid == "e2e/test_it.py::test_ada"
    told = CliRunner().invoke(app, ["triage", str(tmp_path / "b")])
    assert "4 tests, 2 groups" in told.output


def test_no_bundle(tmp_path: Path) -> None:
    """A folder without a bundle is an error that says what to do."""
    assert "there is no bundle" in str(CliRunner().invoke(app, ["triage", str(tmp_path)]).exception)


def test_two_runs_give_the_same_bytes(world: World, tmp_path: Path) -> None:
    """The same bundle gives the same analyses, byte for byte, whatever order a process has for its sets."""
    world.bundle().save(tmp_path)
    outputs = [
        subprocess.run(
            [sys.executable, "-m", "untilgreen", "triage", tmp_path, "--json"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert b"analyses" in outputs[0]
