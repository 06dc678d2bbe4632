"""How old each cause is: the causes of all cycles and loops, taken one cycle further.

What an earlier cycle or loop knew comes as its rows, so that one cycle need not go through all cycles before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from untilgreen.compare.matching import Cause
from untilgreen.compare.observed import Observed
from untilgreen.compare.step import follow
from untilgreen.model.analysis import CauseChange, CauseState
from untilgreen.model.retrospect import CausePast, Course, Sight

ORDER = (
    Course.RECURRED,
    Course.REVEALED,
    Course.NEW,
    Course.CHANGED,
    Course.PERSISTENT,
    Course.FLAKY,
    Course.IMPROVED,
    Course.MASKED,
    Course.NOT_RUN,
    Course.RESOLVED,
)
"""Worst news first."""
REMEMBERED = 200
"""Resolved causes that are kept, the newest: every cycle keeps them again, and years of nights must not fill a disk."""


def trace(
    rows: Sequence[CausePast], now: Observed, past: Sequence[Observed], seen: Sight
) -> tuple[tuple[CausePast, ...], tuple[CausePast, ...]]:
    """Take the causes of all loops one cycle further.

    Args:
        rows: those of the cycle before, of this loop or of the last one; resolved ones, too.
        now: what the cycle saw.
        past: what the cycles before it saw, the oldest first; the last one is enough.
        seen: which cycle it is.

    Returns:
        The rows of this cycle, worst news first; and those that were resolved before it.
    """
    causes = [known(row, seen) for row in rows]
    before = {row.group: row for row in rows}
    changes, after = follow(causes, now, past)
    judged = list(zip(changes, after, strict=False))
    current = [_row(change, cause, before.get(change.was or change.group), now, seen) for change, cause in judged]
    closed = [_older(before[cause.group]) for cause in after[len(judged) :]]
    newest = sorted(closed, key=lambda row: (row.last_seen.at, row.group))[-REMEMBERED:]
    return tuple(sorted(current, key=_worst_first)), tuple(newest)


def _worst_first(row: CausePast) -> tuple[int, int, str, str]:
    return ORDER.index(row.course), -(row.now or row.before), row.key, row.group


def known(row: CausePast, seen: Sight) -> Cause:
    """Return a row as what a cycle compares with."""
    return Cause(
        group=row.group,
        key=row.key,
        message=row.message,
        services=frozenset(row.services),
        cases=frozenset(row.tests),
        failed=frozenset(row.failed),
        count=row.before if row.now is None else row.now,
        cycle=row.last_seen.cycle,
        incident=row.incident,
        closed=row.closed,
        loop=row.last_seen.loop if row.last_seen.loop != seen.loop else "",
    )


def _row(change: CauseChange, cause: Cause, old: CausePast | None, now: Observed, seen: Sight) -> CausePast:
    course = next(found for rule in COURSES if (found := rule(change, cause, now)))
    unobserved = change.now is None and old is not None
    return CausePast(
        group=cause.group,
        key=cause.key,
        course=course,
        before=change.before,
        now=change.now,
        first_seen=old.first_seen if old else seen,
        last_seen=old.last_seen if unobserved and old else seen,
        age=old.age + 1 if old else 0,
        recurrences=(old.recurrences if old else 0) + (course is Course.RECURRED),
        note=change.note,
        closed=cause.closed,
        incident=cause.incident,
        message=cause.message,
        services=tuple(sorted(cause.services)),
        tests=tuple(sorted(cause.cases)),
        failed=tuple(sorted(cause.failed)),
    )


def _older(row: CausePast) -> CausePast:
    """Return a resolved cause one cycle later."""
    return row.model_copy(update={"age": row.age + 1})


def not_run(change: CauseChange, _cause: Cause, now: Observed) -> Course | None:
    """No incident hides it: its tests just did not run."""
    hidden = any(change.group in (group.id, group.masked_by) for group in now.masked)
    return None if change.state is not CauseState.MASKED or hidden or now.incidents else Course.NOT_RUN


def flaky(change: CauseChange, cause: Cause, now: Observed) -> Course | None:
    """No group shows it, and it is not resolved: what is left of it passes in some attempts only."""
    shown = any(group.id == change.group for group in now.seen)
    return Course.FLAKY if change.now and not shown and any(map(now.flaky, cause.cases)) else None


def changed(change: CauseChange, _cause: Cause, _now: Observed) -> Course | None:
    """As many tests fail for it as before, under another signature."""
    return Course.CHANGED if change.was and change.state is CauseState.PERSISTENT else None


def as_compared(change: CauseChange, _cause: Cause, _now: Observed) -> Course:
    """The state that the comparison gives."""
    return _SAME[change.state]


_SAME: Mapping[CauseState, Course] = {state: Course(state.value) for state in CauseState}

COURSES: tuple[Callable[[CauseChange, Cause, Observed], Course | None], ...] = (not_run, flaky, changed, as_compared)
"""The first that knows an answer gives it; the last one always does."""
