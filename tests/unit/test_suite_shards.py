"""Cutting a suite into shards, and one output of theirs."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.suite_outputs import attempt, output
from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOutput
from untilgreen.suite.gaps import find_gaps
from untilgreen.suite.outcomes import conclude, is_flaky
from untilgreen.suite.shards import Shard, merge, plan

PASSED, FAILED, SKIPPED, LOST = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED, Outcome.LOST

NODE_IDS = st.builds(
    "e2e/test_{}.py::{}test_{}[{}]".format,
    st.integers(0, 5),
    st.sampled_from(["", "TestA::", "TestB::"]),
    st.integers(0, 30),
    st.sampled_from(["", "a::b", "]", "é"]),
)
SUITES = st.lists(NODE_IDS, max_size=60)
SECONDS = st.one_of(st.floats(0, 100), st.sampled_from([-1.0, math.nan, math.inf]))


def loads(shards: tuple[tuple[str, ...], ...], seconds: dict[str, float]) -> list[float]:
    """Return how long each shard lasts."""
    return [sum(seconds[nodeid] for nodeid in shard) for shard in shards]


GROUPS = st.dictionaries(NODE_IDS, st.sampled_from(["group a", "file e2e/test_a.py", "scope x"]))


@given(SUITES, st.dictionaries(NODE_IDS, SECONDS), st.integers(1, 64), GROUPS)
def test_each_test_is_in_one_shard(
    ids: list[str], seconds: dict[str, float], count: int, groups: dict[str, str]
) -> None:
    """Whatever is known of durations: each test is in one shard, each group too, no shard is empty, none too many."""
    shards = plan(ids, seconds, count, groups)
    places = {(groups[nodeid], number) for number, shard in enumerate(shards) for nodeid in shard if nodeid in groups}
    assert len({group for group, _ in places}) == len(places)
    assert sorted(nodeid for shard in shards for nodeid in shard) == sorted(set(ids))
    assert all(shards)
    assert len(shards) <= count


@given(SUITES, st.dictionaries(NODE_IDS, st.floats(0, 100)), st.integers(1, 8), st.randoms())
def test_a_plan_is_always_the_same(
    ids: list[str], seconds: dict[str, float], count: int, chance: random.Random
) -> None:
    """The plan depends on nothing but the tests, their order and their durations: not on the order of the history."""
    items = list(seconds.items())
    chance.shuffle(items)
    assert plan(ids, seconds, count) == plan(tuple(ids), dict(items), count)


@given(st.lists(st.floats(0.01, 50), min_size=1, max_size=80), st.integers(1, 12))
def test_shards_are_even(durations: list[float], count: int) -> None:
    """No shard lasts longer than the mean and one test, however the time is spread over one module."""
    seconds = {f"e2e/test_it.py::test_{number}": duration for number, duration in enumerate(durations)}
    longest = max(loads(plan(list(seconds), seconds, count), seconds))
    assert longest <= max(1.1 * sum(durations) / count, sum(durations) / count + max(durations)) + 1e-6


def test_modules_stay_whole() -> None:
    """Where whole modules make even shards, no module is cut: its tests share fixtures."""
    ids = [f"e2e/test_{module}.py::test_{number}" for module in range(8) for number in range(10)]
    shards = plan(ids, {}, 4)
    assert [len(shard) for shard in shards] == [20, 20, 20, 20]
    assert all(len({nodeid.partition("::")[0] for nodeid in shard}) == 2 for shard in shards)


def test_a_large_module_is_cut_at_a_class() -> None:
    """A module that is too long for one shard is cut between its classes, in the order of collection."""
    ids = [f"e2e/test_it.py::Test{name}::test_{number}" for name in "AB" for number in range(10)]
    assert plan(ids, dict.fromkeys(ids, 1.0), 2) == (tuple(ids[:10]), tuple(ids[10:]))


def test_a_slow_test_has_a_shard_of_its_own() -> None:
    """One test that lasts longer than all others is alone, and its shard begins first."""
    ids = [f"e2e/test_it.py::test_{number}" for number in range(21)]
    seconds = dict.fromkeys(ids, 1.0) | {ids[13]: 30.0}
    assert plan(ids, seconds, 2)[0] == (ids[13],)


def test_unknown_tests_are_middling() -> None:
    """A test that never ran counts like the median of those that did."""
    known, unknown = "e2e/test_old.py::test_{}", "e2e/test_new.py::test_{}"
    ids = [text.format(number) for text in (known, unknown) for number in range(3)]
    shards = plan(ids, {known.format(0): 1.0, known.format(1): 4.0, known.format(2): 7.0}, 2)
    assert sorted(shards) == [tuple(ids[3:]), tuple(ids[:3])]


def test_what_must_stay_together_does() -> None:
    """A group is never cut, though shards are uneven then; what is beside it in its module may be."""
    ids = [f"e2e/test_it.py::TestA::test_{number}" for number in range(30)]
    assert plan(ids, {}, 4, dict.fromkeys(ids, "scope e2e/test_it.py::TestA")) == (tuple(ids),)
    grouped = ids[::2]
    first, *others = plan(ids, {}, 4, dict.fromkeys(grouped, "group database"))
    assert first == tuple(grouped)
    assert [len(other) for other in others] == [8, 7]


def shard(number: int, *runs: dict[str, Outcome], given_up: str = "") -> Shard:
    """Return a shard whose executions ended so; all but the last were lost."""
    ids = tuple(dict.fromkeys(nodeid for run in runs for nodeid in run))
    lost = [output(run, finished=False, exit_code=None) for run in runs[:-1]]
    return Shard(number, ids, (*lost, output(runs[-1])), given_up)


def collection(*ids: str) -> SuiteOutput:
    """Return what collecting found."""
    return output({}, collected=ids)


def test_complete_shards_make_a_complete_output() -> None:
    """Shards that all finished give what one run would have given: every test, no gap."""
    merged = merge(collection("a", "b", "c"), [shard(1, {"a": PASSED, "c": SKIPPED}), shard(2, {"b": FAILED})])
    assert (merged.finished, merged.exit_code, find_gaps(merged, 3)) == (True, 1, ())
    assert {result.nodeid: result.outcome for result in conclude([merged])} == {"a": PASSED, "b": FAILED, "c": SKIPPED}


def test_a_missing_shard_is_a_gap() -> None:
    """A shard that was given up leaves tests that did not run, for its reason, and the run is not complete."""
    merged = merge(output({}, collected=("a", "b")), [shard(1, {"a": PASSED}), Shard(2, ("b",), (), "worker killed")])
    results = {result.nodeid: result for result in conclude([merged])}
    assert (results["b"].outcome, results["b"].reason) == (Outcome.NOT_RUN, "shard 2 of 2: worker killed")
    assert not merged.finished
    assert any("1 of 2 collected tests did not run" in gap for gap in find_gaps(merged, 1))


def test_a_test_that_ran_twice_keeps_both_executions() -> None:
    """What a lost worker had already reported stays, also when the test ran again: fail and pass is flaky."""
    merged = merge(output({}, collected=("a",)), [shard(1, {"a": FAILED}, {"a": PASSED})])
    (result,) = conclude([merged])
    assert [attempt.outcome for attempt in result.attempts] == [FAILED, PASSED]
    assert is_flaky(result)


def test_failures_of_a_lost_execution_count() -> None:
    """An execution that got lost had no exit code; its failures make the shard's 1."""
    merged = merge(output({}, collected=("a", "b")), [shard(1, {"a": FAILED}, {"b": PASSED})])
    assert (merged.exit_code, find_gaps(merged, 2)) == (1, ())


