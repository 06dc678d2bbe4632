"""What cycles said of the fixes before them, and what was taken back, in words."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.model.cycle import Cycle


def effects(cycle: Cycle) -> Iterator[str]:
    """Go through what a cycle says of fixes: the verdict on each, then what was taken back and tried again."""
    for verdict in cycle.fix_verdicts.verdicts if cycle.fix_verdicts else ():
        yield f"fix {verdict.effect}: {verdict.title} (commit {verdict.commit[:12]}): {verdict.reason}"
    for passed in cycle.fixes.passed_over if cycle.fixes else ():
        yield f"nothing of it: {passed.title}: {'; '.join(finding.message for finding in passed.findings)}"
    for one in cycle.fixes.published if cycle.fixes else ():
        yield f"{one.what.replace('_', ' ')} {'done' if one.ok else 'failed'}: {one.said}".rstrip(": ")
    undone = cycle.undone
    if undone is None:
        return
    for taken in undone.reverted:
        how = f"fix reverted (commit {taken.commit[:12]})" if taken.commit else "fix not reverted"
        yield f"{how}: {taken.title}: {taken.reason}"
    for fix in undone.reapplied:
        yield f"fix tried again alone (commit {fix.commit[:12]}): {fix.title}"
    yield from undone.notes
