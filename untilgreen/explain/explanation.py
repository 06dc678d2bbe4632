"""What there is to say about one test: the nouns, and how they are put together from a cycle's evidence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Analysis, Group, Reviews, Triage, Why
from untilgreen.model.document import Document, Instant
from untilgreen.model.evidence import Case, Commit, Entry, Hunk, Item, Request
from untilgreen.model.suite import Outcome
from untilgreen.triage.templates import template_of, templates

_START = datetime(1970, 1, 1, tzinfo=UTC)


class Line(Document):
    """One thing that was logged on a test's trace."""

    at: Instant | None
    service: str
    revision: str
    source: str
    """request, or the stream of a log entry."""
    severity: str = ""
    text: str
    evidence: str
    only_failing: bool = False
    """Whether no passing test has a line like it."""


class Reason(Document):
    """One why, with what the review found about it."""

    why: Why
    truth: str
    """supported, refuted, contested, unproven, or `not reviewed`."""


class Account(Document):
    """One analyst's chain, and what the review decided."""

    author: str
    decision: str
    confidence: float
    reasons: tuple[Reason, ...]


class Change(Document):
    """A piece of a diff that a chain rests on."""

    commit: str
    subject: str
    author: str
    path: str
    line: int
    removed: tuple[str, ...]
    added: tuple[str, ...]


class Explanation(Document):
    """Everything about one test in one cycle."""

    loop: str
    cycle: int
    commit: str
    case: Case
    group: Group | None = None
    incident: Group | None = None
    """What hides this test's own cause, if anything does."""
    accounts: tuple[Account, ...] = ()
    lines: tuple[Line, ...] = ()
    changes: tuple[Change, ...] = ()
    siblings: tuple[str, ...] = ()
    """The other tests of its group."""
    gaps: tuple[str, ...] = ()
    """What was not collected completely: an absence there shows nothing."""


def explain(bundle: Bundle, triage: Triage, reviews: Reviews | None, case: Case) -> Explanation:
    """Put together what the evidence says about one test.

    Args:
        bundle: the evidence of its cycle.
        triage: the groups and chains found in it.
        reviews: what the gate decided; None when nobody reviewed.
        case: the test, one of the bundle's.
    """
    group = next((g for g in triage.groups if case.nodeid in g.cases), None)
    incident = next((g for g in triage.groups if group and g.id == group.masked_by), None)
    about = incident or group
    analyses = [a for a in triage.analyses if about and a.group == about.id]
    return Explanation(
        loop=bundle.manifest.loop,
        cycle=bundle.manifest.cycle,
        commit=bundle.manifest.commit,
        case=case,
        group=group,
        incident=incident,
        accounts=tuple(_account(analysis, reviews) for analysis in analyses),
        lines=tuple(_lines(bundle, case.trace, _suspicious(bundle) if case.outcome.bad else frozenset())),
        changes=tuple(_changes(bundle, analyses)),
        siblings=tuple(nodeid for nodeid in (group.cases if group else ()) if nodeid != case.nodeid),
        gaps=tuple(_gaps(bundle)),
    )


def _account(analysis: Analysis, reviews: Reviews | None) -> Account:
    found = next((r for r in reviews.reviews if r.analysis == analysis.id), None) if reviews else None
    truths = {f.why: str(f.truth) for f in found.findings if f.rule.startswith("claim.")} if found else {}
    return Account(
        author=analysis.author,
        decision=str(found.decision).replace("_", " ") if found else "not reviewed",
        confidence=found.confidence if found else analysis.confidence,
        reasons=tuple(Reason(why=why, truth=truths.get(why.number, "not reviewed")) for why in analysis.whys),
    )


def _suspicious(bundle: Bundle) -> frozenset[tuple[str, str]]:
    """Return services and templates of what failing tests log and passing ones do not."""
    if not any(case.outcome is Outcome.PASSED for case in bundle.find(Case)):
        return frozenset()
    return frozenset((t.service, t.text) for t in templates(bundle) if t.failing and not t.passing)


def _lines(bundle: Bundle, trace: str, suspicious: frozenset[tuple[str, str]]) -> Iterable[Line]:
    """Go through what carries the trace in the order of time, whichever service it came from."""
    if not trace:
        return []
    rows: list[Request | Entry] = [*bundle.find(Request, trace=trace), *bundle.find(Entry, trace=trace)]
    return [
        _line(row, suspicious)
        for row in sorted(rows, key=lambda row: (row.at or _START, row.kind == "entry", row.insert_id))
    ]


def _line(row: Request | Entry, suspicious: frozenset[tuple[str, str]]) -> Line:
    if isinstance(row, Request):
        text = f"{row.method} {row.path} -> {row.status} in {row.latency_s * 1000:.0f} ms"
        return Line(at=row.at, service=row.service, revision=row.revision, source="request", text=text, evidence=row.id)
    return Line(
        at=row.at,
        service=row.service,
        revision=row.revision,
        source=row.stream.value,
        severity=row.severity,
        text=row.message,
        evidence=row.id,
        only_failing=(row.service, template_of(row.message)) in suspicious,
    )


def _changes(bundle: Bundle, analyses: list[Analysis]) -> Iterable[Change]:
    """Go through the hunks that chains rest on; what was changed elsewhere is no part of the explanation."""
    commits = {commit.sha: commit for commit in bundle.find(Commit)}
    for hunk in _cited(bundle, analyses, Hunk):
        commit = commits.get(hunk.commit)
        yield Change(
            commit=hunk.commit,
            subject=commit.subject if commit else "",
            author=commit.author if commit else "",
            path=hunk.path,
            line=hunk.line,
            removed=hunk.removed,
            added=hunk.added,
        )


def _cited(bundle: Bundle, analyses: list[Analysis], kind: type[Hunk]) -> Iterable[Hunk]:
    ids = dict.fromkeys(c.evidence for a in analyses for why in a.whys for c in why.citations)
    items: Iterable[Item | None] = (bundle.get(identity) for identity in ids)
    return (item for item in items if isinstance(item, kind))


def _gaps(bundle: Bundle) -> Iterable[str]:
    """Name what was not looked at completely, of what a chain may rest on."""
    for coverage in bundle.manifest.coverage:
        if not coverage.complete and coverage.kind != "file":
            yield f"{coverage.kind} of {coverage.subject}: {coverage.gap}"
