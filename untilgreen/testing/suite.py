"""A suite in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from untilgreen.model.suite import Attempt, Failure, Outcome
from untilgreen.ports import Halt, SuiteOrder, SuiteOutput, Watcher, never
from untilgreen.testing.history import BEGINNING

INTERRUPTED = 2
"""pytest's exit code when it was stopped."""
NOTHING_COLLECTED = 5
"""pytest's exit code when there is no test."""


class FakeSuite:
    """A suite with scripted outcomes.

    Args:
        outcomes: node id -> its outcome in each attempt; the last one stays.
        lost: node id -> why nobody knows how it ended.
    """

    def __init__(self, outcomes: Mapping[str, Iterable[Outcome]], lost: Mapping[str, str] | None = None) -> None:
        self._outcomes = {nodeid: tuple(attempts) for nodeid, attempts in outcomes.items()}
        self._lost = dict(lost or {})
        self.orders: list[SuiteOrder] = []
        """Every order that was given."""

    def run(self, order: SuiteOrder, watcher: Watcher, halt: Halt = never) -> SuiteOutput:
        """Tell the scripted outcomes."""
        self.orders.append(order)
        return self._told(order, watcher, halt)

    def recover(self, order: SuiteOrder) -> SuiteOutput:
        """Tell them again: nothing here can be interrupted half-way."""
        return self._told(order, _Nobody(), never)

    def _told(self, order: SuiteOrder, watcher: Watcher, halt: Halt) -> SuiteOutput:
        wanted = self._wanted(order)
        watcher.collected(len(wanted))
        attempts: dict[str, Attempt] = {}
        stopped = ""
        for nodeid in [] if order.collect_only else _begun_with(order.first, wanted):
            stopped = halt()
            if stopped:
                break
            if nodeid not in self._lost:
                attempts[nodeid] = ended = self._attempt(nodeid, order.attempt)
                watcher.finished(nodeid, ended.outcome, ended.failure.message if ended.failure else "")
        known = not order.collect_only and not stopped
        lost = {nodeid: why for nodeid, why in self._lost.items() if known and nodeid in wanted}
        bad = bool(lost) or any(attempt.outcome.bad for attempt in attempts.values())
        code = INTERRUPTED if stopped else 1 if bad else 0 if wanted else NOTHING_COLLECTED
        return SuiteOutput(
            command=("fake",),
            python=order.python,
            collected=wanted,
            attempts=attempts,
            lost=lost,
            exit_code=code,
            finished=not lost and not stopped,
            stopped=stopped,
        )

    def _wanted(self, order: SuiteOrder) -> tuple[str, ...]:
        there = order.only or (*self._outcomes, *self._lost)
        chosen = order.select
        return tuple(
            nodeid for nodeid in there if not chosen or nodeid in chosen or any(fnmatchcase(nodeid, p) for p in chosen)
        )

    def _attempt(self, nodeid: str, number: int) -> Attempt:
        scripted = self._outcomes[nodeid]
        outcome = scripted[min(number, len(scripted)) - 1]
        failure = Failure(phase="call", exception="AssertionError", message="scripted") if outcome.bad else None
        return Attempt(number=number, outcome=outcome, started=BEGINNING, duration_s=0.01, failure=failure)


class _Nobody:
    """Watches nothing."""

    def collected(self, total: int) -> None:
        pass

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        pass


def _begun_with(first: Sequence[str], wanted: Sequence[str]) -> list[str]:
    there = set(wanted)
    early = dict.fromkeys(nodeid for nodeid in first if nodeid in there)
    return [*early, *(nodeid for nodeid in wanted if nodeid not in early)]
