"""Compare: what vanished is resolved only when its tests ran and passed."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.report_story import result, why
from untilgreen.compare.step import Observed, compare
from untilgreen.model.analysis import Analysis, CauseChange, CauseState, Comparison, Group, Triage
from untilgreen.model.claims import ServiceDown
from untilgreen.model.suite import Outcome, Result

TESTS = tuple("abcdefghij")
WORDS = ("none", "one", "two", "three", "four", "five")
FAILED, PASSED, NOT_RUN = Outcome.FAILED, Outcome.PASSED, Outcome.NOT_RUN


def group(name: str, cases: Iterable[str], key: str = "", masked_by: str = "") -> Group:
    """Return a group."""
    return Group(id=f"g-{name}", key=key or f"key {name}", cases=tuple(cases), masked_by=masked_by)


def cycle(number: int, *groups: Group, ran: bool = True, results: Iterable[Result] = (), message: str = "") -> Observed:
    """Return a cycle in which the tests of groups fail, those of masked ones too, and all others pass."""
    bad = {test for g in groups for test in g.cases}
    given_results = {r.nodeid: r for r in results}
    made = [
        given_results.get(t) or result(t, FAILED if t in bad else PASSED, message=message or f"said in {WORDS[number]}")
        for t in TESTS
    ]
    return Observed(number=number, ran=ran, triage=Triage(groups=groups, analyses=()), results=tuple(made))


def states(comparison: Comparison) -> dict[str, CauseState]:
    """Return the state of each cause by its group's name."""
    return {change.group.removeprefix("g-"): change.state for change in comparison.changes}


def change(comparison: Comparison, name: str) -> CauseChange:
    """Return what became of one cause."""
    return next(c for c in comparison.changes if c.group == f"g-{name}")


def test_the_first_cycle_knows_only_new_causes() -> None:
    """Without an earlier cycle every cause is new, and there is nothing to compare with."""
    comparison = compare(cycle(1, group("a", "abc")), [])
    assert states(comparison) == {"a": CauseState.NEW}
    assert comparison.against is None
    assert comparison.pass_rate_before is None
    assert comparison.pass_rate == 0.7


def test_resolved_when_its_tests_passed() -> None:
    """A cause is resolved when all of its tests were executed now and passed."""
    comparison = compare(cycle(2), [cycle(1, group("a", "abc"))])
    found = change(comparison, "a")
    assert (found.state, found.before, found.now) == (CauseState.RESOLVED, 3, 0)
    assert (comparison.against, comparison.pass_rate_before, comparison.pass_rate) == (1, 0.7, 1.0)


@pytest.mark.parametrize("outcome", [NOT_RUN, Outcome.SKIPPED, Outcome.LOST])
def test_masked_when_a_test_was_not_executed(outcome: Outcome) -> None:
    """A cause that is gone while one of its tests was not executed is masked, whatever the others did."""
    now = cycle(2, results=[result("a", outcome, reason="why")])
    found = change(compare(now, [cycle(1, group("a", "abc"))]), "a")
    assert (found.state, found.before, found.now) == (CauseState.MASKED, 3, None)


def test_masked_when_a_test_is_gone() -> None:
    """Deleting a failing test resolves nothing."""
    now = cycle(2)
    now = now.model_copy(update={"results": tuple(r for r in now.results if r.nodeid != "a")})
    assert states(compare(now, [cycle(1, group("a", "a"))])) == {"a": CauseState.MASKED}


def test_masked_when_expected_to_fail() -> None:
    """Marking a failing test as an expected failure resolves nothing."""
    now = cycle(2, results=[result("a", Outcome.XFAILED)])
    assert states(compare(now, [cycle(1, group("a", "a"))])) == {"a": CauseState.MASKED}


def test_masked_when_the_suite_did_not_run() -> None:
    """Results of a suite that did not run are no observation, whatever they say."""
    comparison = compare(cycle(2, ran=False), [cycle(1, group("a", "abc"))])
    assert states(comparison) == {"a": CauseState.MASKED}
    assert comparison.pass_rate is None


def test_masked_when_an_incident_hides_it() -> None:
    """A group that an incident masks says nothing of its cause."""
    now = cycle(2, group("down", "j"), group("a", "abc", masked_by="g-down"))
    comparison = compare(now, [cycle(1, group("a", "abc"))])
    assert states(comparison) == {"down": CauseState.NEW, "a": CauseState.MASKED}
    assert change(comparison, "a").before == 3


