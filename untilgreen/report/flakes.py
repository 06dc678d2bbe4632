"""Tests whose attempts on one revision ended differently: shown with all attempts, never called resolved."""

from __future__ import annotations

from dataclasses import dataclass

from untilgreen.model.cycle import Loop
from untilgreen.report.details import Details
from untilgreen.suite.outcomes import is_flaky

MOST = 50
"""Flaky tests that people are shown; machines get all."""


@dataclass(frozen=True)
class Flake:
    """One flaky test in one cycle."""

    cycle: int
    nodeid: str
    attempts: tuple[str, ...]
    """Outcome and message of each attempt, in order."""


def flakes(loop: Loop, details: Details) -> list[Flake]:
    """Return the flaky tests of all cycles, the newest cycle first."""
    return [
        Flake(
            cycle=cycle.number,
            nodeid=result.nodeid,
            attempts=tuple(
                f"{a.outcome}: {a.failure.exception}: {a.failure.message}" if a.failure else a.outcome.value
                for a in result.attempts
            ),
        )
        for cycle in reversed(loop.cycles)
        for result in details.results_of(cycle.number)
        if is_flaky(result)
    ]
