"""Green: five lines, each proven, and nothing less."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report_story import (
    Story,
    at,
    attempt,
    digest_of,
    health_of,
    images_of,
    proof_of,
    result,
    rollout_of,
    suite_of,
)
from untilgreen.green import exit_code, judge
from untilgreen.model.cycle import Color, Loop, Stop, Verdict
from untilgreen.model.delivery import Images, ServingStatus
from untilgreen.model.suite import Outcome, Proof, Reality, Result
from untilgreen.prove.doubts import DOUBTS
from untilgreen.suite.outcomes import FLAKED

TESTS = ["e2e/test_a.py::test_one", "e2e/test_a.py::test_two", "e2e/test_b.py::test_three"]


def judged(results: list[Result] | None = None, **changes: Any) -> Verdict:
    """Judge a green cycle in which some things are different."""
    results = [result(t, Outcome.PASSED) for t in TESTS] if results is None else results
    facts: dict[str, Any] = {
        "images": images_of(1),
        "rollout": rollout_of(1),
        "health": health_of(1),
        "suite": suite_of(results),
        "proof": proof_of(results),
        "results": results,
        "minimum": 1,
    }
    return judge(**(facts | changes))


def broken_lines(verdict: Verdict) -> list[int]:
    """Return the numbers of the lines that do not hold."""
    return [line.number for line in verdict.lines if not line.holds]


def served(**changes: Any) -> Any:
    """Return a rollout whose first service differs."""
    rollout = rollout_of(1)
    first = rollout.services[0].model_copy(update=changes)
    return rollout.model_copy(update={"services": (first, *rollout.services[1:])})


def test_everything_proven_is_green() -> None:
    """A cycle in which all five lines hold is green, and each line names its figures."""
    verdict = judged()
    assert verdict.color is Color.GREEN
    assert [line.number for line in verdict.lines] == [1, 2, 3, 4, 5]
    assert "3 passed" in verdict.lines[0].proof
    assert "web-00001" in verdict.lines[2].proof
    assert digest_of("web", 1)[:19] in verdict.lines[2].proof


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.ERROR, Outcome.LOST])
def test_a_bad_test_is_red(outcome: Outcome) -> None:
    """A test that failed, errored or got lost makes the cycle red and is named."""
    verdict = judged([*(result(t, Outcome.PASSED) for t in TESTS[:2]), result(TESTS[2], outcome)])
    assert verdict.color is Color.RED
    assert broken_lines(verdict) == [1]
    assert TESTS[2] in verdict.lines[0].proof


@pytest.mark.parametrize("reason", ["", "  ", "unconditional skip", "Skipped: unconditional skip"])
def test_a_skip_without_a_reason_is_not_green(reason: str) -> None:
    """A test that was skipped without a written reason keeps the cycle from being green."""
    verdict = judged([result(TESTS[0], Outcome.PASSED), result(TESTS[1], Outcome.SKIPPED, reason=reason)])
    assert verdict.color is Color.UNPROVEN
    assert broken_lines(verdict) == [1]


def test_a_skip_with_a_reason_is_green() -> None:
    """A reason that an author wrote down is enough for a skip."""
    skipped = result(TESTS[1], Outcome.SKIPPED, reason="needs a second region, see ticket 7")
    assert judged([result(TESTS[0], Outcome.PASSED), skipped]).color is Color.GREEN


def test_what_did_not_run_is_not_green() -> None:
    """A test that did not run is neither a failure nor a success."""
    waiting = result(TESTS[1], Outcome.NOT_RUN, reason="deadline")
    verdict = judged([result(TESTS[0], Outcome.PASSED), waiting])
    assert verdict.color is Color.UNPROVEN
    assert 1 in broken_lines(verdict)


def test_a_pass_against_expectation_is_not_green() -> None:
    """A test that passed though its author expects a failure is not proven, so it is not green."""
    verdict = judged([result(TESTS[0], Outcome.PASSED), result(TESTS[1], Outcome.XPASSED)])
    assert verdict.color is Color.UNPROVEN
    assert broken_lines(verdict) == [2]


def test_no_results_is_not_green() -> None:
    """Nothing collected is never green."""
    assert judged([]).color is Color.UNPROVEN


def test_fewer_than_expected_is_not_green() -> None:
    """Fewer collected tests than the minimum are never green, however well they pass."""
    verdict = judged(minimum=1000)
    assert verdict.color is Color.UNPROVEN
    assert "3 of at least 1,000" in verdict.lines[0].proof


def test_a_pass_without_an_execution_is_not_green() -> None:
    """A result that says passed and shows no attempt is not believed."""
    bare = Result(nodeid=TESTS[0], outcome=Outcome.PASSED)
    assert 1 in broken_lines(judged([bare]))


@pytest.mark.parametrize(
    "proof",
    [
        {"counts": {Reality.REAL: 2, Reality.UNPROVEN: 1}},
        {"counts": {Reality.REAL: 2, Reality.MOCKED: 1}},
        {"counts": {Reality.REAL: 2}},
        {"counts": {Reality.REAL: 4}},
        {"counts": {}},
        {"log_complete": False},
    ],
)
def test_each_pass_must_be_real(proof: dict[str, Any]) -> None:
    """Line 2 holds only when as many tests are proven real as passed, from a log that was read to its end."""
    results = [result(t, Outcome.PASSED) for t in TESTS]
    verdict = judged(results, proof=proof_of(results).model_copy(update=proof))
    assert verdict.color is Color.UNPROVEN
    assert 2 in broken_lines(verdict)


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "sha256:" + "f" * 64},
        {"digest": ""},
        {"commit": "someone-elses"},
        {"commit": ""},
        {"serving_revision": "web-00000"},
        {"revision": "", "serving_revision": ""},
        {"service": "stranger"},
    ],
)
def test_what_serves_must_be_what_was_built(changes: dict[str, str]) -> None:
    """Line 3 holds only when revision, digest and commit of what serves are those of this cycle."""
    verdict = judged(rollout=served(**changes))
    assert verdict.color is Color.UNPROVEN
    assert broken_lines(verdict) == [3]


def test_nothing_built_is_not_the_same() -> None:
    """An empty list of images matches nothing: no evidence is never green."""
    empty = rollout_of(1).model_copy(update={"services": ()})
    verdict = judged(images=Images(commit="c", images=()), rollout=empty)
    assert 3 in broken_lines(verdict)


def test_an_unchecked_service_is_not_healthy() -> None:
    """A service whose health nobody checked keeps line 3 from holding."""
    health = health_of(1)
    verdict = judged(health=health.model_copy(update={"checks": health.checks[:1]}))
    assert broken_lines(verdict) == [3]
    assert "auth" in verdict.lines[2].proof


def test_a_failed_rollout_is_broken() -> None:
    """A rollout that failed makes the cycle broken, not red: nothing could be tested."""
    results = [result(t, Outcome.NOT_RUN, reason="web is not healthy") for t in TESTS]
    verdict = judged(
        results, rollout=rollout_of(1, "web"), health=health_of(1, "web"), suite=suite_of(results, ran=False)
    )
    assert verdict.color is Color.BROKEN


def test_a_refused_rollout_is_broken() -> None:
    """A rollout that a check refused is broken too."""
    assert judged(rollout=served(status=ServingStatus.REFUSED), suite=None).color is Color.BROKEN


@pytest.mark.parametrize("step", ["images", "rollout", "health", "suite", "proof"])
def test_a_missing_step_is_never_green(step: str) -> None:
    """A step that left nothing behind keeps the last line from holding."""
    verdict = judged(**{step: None})
    assert verdict.color is not Color.GREEN
    assert 5 in broken_lines(verdict)


def test_a_suite_that_crashed_is_unproven() -> None:
    """A suite that did not run on healthy services is unproven: neither tests nor deploy failed."""
    assert judged([], suite=None, proof=None).color is Color.UNPROVEN


def test_a_build_that_failed_is_broken() -> None:
    """A cycle that never came to a rollout could not be tested."""
    assert judged([], images=None, rollout=None, health=None, suite=None, proof=None).color is Color.BROKEN


def test_flaky_is_never_green() -> None:
    """A test that passed only when run again is shown with all attempts and keeps the cycle from being green."""
    verdict = judged([result(TESTS[0], Outcome.FAILED, Outcome.PASSED), result(TESTS[1], Outcome.PASSED)])
    assert verdict.color is Color.UNPROVEN
    assert broken_lines(verdict) == [4]
    assert "1 failed, 2 passed" in verdict.lines[3].proof


def flaky_cycle(*doubts: str, count: int = 1, budget: int = 0) -> Verdict:
    """Judge a cycle with some flaky tests, doubted for these reasons, and one steady test."""
    flakes = [result(f"e2e/f.py::flaky_{n}", Outcome.FAILED, Outcome.PASSED) for n in range(count)]
    results = [*flakes, result("steady", Outcome.PASSED)]
    proofs = [Proof(nodeid=f.nodeid, reality=Reality.UNPROVEN, doubts=doubts) for f in flakes]
    summary = proof_of(results).model_copy(
        update={"counts": {Reality.REAL: 1, Reality.UNPROVEN: count}, "doubts": dict.fromkeys(doubts, count)}
    )
    return judged(results, proof=summary, proofs=proofs, flaky_budget=budget)


def test_flaky_within_the_budget_is_green_and_named() -> None:
    """As many flaky tests as the settings allow, doubted for nothing else, are shown, each with all its attempts."""
    verdict = flaky_cycle(FLAKED, count=5, budget=5)
    assert verdict.color is Color.GREEN
    assert "1 of 6 passed tests are real" in verdict.lines[1].proof
    assert "5 more passed when run again" in verdict.lines[1].proof
    assert verdict.lines[3].proof.startswith("5 flaky, within the budget of 5: ")
    assert all(f"flaky_{n} (1 failed, 2 passed)" in verdict.lines[3].proof for n in range(5))


def test_one_flaky_test_too_many_forgives_none() -> None:
    """Beyond the budget none is forgiven: who could say which."""
    verdict = flaky_cycle(FLAKED, count=3, budget=2)
    assert verdict.color is Color.UNPROVEN
    assert broken_lines(verdict) == [2, 4]
    assert "3 flaky, more than the budget of 2" in verdict.lines[3].proof


@pytest.mark.parametrize("doubts", [(), ("no row of the request log carries its trace", FLAKED), ("something",)])
def test_the_budget_forgives_nothing_but_being_flaky(doubts: tuple[str, ...]) -> None:
    """A flaky test that is doubted for another reason, or that nobody proved, stays what it is."""
    verdict = flaky_cycle(*doubts, budget=9)
    assert verdict.color is Color.UNPROVEN
    assert broken_lines(verdict) == [2, 4]


def test_the_budget_needs_proofs() -> None:
    """Without single proofs nobody knows why a test is doubted, so nothing is forgiven."""
    results = [result(TESTS[0], Outcome.FAILED, Outcome.PASSED), result(TESTS[1], Outcome.PASSED)]
    assert broken_lines(judged(results, flaky_budget=9)) == [4]


def test_the_doubt_that_is_forgiven_is_the_one_that_is_raised() -> None:
    """The budget knows the doubt by its sentence."""
    assert FLAKED in [doubt.sentence for doubt in DOUBTS]


def test_a_failure_that_a_skip_talked_away_is_not_green() -> None:
    """Only a pass clears a failure, whatever a result claims."""
    evaded = Result(
        nodeid=TESTS[0],
        outcome=Outcome.SKIPPED,
        reason="a reason",
        attempts=(attempt(Outcome.FAILED), attempt(Outcome.SKIPPED, 2)),
    )
    assert broken_lines(judged([evaded, result(TESTS[1], Outcome.PASSED)])) == [4]


def test_a_hidden_attempt_is_not_green() -> None:
    """An attempt that is missing from the numbering may have failed."""
    hidden = Result(nodeid=TESTS[0], outcome=Outcome.PASSED, attempts=(attempt(Outcome.PASSED, number=2),))
    assert broken_lines(judged([hidden])) == [4]


def test_a_rerun_from_before_the_rollout_is_not_green() -> None:
    """Attempts that began before this rollout ended ran on another revision."""
    early = attempt(Outcome.PASSED).model_copy(update={"started": at(1, 0)})
    twice = Result(nodeid=TESTS[0], outcome=Outcome.PASSED, attempts=(early, attempt(Outcome.PASSED, 2)))
    assert broken_lines(judged([twice])) == [4]


def test_gaps_of_the_run_are_missing_evidence() -> None:
    """Each way in which the run is not complete is named in the last line."""
    results = [result(t, Outcome.PASSED) for t in TESTS]
    verdict = judged(results, suite=suite_of(results).model_copy(update={"gaps": ("worker 3 was killed",)}))
    assert broken_lines(verdict) == [5]
    assert "worker 3 was killed" in verdict.lines[4].proof


def test_a_summary_that_disagrees_is_not_believed() -> None:
    """Results are counted, not their summary: a difference between the two is missing evidence."""
    results = [result(t, Outcome.PASSED) for t in TESTS]
    assert broken_lines(judged(results[:2], suite=suite_of(results), proof=proof_of(results[:2]))) == [5]
    assert broken_lines(judged([*results, results[0]])) == [5]


@given(
    outcomes=st.lists(st.sampled_from(list(Outcome)), max_size=6),
    missing=st.sets(st.sampled_from(["images", "rollout", "health", "suite", "proof"])),
    real=st.booleans(),
)
def test_green_means_that_everything_passed(outcomes: list[Outcome], missing: set[str], *, real: bool) -> None:
    """Whatever is left out or went wrong: green only with all steps, all lines, and no bad outcome."""
    results = [result(f"t::{n}", outcome, reason="a reason") for n, outcome in enumerate(outcomes)]
    proof = proof_of(results) if real else proof_of([])
    verdict = judged(results, **({"proof": proof} | dict.fromkeys(missing)))
    assert (verdict.color is Color.GREEN) == all(line.holds for line in verdict.lines)
    if verdict.color is Color.GREEN:
        assert not missing
        assert Outcome.PASSED in outcomes
        assert not any(o.bad or o is Outcome.NOT_RUN for o in outcomes)


def loop_of(stop: Stop | None, *colors: Color) -> Loop:
    """Return a loop whose cycles have these colors."""
    first = Story(100).cycles[0]
    cycles = [first.model_copy(update={"verdict": Verdict(color=color, lines=())}) for color in colors]
    return Loop(id="l", started=at(1), stop=stop, cycles=tuple(cycles))


@pytest.mark.parametrize(
    ("stop", "colors", "code"),
    [
        (Stop.GREEN, [Color.RED, Color.GREEN], 0),
        (Stop.GREEN, [Color.UNPROVEN], 4),
        (Stop.MAX_CYCLES, [Color.RED], 1),
        (Stop.NO_FIX, [Color.GREEN, Color.RED], 1),
        (Stop.NOT_APPROVED, [Color.RED], 1),
        (Stop.MAX_CYCLES, [Color.BROKEN], 3),
        (Stop.NO_FIX, [Color.UNPROVEN], 4),
        (Stop.ALL_REJECTED, [Color.RED], 5),
        (Stop.WAITING, [Color.RED], 6),
        (Stop.INTERRUPTED, [Color.GREEN], 130),
        (Stop.INTERRUPTED, [], 130),
        (Stop.ERROR, [], 2),
        (Stop.ERROR, [Color.RED], 2),
        (Stop.ERROR, [Color.BROKEN], 3),
        (None, [], 4),
        (None, [Color.RED], 1),
    ],
)
def test_exit_codes(stop: Stop | None, colors: list[Color], code: int) -> None:
    """Zero only for a loop whose last cycle is proven green; each other end has its own code."""
    assert exit_code(loop_of(stop, *colors)) == code
