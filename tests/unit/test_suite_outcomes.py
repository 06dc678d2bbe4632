"""One outcome for each collected test, from all its executions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.suite_outputs import attempt, output
from untilgreen.model.suite import Outcome
from untilgreen.suite.outcomes import conclude, is_flaky

ENDS = st.sampled_from([outcome for outcome in Outcome if outcome not in (Outcome.NOT_RUN, Outcome.LOST)])


def test_results_keep_the_order_of_collection() -> None:
    """Results come in the order in which tests were collected, whoever finished first."""
    run = output({"b": Outcome.PASSED, "a": Outcome.FAILED, "c": Outcome.SKIPPED})
    assert [result.nodeid for result in conclude([run])] == ["b", "a", "c"]


def test_a_rerun_that_passes_is_flaky() -> None:
    """Failed, then passed on the same revision: passed with two attempts, and never a plain pass."""
    (result,) = conclude([output({"t": Outcome.FAILED}), output({"t": Outcome.PASSED}, number=2)])
    assert (result.outcome, len(result.attempts), is_flaky(result)) == (Outcome.PASSED, 2, True)


def test_a_rerun_that_fails_is_persistent() -> None:
    """Failed in every attempt: failed, all attempts kept, and not flaky."""
    (result,) = conclude([output({"t": Outcome.FAILED}), output({"t": Outcome.ERROR}, number=2)])
    assert (result.outcome, len(result.attempts), is_flaky(result)) == (Outcome.ERROR, 2, False)


@pytest.mark.parametrize("evasion", [Outcome.SKIPPED, Outcome.XFAILED, Outcome.XPASSED])
def test_only_a_pass_clears_a_failure(evasion: Outcome) -> None:
    """A rerun that is skipped, or fails as expected, says nothing about the failure before it."""
    (result,) = conclude([output({"t": Outcome.FAILED}), output({"t": evasion}, number=2)])
    assert (result.outcome, is_flaky(result)) == (Outcome.FAILED, False)


def test_a_rerun_that_a_plugin_hid_is_shown() -> None:
    """Where the tests' own plugin ran a failure again at once, both executions count: that is flaky as well."""
    hidden = {"t": (attempt(Outcome.FAILED),)}
    (result,) = conclude([output({"t": Outcome.PASSED}, earlier=hidden)])
    assert [(a.number, a.outcome) for a in result.attempts] == [(1, Outcome.FAILED), (2, Outcome.PASSED)]
    assert is_flaky(result)


def test_a_test_without_execution_says_why() -> None:
    """What began and did not end is lost; what never began was not run; both carry the reason."""
    run = output({}, collected=("lost", "late"), lost={"lost": "SIGKILL"}, stopped="deadline", finished=False)
    lost, late = conclude([run])
    assert (lost.outcome, lost.reason) == (Outcome.LOST, "SIGKILL")
    assert (late.outcome, late.reason) == (Outcome.NOT_RUN, "deadline")


@given(
    st.dictionaries(st.text(max_size=5), ENDS),
    st.lists(st.dictionaries(st.text(max_size=5), ENDS), max_size=3),
    st.sets(st.text(max_size=5), max_size=3),
)
def test_nothing_is_lost_and_nothing_invented(
    first: dict[str, Outcome], reruns: list[dict[str, Outcome]], unheard: set[str]
) -> None:
    """Each collected test has exactly one result, whatever reruns say, with every execution that there was."""
    collected = tuple(first) + tuple(sorted(unheard - set(first)))
    runs = [output(first, collected=collected), *(output(again, number=2) for again in reruns)]
    results = conclude(runs)
    assert tuple(result.nodeid for result in results) == collected
    for result in results:
        executed = [run.attempts[result.nodeid] for run in runs if result.nodeid in run.attempts]
        assert [attempt.outcome for attempt in result.attempts] == [attempt.outcome for attempt in executed]
        assert [attempt.number for attempt in result.attempts] == list(range(1, len(executed) + 1))
        assert (result.outcome in (Outcome.NOT_RUN, Outcome.LOST)) == (not executed)
        if result.outcome is Outcome.PASSED:
            assert executed[-1].outcome is Outcome.PASSED
