"""What became of each cause since the cycles before: resolved only when its tests ran and passed.

The cycles are gone through from the first one, so that a cause which was hidden for a while keeps what was last seen
of it, and one that comes back is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from untilgreen.compare.matching import Cause, cause_of, match
from untilgreen.compare.observed import Observed
from untilgreen.model.analysis import CauseChange, CauseState, Comparison

__all__ = ["Observed", "compare", "follow"]

ORDER = (
    CauseState.RECURRED,
    CauseState.REVEALED,
    CauseState.NEW,
    CauseState.PERSISTENT,
    CauseState.IMPROVED,
    CauseState.MASKED,
    CauseState.RESOLVED,
)
"""Worst news first."""

_Judged = tuple[CauseChange, Cause]


def compare(now: Observed, earlier: Sequence[Observed]) -> Comparison:
    """Compare a cycle with all before it.

    Args:
        now: the cycle to judge.
        earlier: what the cycles before it saw, in any order; those that saw nothing may be left out.

    Returns:
        One change for each cause that is open, was found now, or was resolved now.
    """
    past = sorted((cycle for cycle in earlier if cycle.number < now.number), key=lambda cycle: cycle.number)
    causes: list[Cause] = []
    for index, cycle in enumerate(past):
        _, causes = follow(causes, cycle, past[:index])
    changes, _ = follow(causes, now, past)
    return Comparison(
        against=past[-1].number if past else None,
        changes=tuple(sorted(changes, key=lambda c: (ORDER.index(c.state), -(c.now or c.before), c.key, c.group))),
        pass_rate_before=past[-1].pass_rate if past else None,
        pass_rate=now.pass_rate,
    )


def follow(causes: Sequence[Cause], cycle: Observed, past: Sequence[Observed]) -> tuple[list[CauseChange], list[Cause]]:
    """Take the causes one cycle further.

    Args:
        causes: what is known, of this loop or of earlier ones.
        cycle: what is seen now.
        past: what was seen before, the oldest first; its last one tells what could have been hidden.

    Returns:
        What changed, and what is known afterwards: first the causes of the changes, in their order, then those that
        were resolved before.
    """
    found = [cause_of(group, cycle) for group in cycle.seen]
    known = match(causes, found)
    gone = [cause for cause in causes if cause not in known.values()]
    hidden = [cause_of(group, cycle) for group in cycle.masked]
    behind = match([cause for cause in gone if not cause.closed], hidden)
    steps = [_again(known[cause.group], cause, cycle) for cause in found if cause.group in known]
    steps += [(_first(cause, cycle, past), cause) for cause in found if cause.group not in known]
    steps += [_masked(cause, "an incident hid it") for cause in behind.values()]
    steps += [_absent(cause, cycle) for cause in gone if not cause.closed and cause not in behind.values()]
    closed = [cause for cause in gone if cause.closed]
    # Hidden tests that no known cause explains are no cause of their own: the incident that hides them is.
    return [change for change, _ in steps], [*(cause for _, cause in steps), *closed]


def _first(found: Cause, cycle: Observed, past: Sequence[Observed]) -> CauseChange:
    """Judge a cause that was not seen before: revealed when its tests could not have shown it."""
    # What no test showed, such as a deploy that failed, cannot have been hidden from tests.
    hid = bool(past and found.failed) and all(past[-1].hid(test) for test in found.cases)
    if not hid:
        return _change(found, CauseState.NEW, 0, found.count, "" if cycle.ran else "no test ran")
    passed_in = [c.number for c in past if any(c.passed(test) for test in found.cases)]
    note = f"its tests did not run, or failed for another cause, in cycle {past[-1].number}"
    if passed_in:
        note += f"; some of them passed in cycle {passed_in[-1]}, so a change since then brought it"
    return _change(found, CauseState.REVEALED, 0, found.count, note)


def _again(old: Cause, found: Cause, cycle: Observed) -> _Judged:
    """Judge a cause that is still, or again, there."""
    was = old.group if old.group != found.group else ""
    if old.closed:
        note = f"resolved in {old.when}, back now"
        return _change(found, CauseState.RECURRED, 0, found.count, note, was=was), found
    released = old.cases - found.cases
    unseen = {test for test in released if not cycle.executed(test)}
    failing = {test for test in released - unseen if not cycle.passed(test)}
    better = not unseen and found.count + len(failing) < old.count
    state = CauseState.IMPROVED if better else CauseState.PERSISTENT
    note = _told({"did not run": len(unseen), "now fail for another cause": len(failing)}, of="its earlier tests")
    # What was not seen to pass still belongs to it, or it would be called resolved without them.
    cases = found.cases | unseen | failing
    kept = replace(found, cases=cases, failed=found.failed | (old.failed & cases))
    return _change(found, state, old.count, found.count, note, was=was), kept


def _absent(old: Cause, cycle: Observed) -> _Judged:
    """Judge an open cause that no group shows any more. Silence is no proof: its tests must have passed."""
    unseen = [test for test in old.cases if not cycle.executed(test)]
    if unseen or not any(cycle.executed(test) for test in cycle.by_test):
        return _masked(old, _told({"did not run": len(unseen)}, of=f"its {len(old.cases)} tests"))
    # A flaky test counts even if it was not seen to fail before: a cause that it belongs to is not resolved.
    rest = frozenset(test for test in old.failed if not cycle.passed(test)) | frozenset(filter(cycle.flaky, old.cases))
    passed = any(cycle.passed(test) for test in old.failed or old.cases or cycle.by_test)
    if passed and not rest:
        return _resolved(old, cycle)
    flaky = sum(cycle.flaky(test) for test in rest)
    told = {"are flaky": flaky, "now fail for another cause": len(rest) - flaky}
    note = _told(told, of=f"its {len(old.cases)} tests")
    if not passed and not flaky:
        return _masked(old, note)
    state = CauseState.IMPROVED if len(rest) < old.count else CauseState.PERSISTENT
    left = replace(old, cases=rest, failed=rest, count=len(rest), cycle=cycle.number, loop="")
    return _change(old, state, old.count, len(rest), note), left


def _resolved(old: Cause, cycle: Observed) -> _Judged:
    if not old.cases:
        note = "what it hid was seen again"
    else:
        note = f"all {len(old.cases)} of its tests ran and passed" if old.failed == old.cases else "its tests ran again"
    return _change(old, CauseState.RESOLVED, old.count, 0, note), replace(old, closed=True, cycle=cycle.number, loop="")


def _masked(old: Cause, note: str) -> _Judged:
    seen = f"last seen in {old.when}"
    return _change(old, CauseState.MASKED, old.count, None, f"{note}; {seen}" if note else seen), old


def _change(cause: Cause, state: CauseState, before: int, now: int | None, note: str, *, was: str = "") -> CauseChange:
    return CauseChange(group=cause.group, key=cause.key, state=state, before=before, now=now, note=note, was=was)


def _told(counts: dict[str, int], of: str) -> str:
    return "; ".join(f"{count} of {of} {what}" for what, count in counts.items() if count)