def test_looks_back_beyond_masked_cycles() -> None:
    """A cause that was masked keeps what was last observed of it until its tests run again."""
    past = [cycle(1, group("a", "abcd")), cycle(2, group("a", "ab")), cycle(3, ran=False), cycle(4, ran=False)]
    hidden = change(compare(past[3], past[:3]), "a")
    assert (hidden.state, hidden.before) == (CauseState.MASKED, 2)
    gone = change(compare(cycle(5), past), "a")
    assert (gone.state, gone.before, gone.now) == (CauseState.RESOLVED, 2, 0)
    back = change(compare(cycle(5, group("a", "ab")), past), "a")
    assert (back.state, back.before, back.now) == (CauseState.PERSISTENT, 2, 2)


def test_improved_when_what_no_longer_fails_passed() -> None:
    """A cause improves when fewer of its tests fail and the others were executed."""
    found = change(compare(cycle(2, group("a", "a")), [cycle(1, group("a", "abc"))]), "a")
    assert (found.state, found.before, found.now) == (CauseState.IMPROVED, 3, 1)


def test_not_improved_when_the_others_did_not_run() -> None:
    """Fewer failures because fewer tests ran are no improvement."""
    now = cycle(2, group("a", "a"), results=[result("b", NOT_RUN, reason="deadline")])
    assert states(compare(now, [cycle(1, group("a", "abc"))])) == {"a": CauseState.PERSISTENT}


def test_what_did_not_run_is_not_forgotten() -> None:
    """A test that did not run stays with its cause: without it the cause is not resolved."""
    skipped = [result("b", NOT_RUN, reason="deadline")]
    past = [cycle(1, group("a", "abc")), cycle(2, group("a", "a"), results=skipped)]
    assert states(compare(cycle(3, results=skipped), past)) == {"a": CauseState.MASKED}
    assert states(compare(cycle(3), past)) == {"a": CauseState.RESOLVED}


def test_persistent_when_as_many_fail() -> None:
    """A cause for which as many tests fail is persistent, even when they are others."""
    found = change(compare(cycle(2, group("a", "abd")), [cycle(1, group("a", "abc"))]), "a")
    assert (found.state, found.before, found.now) == (CauseState.PERSISTENT, 3, 3)


def test_recurred_after_it_was_resolved() -> None:
    """A cause that was resolved and whose signature is back has recurred."""
    past = [cycle(1, group("a", "abc")), cycle(2)]
    found = change(compare(cycle(3, group("a", "ab")), past), "a")
    assert (found.state, found.before, found.now) == (CauseState.RECURRED, 0, 2)


def test_resolved_is_said_once() -> None:
    """A cause that was resolved in an earlier cycle is not listed again."""
    assert compare(cycle(3), [cycle(1, group("a", "abc")), cycle(2)]).changes == ()


def test_revealed_behind_a_broken_deploy() -> None:
    """A cause that is first seen after a cycle in which nothing ran is revealed, not a regression."""
    broken = cycle(1, group("down", TESTS), ran=False)
    comparison = compare(cycle(2, group("a", "abc")), [broken])
    assert states(comparison)["a"] is CauseState.REVEALED


def test_revealed_behind_another_cause() -> None:
    """A cause that is first seen where another one failed the same tests was hidden by it."""
    past = [cycle(1, group("outer", TESTS))]
    comparison = compare(cycle(2, group("inner", "ab")), past)
    assert states(comparison) == {"outer": CauseState.IMPROVED, "inner": CauseState.REVEALED}
    assert change(comparison, "outer").now == 2


def test_new_when_a_test_of_it_passed_before() -> None:
    """A cause of which one test passed in the cycle before is new: something brought it."""
    past = [cycle(1, group("other", "a"))]
    assert states(compare(cycle(2, group("b", "abcdefg")), past))["b"] is CauseState.NEW


def test_revealed_names_an_earlier_pass() -> None:
    """A revealed cause whose tests passed before the blackout says so: a change since then brought it."""
    past = [cycle(1), cycle(2, ran=False)]
    found = change(compare(cycle(3, group("a", "abc")), past), "a")
    assert found.state is CauseState.REVEALED
    assert "cycle 1" in found.note


def test_an_incident_is_over_when_its_tests_run() -> None:
    """An incident that kept tests from running is resolved once all of them ran, even if some fail for other causes."""
    past = [cycle(1, group("a", "ab")), cycle(2, group("down", TESTS), ran=False)]
    comparison = compare(cycle(3, group("a", "ab")), past)
    assert states(comparison) == {"down": CauseState.RESOLVED, "a": CauseState.PERSISTENT}


def test_gone_behind_another_cause_is_masked() -> None:
    """A cause none of whose tests passed cannot be called gone."""
    comparison = compare(cycle(2, group("b", TESTS)), [cycle(1, group("a", "abc"))])
    assert states(comparison) == {"b": CauseState.NEW, "a": CauseState.MASKED}


