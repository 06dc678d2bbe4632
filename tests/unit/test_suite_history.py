"""What each test did in all cycles: flaky only by proof, and nothing that cannot be read passes for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger_of_cycles import ERROR, FAILED, PASSED, State
from untilgreen.errors import EvidenceIncomplete
from untilgreen.model.suite import Outcome
from untilgreen.suite.history import Kind, Record, read_history
from untilgreen.suite.order import first, known_order


def history(state: State) -> dict[str, Record]:
    return {record.nodeid: record for record in read_history(state.folder)}


def record(**changes: object) -> Record:
    fields = {"nodeid": "t", "runs": 9, "passes": 9, "failures": 0, "flakes": 0, "last": "passed", "streak": 0}
    return Record.model_validate(fields | {"since_flake": 9, "absent": 0, "median_s": 1.0, "last_s": 1.0} | changes)


def test_no_loop_has_no_history(tmp_path: Path) -> None:
    """A folder in which nothing was run yet is no error."""
    assert read_history(tmp_path / "nowhere") == ()


def test_runs_are_counted_over_all_loops(tmp_path: Path) -> None:
    """Each cycle in which a test was executed counts once, the newest by its clock is the last one."""
    state = State(tmp_path)
    state.cycle({"t": [PASSED], "s": [Outcome.SKIPPED]}, "a", seconds={"t": 1.0})
    state.cycle({"t": [ERROR, FAILED], "s": [Outcome.NOT_RUN]}, "b", seconds={"t": 5.0})
    state.cycle({"t": [Outcome.LOST]}, "c")
    (found,) = read_history(tmp_path)
    assert (found.nodeid, found.runs, found.passes, found.failures, found.flakes) == ("t", 3, 1, 2, 0)
    assert (found.last, found.streak, found.median_s, found.last_s) == (Outcome.LOST, 2, 1.0, 0.0)
    assert found.kind is Kind.PERSISTENT


def test_a_rerun_that_passed_is_a_flake(tmp_path: Path) -> None:
    """Failed and passed in one cycle is the same revision by construction."""
    state = State(tmp_path)
    state.cycle({"t": [FAILED, PASSED], "u": [PASSED]})
    state.cycle({"t": [PASSED], "u": [PASSED]}, "b")
    found = history(state)
    assert (found["t"].flakes, found["t"].flake_rate, found["t"].since_flake) == (1, 0.5, 1)
    assert (found["t"].kind, found["u"].kind) == (Kind.FLAKY, Kind.STEADY)


def test_cycles_that_disagree_on_one_revision_are_flakes(tmp_path: Path) -> None:
    """Failed in one cycle and passed in another on the same commit and images, whichever came first."""
    state = State(tmp_path)
    state.cycle({"late": [FAILED, FAILED], "early": [PASSED]})
    state.cycle({"late": [PASSED], "early": [FAILED, FAILED]})
    assert {name: found.flakes for name, found in history(state).items()} == {"late": 1, "early": 1}
    assert {found.kind for found in history(state).values()} == {Kind.FLAKY}


@pytest.mark.parametrize(("commit", "digest"), [("other", "d1"), ("c0ffee", "d2")])
def test_another_revision_is_another_thing(tmp_path: Path, commit: str, digest: str) -> None:
    """A test that passes after a change of commit or image was mended, as far as anybody knows, and is not flaky."""
    state = State(tmp_path)
    state.cycle({"t": [FAILED, FAILED]})
    state.cycle({"t": [PASSED]}, commit, digest)
    assert (history(state)["t"].flakes, history(state)["t"].kind) == (0, Kind.STEADY)


def test_a_mass_failure_makes_nothing_flaky(tmp_path: Path) -> None:
    """When more fail than can be flaky, something happened to the environment: that is no flake of a thousand tests."""
    state = State(tmp_path)
    state.cycle({f"t{n}": [FAILED] for n in range(30)})
    state.cycle({f"t{n}": [PASSED] for n in range(30)})
    assert {found.flakes for found in history(state).values()} == {0}


def test_names_that_stand_for_two_tests_are_not_flaky(tmp_path: Path) -> None:
    """Of two tests with one name, of which one fails, nobody knows which is which."""
    file = State(tmp_path).cycle({"t": [PASSED]})
    file.write_text(file.read_text() + file.read_text().replace("passed", "failed"))
    (found,) = read_history(tmp_path)
    assert (found.runs, found.failures, found.flakes) == (1, 1, 0)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, Kind.STEADY),
        ({"runs": 1}, Kind.NEW),
        ({"runs": 1, "last": "failed", "streak": 1}, Kind.PERSISTENT),
        ({"flakes": 1, "since_flake": 2}, Kind.FLAKY),
        ({"flakes": 1, "since_flake": 2, "last": "failed", "streak": 1}, Kind.FLAKY),
        ({"flakes": 1, "since_flake": 4, "last": "failed", "streak": 3}, Kind.PERSISTENT),
        ({"flakes": 1, "since_flake": 30}, Kind.STEADY),
    ],
)
def test_kinds(changes: dict[str, object], kind: Kind) -> None:
    """Flaky is for thirty runs after the last flake, unless it only fails; failing for good is persistent."""
    assert record(**changes).kind is kind


@pytest.mark.parametrize(
    "damage",
    [
        b"Docker is not running\n",
        b'{"a": 1}\n',
        b"[1, 2]\n",
        b'{"nodeid": "x", "outcome": "great", "attempts": []}\n',
        b'{"nodeid": "x", "outcome": "passed"}\n',
        b'{"nodeid": "x", "outcome": "passed", "attempts": "none"}\n',
        b'{"nodeid": "x", "outcome": "pas',
        bytes(range(256)),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, damage: bytes) -> None:
    """A half-written or foreign file is an error with its name, and never an empty history."""
    state = State(tmp_path)
    state.cycle({"t": [PASSED]})
    file = state.cycle({"t": [PASSED]})
    file.write_bytes(damage)
    with pytest.raises(EvidenceIncomplete) as caught:
        read_history(tmp_path)
    assert str(file) in str(caught.value)
    nodeids, (note,) = known_order(tmp_path)
    assert nodeids == ()
    assert str(file) in note


def test_folders_that_look_like_patterns(tmp_path: Path) -> None:
    """A checkout whose path holds brackets or stars has its own history and nobody else's."""
    for name in ("a[b]*", "ab"):
        State(tmp_path / name).cycle({name: [PASSED]})
    assert [found.nodeid for found in read_history(tmp_path / "a[b]*")] == ["a[b]*"]


