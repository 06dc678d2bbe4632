"""Fixes that break what worked are taken back; among several the guilty one is found by testing subsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from untilgreen.compare.verdicts import Standing
from untilgreen.errors import RepositoryError
from untilgreen.model.analysis import AppliedFix
from untilgreen.model.cycle import Run
from untilgreen.model.fix_verdict import Effect, RevertedFix, Undone
from untilgreen.ports import History

Subset = tuple[AppliedFix, ...]


@dataclass(frozen=True)
class Undoing:
    """What to take back, what to try instead, and what to try later."""

    revert: Subset = ()
    reapply: Subset = ()
    quarantine: Subset = ()
    waiting: tuple[Subset, ...] = ()
    notes: tuple[str, ...] = ()


def plan(standing: Sequence[Standing], waiting: tuple[Subset, ...], *, last: bool) -> Undoing:
    """Decide by halves: the older half of the suspects stays for the next cycle, the newer one waits.

    Args:
        standing: the fixes that the branch holds, judged by the cycle that has just ended, oldest first.
        waiting: subsets of earlier suspects that were taken back for now.
        last: whether no further cycle is allowed, so that nothing can be tried any more.
    """
    suspects = tuple(s.fix for s in standing if s.earlier and s.earlier[-1].effect is Effect.REGRESSED)
    if last:
        return Undoing(
            suspects, quarantine=suspects[:1] if len(suspects) == 1 else (), notes=_untried(suspects, waiting)
        )
    if len(suspects) > 1:
        middle = (len(suspects) + 1) // 2
        note = f"one of {len(suspects)} fixes broke what worked: {_titles(suspects[:middle])} is tried alone"
        return Undoing(suspects[middle:], waiting=(suspects[middle:], *waiting), notes=(note,))
    reapply, rest = (waiting[0], waiting[1:]) if waiting else ((), ())
    notes = (f"{_titles(reapply)} is tried next",) if reapply else ()
    return Undoing(suspects, reapply, suspects, rest, notes)


def _untried(suspects: Subset, waiting: tuple[Subset, ...]) -> tuple[str, ...]:
    """Say what stays taken back without having been tried alone."""
    subsets = (suspects if len(suspects) > 1 else (), *waiting)
    open_ones = tuple(fix for subset in subsets for fix in subset)
    return (f"taken back without knowing which one is guilty: {_titles(open_ones)}",) if open_ones else ()


def _titles(fixes: Subset) -> str:
    return ", ".join(repr(fix.title) for fix in fixes)


def undo(run: Run, planned: Undoing, history: History, branch: str) -> Undone:
    """Carry a plan out: each fix is taken back, or tried again, by a commit of its own.

    Args:
        run: the tested commit is the base.
        planned: what to do.
        history: the user's repository.
        branch: the loop's.
    """
    commit, reverted, reapplied, notes = run.commit, [], [], [*planned.notes]
    for fix in reversed(planned.revert):
        taken = _revert(run, fix, commit, history, branch)
        commit = taken.commit or commit
        reverted.append(taken)
    for fix in planned.reapply:
        try:
            commit = history.commit_patch(commit, _diff(history, fix), _again(run, fix), branch)
            reapplied.append(fix.model_copy(update={"commit": commit}))
        except RepositoryError as error:
            notes.append(f"{fix.title!r} does not apply alone and stays out: {error}")
    return Undone(
        reverted=tuple(reverted),
        reapplied=tuple(reapplied),
        quarantined=tuple(fix.fix for fix in planned.quarantine),
        waiting=planned.waiting,
        notes=tuple(notes),
        commit=commit,
    )


def _revert(run: Run, fix: AppliedFix, tip: str, history: History, branch: str) -> RevertedFix:
    def taken(commit: str, reason: str) -> RevertedFix:
        return RevertedFix(fix=fix.fix, title=fix.title, reverts=fix.commit, commit=commit, reason=reason)

    if moved := [path for path in fix.files if history.read(tip, path) != history.read(fix.commit, path)]:
        return taken("", f"{', '.join(moved)} was changed after it; take it back by hand")
    back = history.diff(fix.commit, _parent(history, fix))
    try:
        return taken(history.commit_patch(tip, back, _message(run, fix), branch), "it broke what worked")
    except RepositoryError as error:
        return taken("", f"it cannot be taken back: {error}")


def _parent(history: History, fix: AppliedFix) -> str:
    return history.log(fix.commit, 1)[0].parent


def _diff(history: History, fix: AppliedFix) -> str:
    return history.diff(_parent(history, fix), fix.commit)


def _message(run: Run, fix: AppliedFix) -> str:
    return (
        f"Revert: {' '.join(fix.title.split())}\n\nWhat worked before it failed in every attempt with it.\n\n"
        f"Reverts: {fix.commit}\n{_trailers(run, fix)}"
    )


def _again(run: Run, fix: AppliedFix) -> str:
    return (
        f"{' '.join(fix.title.split())}\n\nTried again without the other suspects.\n\nReapplies: {fix.commit}\n"
        f"{_trailers(run, fix)}"
    )


def _trailers(run: Run, fix: AppliedFix) -> str:
    return f"Analysis: {fix.analysis}\nCycle: {run.loop}/{run.cycle}\nFix: {fix.fix}\n"