def test_flaky_is_never_resolved() -> None:
    """A test that passed only when run again did not show that its cause is gone."""
    flaky = result("a", FAILED, PASSED)
    found = change(compare(cycle(2, results=[flaky]), [cycle(1, group("a", "abc"))]), "a")
    assert (found.state, found.now) == (CauseState.IMPROVED, 1)
    only = change(compare(cycle(2, results=[flaky]), [cycle(1, group("a", "a"))]), "a")
    assert (only.state, only.now) == (CauseState.PERSISTENT, 1)


def test_a_test_known_as_flaky_resolves_nothing_by_passing_once() -> None:
    """What its history calls flaky would have passed this time anyway, so its cause stays open."""
    passed = cycle(2, results=[result("a", PASSED)])
    assert change(compare(passed, [cycle(1, group("a", "a"))]), "a").state is CauseState.RESOLVED
    known = passed.model_copy(update={"unsteady": frozenset("a")})
    found = change(compare(known, [cycle(1, group("a", "a"))]), "a")
    assert (found.state, found.note) == (CauseState.PERSISTENT, "1 of its 1 tests are flaky")


def test_a_flaky_test_that_was_lost_before_is_not_resolved() -> None:
    """A test of the cause that was never seen to fail keeps it open as well when it is flaky now."""
    lost = cycle(1, group("a", "ab"), results=[result("a", FAILED), result("b", Outcome.LOST)])
    now = cycle(2, results=[result("a", PASSED), result("b", FAILED, PASSED)])
    assert change(compare(now, [lost]), "a").state is CauseState.IMPROVED


def test_matched_by_key() -> None:
    """The same key under another id is the same cause, and the old id is kept."""
    now = cycle(2, group("z", "abc", key="key a"))
    found = change(compare(now, [cycle(1, group("a", "abc"))]), "z")
    assert (found.state, found.was) == (CauseState.PERSISTENT, "g-a")


def test_matched_by_message() -> None:
    """The same words in the client are the same cause, whatever numbers they carry."""
    first = cycle(1, group("a", "abc"), message="order 81234567 of api.example:8443 is lost")
    now = cycle(2, group("z", "cd"), message="order 99999999 of api.example:9001 is lost")
    assert change(compare(now, [first]), "z").was == "g-a"


def test_status_codes_are_not_masked() -> None:
    """A status code is no mere number: 403 and 503 are two causes."""
    first = cycle(1, group("a", "abc"), message="assert 403 == 200")
    now = cycle(2, group("z", "def"), message="assert 503 == 200")
    assert states(compare(now, [first])) == {"z": CauseState.NEW, "a": CauseState.RESOLVED}


@pytest.mark.parametrize(("tests", "same"), [("abcde", True), ("abc", True), ("ab", False)])
def test_matched_by_tests(tests: str, same: bool) -> None:
    """Other words in mostly the same tests are one cause from a Jaccard index of 0.6."""
    comparison = compare(cycle(2, group("z", tests)), [cycle(1, group("a", "abcde"))])
    assert (change(comparison, "z").was == "g-a") is same


def test_not_matched_across_services() -> None:
    """The same tests failing in another service are another cause."""

    def placed(seen: Observed, service: str) -> Observed:
        name = seen.triage.groups[0].id
        leaf = why(1, "?", "!", ServiceDown(service=service), leaf=True)
        analysis = Analysis(id=f"an-{name}", author="x", group=name, cases=("a",), whys=(leaf,))
        return seen.model_copy(update={"triage": Triage(groups=seen.triage.groups, analyses=(analysis,))})

    first, now = placed(cycle(1, group("a", "abc")), "web"), placed(cycle(2, group("z", "abc")), "auth")
    assert states(compare(now, [first])) == {"z": CauseState.REVEALED, "a": CauseState.MASKED}


def test_an_incident_is_no_other_cause() -> None:
    """An incident that stops all tests is not the cause that failed all of them before."""
    now = cycle(2, group("down", TESTS), ran=False)
    assert states(compare(now, [cycle(1, group("a", TESTS))])) == {"down": CauseState.NEW, "a": CauseState.MASKED}


def test_masked_before_it_was_ever_seen() -> None:
    """A masked group that no cycle has seen is no known cause; once it shows, it is revealed."""
    first = cycle(1, group("down", "j"), group("a", "abc", masked_by="g-down"))
    assert [c.group for c in compare(first, []).changes] == ["g-down"]
    assert states(compare(cycle(2, group("a", "abc")), [first]))["a"] is CauseState.REVEALED


