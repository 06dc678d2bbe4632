"""The tests of a cycle as evidence, with all their executions."""

from __future__ import annotations

from collections.abc import Iterable

from untilgreen.collect.gathered import Gathered
from untilgreen.model.document import Window
from untilgreen.model.evidence import Case, Earlier
from untilgreen.model.suite import Attempt, Result


def cases(results: Iterable[Result], window: Window) -> Gathered:
    """Turn each test into evidence, with all its executions; without any test, no absence of a failure can be cited."""
    gathered = Gathered(window)
    found = [_case(result) for result in results]
    gap = "" if found else "no test was collected"
    gathered.add(found, kind=Case, subject="*", query="every collected test", gap=gap)
    return gathered


def _case(result: Result) -> Case:
    last = result.last
    seen = last.sighting if last else None
    return Case(
        at=last.started if last else None,
        nodeid=result.nodeid,
        outcome=result.outcome,
        duration_s=last.duration_s if last else 0.0,
        trace=seen.trace if seen else "",
        failure=last.failure if last else None,
        exchanges=seen.exchanges if seen else (),
        earlier=tuple(_earlier(attempt) for attempt in result.attempts[:-1]),
    )


def _earlier(attempt: Attempt) -> Earlier:
    return Earlier(
        number=attempt.number,
        outcome=attempt.outcome,
        at=attempt.started,
        duration_s=attempt.duration_s,
        trace=attempt.sighting.trace if attempt.sighting else "",
        failure=attempt.failure,
    )
