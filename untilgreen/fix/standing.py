"""Which fixes the branch holds, and what is known of each: read from what the cycles left behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from untilgreen.compare.verdicts import Standing
from untilgreen.model.analysis import AppliedFix, Comparison, Decision, Fixes, Triage
from untilgreen.model.fix_verdict import Effect, FixVerdicts, Undone

ATTEMPTS = 2
"""After so many fixes that did not help, a person looks at a signature."""


@dataclass(frozen=True)
class Chapter:
    """What one cycle left behind, as far as fixes are concerned."""

    number: int
    triage: Triage | None = None
    comparison: Comparison | None = None
    verdicts: FixVerdicts | None = None
    fixes: Fixes | None = None
    undone: Undone | None = None


def standing(chapters: Sequence[Chapter]) -> tuple[Standing, ...]:
    """Return the fixes that the newest commit holds, in the order of their commits.

    Args:
        chapters: all cycles so far, in order.
    """
    held: dict[str, Standing] = {}
    known: dict[str, Standing] = {}
    for chapter in chapters:
        for verdict in chapter.verdicts.verdicts if chapter.verdicts else ():
            if one := held.get(verdict.fix):
                held[verdict.fix] = replace(one, earlier=(*one.earlier, verdict))
        for fix in chapter.fixes.applied if chapter.fixes else ():
            known[fix.fix] = held[fix.fix] = _begun(fix, chapter)
        for taken in chapter.undone.reverted if chapter.undone else ():
            if taken.commit:
                held.pop(taken.fix, None)
        for fix in chapter.undone.reapplied if chapter.undone else ():
            held[fix.fix] = replace(known[fix.fix], fix=fix, cycle=chapter.number, earlier=())
    return tuple(held.values())


def _begun(fix: AppliedFix, chapter: Chapter) -> Standing:
    triage = chapter.triage
    analysis = next((a for a in triage.analyses if a.id == fix.analysis), None) if triage else None
    group = next((g for g in triage.groups if analysis and g.id == analysis.group), None) if triage else None
    return Standing(
        fix=fix,
        cycle=chapter.number,
        first=chapter.number,
        group=group.id if group else "",
        claim=analysis.leaf.claim.type if analysis else fix.breaks.partition(" ")[0],
        cases=frozenset(group.cases) if group else frozenset(),
    )


def tried(chapters: Iterable[Chapter]) -> frozenset[str]:
    """Return the fixes that were committed, rejected or quarantined: none is tried twice."""
    found: set[str] = set()
    for chapter in chapters:
        if chapter.fixes:
            found |= {fix.fix for fix in chapter.fixes.applied}
            found |= {r.fix for r in chapter.fixes.reviews if r.decision is Decision.REJECTED}
        if chapter.undone:
            found |= set(chapter.undone.quarantined)
    return frozenset(found)


def attempts(chapters: Sequence[Chapter]) -> dict[str, tuple[str, ...]]:
    """Return what was tried in vain for each signature.

    Returns:
        Id of a group, under all names that it has had, or a broken why -> titles of the fixes that did not help.
    """
    said = (v for chapter in chapters if chapter.verdicts for v in chapter.verdicts.verdicts)
    newest = {v.fix: v for v in said if v.effect is not Effect.UNPROVEN}
    vain = [v for v in newest.values() if v.effect in (Effect.INEFFECTIVE, Effect.REGRESSED)]
    later = {c.was: c.group for chapter in chapters if chapter.comparison for c in chapter.comparison.changes if c.was}
    found: dict[str, list[str]] = {}
    for verdict in vain:
        for key in {*_names(verdict.group, later), verdict.breaks}:
            found.setdefault(key, []).append(verdict.title)
    return {key: tuple(titles) for key, titles in found.items()}


def _names(group: str, later: dict[str, str]) -> Iterator[str]:
    seen: set[str] = set()
    while group and group not in seen:
        yield group
        seen.add(group)
        group = later.get(group, "")