def test_skipped_tests_do_not_count() -> None:
    """The pass rate is of the tests that were asked; those that did not run were, skipped ones were not."""
    mixed = [result("a", Outcome.SKIPPED, reason="r"), result("b", NOT_RUN, reason="r"), result("c", FAILED)]
    assert compare(cycle(1, results=mixed), []).pass_rate == 7 / 9


# ---- properties ------------------------------------------------------------------------------------------------

OUTCOMES = st.sampled_from([PASSED, FAILED, NOT_RUN, Outcome.SKIPPED, Outcome.LOST, Outcome.XFAILED])


@st.composite
def histories(draw: st.DrawFn, longest: int = 4) -> list[Observed]:
    """Draw cycles whose failing tests are spread over a few causes."""
    cycles = []
    for number in range(1, draw(st.integers(2, longest)) + 1):
        outcomes = {test: draw(OUTCOMES) for test in TESTS[:6]}
        owners = {t: draw(st.sampled_from("xyz")) for t, outcome in outcomes.items() if outcome.bad}
        groups = [group(n, [t for t, owner in owners.items() if owner == n]) for n in sorted(set(owners.values()))]
        results = tuple(result(t, o, reason="r", message=owners.get(t, "")) for t, o in outcomes.items())
        triage = Triage(groups=tuple(groups), analyses=())
        cycles.append(Observed(number=number, ran=draw(st.booleans()), triage=triage, results=results))
    return cycles


@given(histories())
@settings(max_examples=80, deadline=None)
def test_resolved_only_with_executed_passes(history: list[Observed]) -> None:
    """Whatever happened: a resolved cause shows no group, and each test that failed for it ran and passed since."""
    *past, now = history
    for found in compare(now, past).changes:
        if found.state is CauseState.RESOLVED:
            assert found.now == 0
            assert found.group not in {g.id for g in now.triage.groups}
            for number, test in _failures(found.group, past):
                assert any(_passed(test, seen) for seen in history[number:])


def _failures(name: str, cycles: list[Observed]) -> Iterable[tuple[int, str]]:
    for seen in cycles:
        failed = {r.nodeid for r in seen.results if r.outcome is FAILED} if seen.ran else set()
        yield from ((seen.number, t) for g in seen.triage.groups if g.id == name for t in g.cases if t in failed)


def _passed(test: str, seen: Observed) -> bool:
    return seen.ran and any(r.nodeid == test and r.outcome is PASSED for r in seen.results)


@given(histories())
@settings(max_examples=80, deadline=None)
def test_each_group_has_one_state(history: list[Observed]) -> None:
    """Each group of the cycle is told of exactly once, and only masked causes have no count."""
    *past, now = history
    changes = compare(now, past).changes
    names = [found.group for found in changes]
    assert len(names) == len(set(names))
    assert {g.id for g in now.triage.groups} <= set(names)
    assert all((found.now is None) == (found.state is CauseState.MASKED) for found in changes)
    assert all((found.now or 0) < found.before for found in changes if found.state is CauseState.IMPROVED)


@given(histories(longest=2))
@settings(max_examples=80, deadline=None)
def test_time_turned_round(history: list[Observed]) -> None:
    """Seen backwards a resolved cause is a new or revealed one, and a persistent count is the same pair turned."""
    first, second = history
    forth = {found.group: found for found in compare(second, [first]).changes}
    back = compare(first.model_copy(update={"number": 2}), [second.model_copy(update={"number": 1})])
    for found in back.changes:
        there = forth.get(found.group)
        if found.state is CauseState.RESOLVED and there:
            assert there.state in (CauseState.NEW, CauseState.REVEALED)
        if found.was == "" and there and there.was == "" and {found.state, there.state} == {CauseState.PERSISTENT}:
            assert (found.before, found.now) == (there.now, there.before)


@given(histories(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_what_is_given_does_not_matter(history: list[Observed], random: object) -> None:
    """Earlier cycles, groups and results may come in any order."""
    *past, now = history
    mixed = list(past)
    random.shuffle(mixed)
    turned = now.model_copy(
        update={
            "results": tuple(reversed(now.results)),
            "triage": Triage(groups=tuple(reversed(now.triage.groups)), analyses=()),
        }
    )
    assert compare(turned, mixed) == compare(now, past)


@given(histories(longest=2))
@settings(max_examples=40, deadline=None)
def test_nothing_new_in_the_same_cycle_again(history: list[Observed]) -> None:
    """A cycle compared with itself has nothing new, nothing better, and nothing resolved that it shows."""
    first = history[0]
    again = compare(first.model_copy(update={"number": 2}), [first])
    assert {found.state for found in again.changes} <= {CauseState.PERSISTENT}
