"""Claims about source and changes."""

from __future__ import annotations

import re

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import CodeDefect, RegressedBy
from untilgreen.model.evidence import Case, Commit, Coverage, Entry, GateSeen, Hunk, Item, Revision, SourceFile
from untilgreen.model.suite import Frame
from untilgreen.review.judgement import Check
from untilgreen.review.scene import errors, failed_cases, gate_saw, in_file, of_failures, standing


def _files(claim: CodeDefect, bundle: Bundle) -> list[SourceFile]:
    return [file for file in bundle.find(SourceFile) if file.path == claim.path]


def _holds(claim: CodeDefect, file: SourceFile) -> bool:
    """Tell whether the file has that line and knows that symbol."""
    lines = file.content.splitlines()
    name = _function(claim.symbol)
    known = not name or re.search(rf"(?<!\w){re.escape(name)}(?!\w)", file.content)
    return bool(claim.line <= len(lines) and lines[claim.line - 1].strip() and known) if claim.line > 0 else False


def _function(symbol: str) -> str:
    """Return the last part of a dotted name; `<module>` names no function."""
    return "" if symbol.startswith("<") else symbol.rpartition(".")[2]


def _frames(item: Entry | Case) -> tuple[Frame, ...]:
    if isinstance(item, Case):
        return item.failure.frames if item.failure else ()
    return item.raised.frames if item.raised else ()


def _leads_there(claim: CodeDefect, bundle: Bundle, item: Entry | Case) -> bool:
    return any(
        in_file(bundle, claim.path, frame) and (frame.line == claim.line or frame.function == _function(claim.symbol))
        for frame in _frames(item)
    )


def _traced(claim: CodeDefect, bundle: Bundle) -> list[Item]:
    # An older revision that still gets requests ran other code: what broke there says nothing of this line.
    services = sorted({entry.service for entry in errors(bundle)})
    seen: list[Entry | Case] = [*(e for s in services for e in errors(bundle, s)), *failed_cases(bundle)]
    return [item for item in seen if _leads_there(claim, bundle, item)]


def _changed(claim: CodeDefect, bundle: Bundle) -> list[Hunk]:
    """Find changes since the last good commit at that line; when none is known to be good, changes tell nothing."""
    if not bundle.manifest.good_commit:
        return []
    return [hunk for hunk in standing(bundle) if hunk.path == claim.path and _covers(hunk, claim.line)]


def _covers(hunk: Hunk, line: int) -> bool:
    """Tell whether a line is one that the change added, or stands where it only took lines away."""
    if hunk.added:
        return hunk.line <= line < hunk.line + len(hunk.added)
    return hunk.line <= line <= hunk.line + 1


def _customary(claim: CodeDefect, bundle: Bundle) -> list[SourceFile]:
    """Find siblings that call what the line is said to bypass; two make a custom."""
    called = re.search(r"(\w+)\W*(?:\(.*)?$", claim.canonical)
    if not called:
        return []
    call = re.compile(rf"(?<!def )\b{re.escape(called[1])}\(")
    calls = [(file, len(call.findall(file.content))) for file in bundle.find(SourceFile)]
    line = next(
        (file.content.splitlines()[claim.line - 1] for file in _files(claim, bundle) if _holds(claim, file)), ""
    )
    deviates = "(" in claim.canonical or " " in claim.canonical or not call.search(line)
    custom = sum(count for _, count in calls) > 1 and deviates
    return [file for file, count in calls if count] if custom else []


def _gated(claim: CodeDefect, bundle: Bundle) -> list[GateSeen]:
    """Find the image gate refusing that very line."""
    return [s for s in gate_saw(bundle) if (s.finding.path, s.finding.line) == (claim.path, claim.line)]


def _defective(claim: CodeDefect, bundle: Bundle) -> list[Item]:
    """Find the line itself and what leads to it: the gate, a failure's traceback, a change, or a custom."""
    files = [file for file in _files(claim, bundle) if _holds(claim, file)]
    others = (_traced, _changed, _customary) if files else ()
    leads = [*_gated(claim, bundle), *(item for find in others for item in find(claim, bundle))]
    return [*leads, *files] if leads else []