def test_names_survive(tmp_path: Path) -> None:
    """Node ids come back as they were: line breaks, quotes, NUL and other scripts included."""
    names = {'t["\\\n\u2028]', "t[żółć-日本-🐢]", "t[\x00]", "t[" + "x" * 9000 + "]"}
    state = State(tmp_path)
    state.cycle({name: [PASSED] for name in names})
    assert set(history(state)) == names


def test_a_folder_without_an_opening_has_no_revision(tmp_path: Path) -> None:
    """Results of which nobody knows the commit count as runs and make nothing flaky."""
    state = State(tmp_path)
    for outcome in (FAILED, PASSED):
        (state.cycle({"t": [outcome]}).parent / "cycle.json").unlink()
    assert (history(state)["t"].runs, history(state)["t"].flakes) == (2, 0)


def test_failed_first_then_long(tmp_path: Path) -> None:
    """First what failed last time, then what takes four times the median, the longest first in each."""
    state = State(tmp_path)
    ended = {f"t{n}": [PASSED] for n in range(5)}
    state.cycle(
        {**ended, "bad": [FAILED], "slow-bad": [ERROR], "long": [PASSED], "longer": [PASSED]},
        seconds={"long": 9.0, "longer": 10.0, "slow-bad": 2.0},
    )
    assert known_order(tmp_path) == (("slow-bad", "bad", "longer", "long"), ())


@given(
    st.lists(st.tuples(st.integers(0, 99), st.sampled_from(Outcome), st.floats(0, 1e6)), unique_by=lambda row: row[0]),
    st.integers(0, 20),
)
def test_the_order_is_bounded_and_names_each_test_once(rows: list[tuple[int, Outcome, float]], most: int) -> None:
    """Whatever the history: no name twice, none invented, failures before the rest, never more than asked for."""
    given_records = [record(nodeid=f"t{n}", last=last, median_s=seconds) for n, last, seconds in rows]
    order = first(given_records, most)
    bad = {found.nodeid for found in given_records if found.last.bad}
    assert len(order) == len(set(order)) <= most
    assert set(order) <= {found.nodeid for found in given_records}
    assert [name in bad for name in order] == sorted((name in bad for name in order), reverse=True)
    assert len(bad & set(order)) == min(len(bad), most)