def test_a_test_in_flight_and_never_run_again_is_lost() -> None:
    """A test that a worker took with it, and that nobody finished, is lost: it is neither passed nor not run."""
    gone = output({"a": PASSED}, finished=False, exit_code=None, lost={"b": "the runner was stopped"})
    merged = merge(output({}, collected=("a", "b")), [Shard(1, ("a", "b"), (gone,), "its worker was killed")])
    assert [result.outcome for result in conclude([merged])] == [PASSED, LOST]


def test_a_test_in_two_shards_is_an_error() -> None:
    """Results of one test from two shards cannot both be true."""
    with pytest.raises(SuiteCrashed, match="ran in shard 1 and in shard 2"):
        merge(output({}, collected=("a",)), [shard(1, {"a": PASSED}), shard(2, {"a": FAILED})])


def test_the_worst_exit_code_is_the_whole_one() -> None:
    """No code at all, a signal, an internal error: none of them hides behind shards that ended well."""
    codes = {None: [0, None, 1], -9: [0, -9, 3], 3: [1, 3, 0], 1: [0, 1]}
    for worst, given_codes in codes.items():
        shards = [
            Shard(number, (str(number),), (output({str(number): PASSED}, exit_code=code),))
            for number, code in enumerate(given_codes)
        ]
        assert merge(output({}, collected=("0", "1", "2")), shards).exit_code == worst


@pytest.mark.parametrize(("code", "outcome"), [(1, PASSED), (0, FAILED)])
def test_a_shard_that_disagrees_with_itself_is_a_gap(code: int, outcome: Outcome) -> None:
    """A shard whose exit code and results differ makes the whole disagree, and is named."""
    odd = Shard(2, ("b",), (output({"b": outcome}, exit_code=code),))
    merged = merge(output({}, collected=("a", "b")), [shard(1, {"a": PASSED}), odd])
    assert any("exit code" in gap for gap in find_gaps(merged, 2))
    assert any("shard 2" in note for note in merged.notes)


def test_one_broken_module_is_named_once() -> None:
    """Every shard meets the module that cannot be imported; it is one collection error."""
    broken = ("e2e/test_b.py: ImportError: no module named x",)
    shards = [
        Shard(n, (name,), (output({name: PASSED}, collection_errors=broken, exit_code=1),))
        for n, name in enumerate("ac", start=1)
    ]
    merged = merge(output({}, collected=("a", "c"), collection_errors=broken, exit_code=1), shards)
    assert merged.collection_errors == broken
    assert find_gaps(merged, 1) == ("1 modules could not be collected: e2e/test_b.py: ImportError: no module named x",)


def test_plugins_own_reruns_are_kept() -> None:
    """Executions that a plugin of the tests' own repeated come before the one that counted."""
    again = output({"a": PASSED}, earlier={"a": (attempt(FAILED),)})
    merged = merge(output({}, collected=("a",)), [Shard(1, ("a",), (again,))])
    assert [attempt.outcome for attempt in conclude([merged])[0].attempts] == [FAILED, PASSED]


def test_notes_name_their_shard() -> None:
    """A reader learns which shard a note is about, and which shards got lost."""
    slow = output({"a": PASSED}, notes=("one test at a time, because threads run",))
    merged = merge(output({}, collected=("a",)), [Shard(1, ("a",), (slow,))], notes=["shard 1 of 1 was lost (x)"])
    assert merged.notes == ("shard 1 of 1 was lost (x)", "one test at a time, because threads run (shard 1)")