def _no_such_line(claim: CodeDefect, bundle: Bundle) -> list[SourceFile]:
    return [file for file in _files(claim, bundle) if not _holds(claim, file)]


def _raised_elsewhere(claim: CodeDefect, bundle: Bundle) -> list[Entry]:
    """Find failures of the same service of which no traceback passes through the file.

    An upstream defect may well surface downstream: only the service that holds the file can contradict, and only
    where the file ran: what the gate refused did not.
    """
    if _gated(claim, bundle):
        return []
    services = {file.service for file in _files(claim, bundle) if file.service}
    seen = [entry for service in sorted(services) for entry in of_failures(bundle, errors(bundle, service))]
    raised = [entry for entry in seen if entry.raised and entry.raised.frames]
    through = [e for e in raised if any(in_file(bundle, claim.path, frame) for frame in _frames(e))]
    return [] if through else raised


def _never_ran(claim: CodeDefect, bundle: Bundle) -> list[GateSeen]:
    """Find the gate refusing the rollout for other files: what did not run broke nothing."""
    owners = [file.service for file in _files(claim, bundle) if file.service]
    gate = gate_saw(bundle)
    if not owners or any(s in bundle.manifest.revisions for s in owners):
        return []
    return [] if any(claim.path == seen.finding.path for seen in gate) else gate


def _impossible(claim: CodeDefect, bundle: Bundle) -> list[Item]:
    return [*_no_such_line(claim, bundle), *_never_ran(claim, bundle)]


def _sources(claim: CodeDefect, bundle: Bundle) -> Coverage | None:
    """Return the coverage that would hold the file: the one of the service in whose build context the path lies."""
    if _files(claim, bundle):
        return None
    roots = {service: root for service, root in bundle.manifest.sources.items() if claim.path.startswith(f"{root}/")}
    return next((found for service in roots if (found := bundle.covers(SourceFile, service))), None)


def _commits(claim: RegressedBy, bundle: Bundle) -> list[Commit]:
    """Find the commit of this sha or beginning; what several begin with names none."""
    wanted = claim.commit.lower()
    found = [c for c in bundle.find(Commit) if wanted and c.sha.lower().startswith(wanted)]
    return found if len({commit.sha for commit in found}) == 1 else []


def _regressed(claim: RegressedBy, bundle: Bundle) -> list[Item]:
    commits = [c for c in _commits(claim, bundle) if c.since_good and claim.path in c.files]
    shas = {commit.sha for commit in commits}
    hunks = [hunk for hunk in bundle.find(Hunk) if hunk.path == claim.path and hunk.commit in shas]
    return [*commits, *hunks] if hunks else []


def _innocent(claim: RegressedBy, bundle: Bundle) -> list[Commit]:
    """A commit that the last good one already had, or that leaves the file alone, brought nothing."""
    return [c for c in _commits(claim, bundle) if not c.since_good or claim.path not in c.files]


def _seen_before(claim: RegressedBy, bundle: Bundle) -> list[Entry]:
    """Find the last good revision raising in that file what the revision under test raises there."""
    old = {revision.name for revision in bundle.find(Revision) if not revision.current}
    there = [e for e in errors(bundle) if any(in_file(bundle, claim.path, frame) for frame in _frames(e))]
    now = {e.raised.exception for e in there if e.raised and e.revision not in old}
    return [e for e in there if e.raised and e.revision in old and e.raised.exception in now]


def _history(claim: RegressedBy, bundle: Bundle) -> Coverage | None:
    begun = [c for c in bundle.find(Commit) if claim.commit and c.sha.startswith(claim.commit.lower())]
    return None if begun else bundle.covers(Commit, "*")


CODE_DEFECT = Check(_defective, counter=_raised_elsewhere, rebuttal=_impossible, absence=_sources)
REGRESSED_BY = Check(_regressed, counter=_seen_before, rebuttal=_innocent, absence=_history)
