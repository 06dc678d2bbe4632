"""From executions to one outcome for each collected test."""

from __future__ import annotations

from collections.abc import Sequence

from untilgreen.model.suite import Attempt, Outcome, Result
from untilgreen.ports import SuiteOutput

FLAKED = "it failed before on the same revision"
"""The doubt that being flaky, and nothing else, raises about a pass."""


def conclude(runs: Sequence[SuiteOutput]) -> tuple[Result, ...]:
    """Merge the first run and its reruns into one result for each collected test, in the order of collection.

    A rerun that passes makes the outcome PASSED with several attempts: `is_flaky` tells it from a plain pass.
    """
    first = runs[0]
    return tuple(_conclude_one(nodeid, runs) for nodeid in first.collected)


def _conclude_one(nodeid: str, runs: Sequence[SuiteOutput]) -> Result:
    executed = [run for run in runs if nodeid in run.attempts]
    all_of_them = [attempt for run in executed for attempt in (*run.earlier.get(nodeid, ()), run.attempts[nodeid])]
    attempts = tuple(attempt.model_copy(update={"number": n}) for n, attempt in enumerate(all_of_them, start=1))
    if not attempts:
        return _without_attempt(nodeid, runs[0])
    outcome = _decided(attempts)
    reason = attempts[-1].skip_reason if outcome is Outcome.SKIPPED else ""
    return Result(nodeid=nodeid, outcome=outcome, reason=reason, attempts=attempts)


def _decided(attempts: Sequence[Attempt]) -> Outcome:
    """A rerun clears a failure only by passing: one that is skipped says nothing about it."""
    last = attempts[-1].outcome
    failed = [attempt.outcome for attempt in attempts if attempt.outcome.bad]
    return last if last is Outcome.PASSED or last.bad or not failed else failed[-1]


def _without_attempt(nodeid: str, run: SuiteOutput) -> Result:
    if nodeid in run.lost:
        return Result(nodeid=nodeid, outcome=Outcome.LOST, reason=run.lost[nodeid])
    why = run.stopped or "the run ended before its turn"
    return Result(nodeid=nodeid, outcome=Outcome.NOT_RUN, reason=why)


def is_flaky(result: Result) -> bool:
    """Tell whether the same test on the same revision failed and passed. Such a pass proves nothing."""
    outcomes = {attempt.outcome for attempt in result.attempts}
    return Outcome.PASSED in outcomes and any(outcome.bad for outcome in outcomes)
