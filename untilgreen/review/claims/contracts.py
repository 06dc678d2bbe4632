"""Claims about what lies between two parties: a contract's field, and the platform's front end."""

from __future__ import annotations

import re

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import ContractBroken, FrontRefused
from untilgreen.model.evidence import Case, Commit, Coverage, Entry, Hunk, Item, Request, SourceFile, Stream
from untilgreen.review.judgement import Check
from untilgreen.review.routes import matches
from untilgreen.review.scene import current, errors, failed_cases, failing_traces, in_file, of_failures, trace_id


def _named(field: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(field)}(?!\w)")


def _complaints(claim: ContractBroken, bundle: Bundle) -> list[Item]:
    """Find who stumbles over the field: the consumer's exceptions, or a failing test that names it."""
    said = _named(claim.field)
    raised = [e for e in of_failures(bundle, errors(bundle, claim.consumer)) if _over(claim, bundle, e)]
    told = [c for c in failed_cases(bundle) if c.failure and said.search(f"{c.failure.message} {c.failure.text}")]
    return [*raised, *told]


def _over(claim: ContractBroken, bundle: Bundle, entry: Entry) -> bool:
    """Tell whether an exception names the field, or was raised by a line of the consumer that reads it."""
    said = _named(claim.field)
    if not entry.raised or said.search(entry.raised.message):
        return entry.raised is not None
    files = bundle.find(SourceFile, service=claim.consumer)
    lines = [
        file.content.splitlines()[frame.line - 1]
        for frame in entry.raised.frames
        for file in files
        if in_file(bundle, file.path, frame) and 0 < frame.line <= len(file.content.splitlines())
    ]
    return any(said.search(line) for line in lines)


def _changes(claim: ContractBroken, bundle: Bundle) -> list[Hunk]:
    """Find changes since the last good commit that touch the field, on either side."""
    roots = tuple(f"{bundle.manifest.sources.get(s, chr(0))}/" for s in (claim.producer, claim.consumer))
    new = {commit.sha for commit in bundle.find(Commit) if commit.since_good}
    touched = [h for h in bundle.find(Hunk) if h.path.startswith(roots) and h.commit in new]
    return [h for h in touched if _named(claim.field).search("\n".join((*h.removed, *h.added)))]


def _answers(claim: ContractBroken, bundle: Bundle, *, well: bool) -> list[Request]:
    """Find what the producer answered on the traces of failing tests."""
    traces = failing_traces(bundle)
    rows = [row for row in current(bundle, Request, claim.producer) if row.trace and trace_id(row.trace) in traces]
    return [row for row in rows if (row.status < 300) is well]  # noqa: PLR2004 - HTTP's own number


def _broken(claim: ContractBroken, bundle: Bundle) -> list[Item]:
    complaints, changes = _complaints(claim, bundle), _changes(claim, bundle)
    return [*complaints, *changes, *_answers(claim, bundle, well=True)[:1]] if complaints and changes else []


def _nothing_sent(claim: ContractBroken, bundle: Bundle) -> list[Item]:
    """Find that the producer only failed: what sends nothing breaks no contract about what it sends."""
    return [] if _answers(claim, bundle, well=True) else [*_answers(claim, bundle, well=False)]


def _untouched(claim: ContractBroken, bundle: Bundle) -> Coverage | None:
    """Return the consumer's complete log when nobody stumbles over the field and no change touches it."""
    whole = bundle.covers(Entry, claim.consumer) and bundle.covers(Case, "*") and bundle.covers(Hunk, "*")
    silent = not _complaints(claim, bundle) and not _changes(claim, bundle)
    return bundle.covers(Entry, claim.consumer) if whole and silent else None


_REACHED = re.compile(r"malformed|request timeout|too much memory|terminated", re.IGNORECASE)
"""What the platform writes beside a request that an instance had taken; anything else it says kept it outside."""


def _refused(claim: FrontRefused, bundle: Bundle) -> list[Request]:
    rows = of_failures(bundle, bundle.find(Request, service=claim.service))
    return [row for row in rows if row.status == claim.status and matches(claim.path, row.path)]


def _logged(bundle: Bundle, row: Request) -> list[Entry]:
    """Return what the application logged while it worked on a request; what reached it may still be silent."""
    logged = bundle.find(Entry, service=row.service, trace=row.trace) if row.trace else []
    return [entry for entry in logged if entry.stream is not Stream.SYSTEM]


def _never_arrived(claim: FrontRefused, bundle: Bundle) -> list[Item]:
    """Find rows beside which the platform wrote why, or without a line of an application that logs its requests."""
    rows = _refused(claim, bundle)
    said = [row for row in rows if row.said and not _REACHED.search(row.said)]
    silent = [row for row in rows if row.trace and not row.said and not _logged(bundle, row)]
    talkative = _talkative(claim, bundle)
    if said or not talkative or not bundle.covers(Entry, claim.service):
        return [*said]
    return [*silent, talkative[0]] if silent else []


def _talkative(claim: FrontRefused, bundle: Bundle) -> list[Entry]:
    """Find the positive control: the application logs on the traces of most requests that it answered well."""
    rows = [r for r in current(bundle, Request, claim.service) if r.trace and r.status < 300]  # noqa: PLR2004 - HTTP's own number
    logged = [found[0] for row in rows if (found := _logged(bundle, row))]
    return logged if 2 * len(logged) > len(rows) else []


def _arrived(claim: FrontRefused, bundle: Bundle) -> list[Item]:
    """Find the application at work on those very requests, in its own log or by the platform's word."""
    rows = _refused(claim, bundle)
    taken = [row for row in rows if _REACHED.search(row.said)]
    return [*taken, *(entry for row in rows if not row.said for entry in _logged(bundle, row))]


def _request_log(claim: FrontRefused, bundle: Bundle) -> Coverage | None:
    return None if _refused(claim, bundle) else bundle.covers(Request, claim.service)


CONTRACT_BROKEN = Check(_broken, counter=_nothing_sent, absence=_untouched)
FRONT_REFUSED = Check(_never_arrived, counter=_arrived, absence=_request_log)
