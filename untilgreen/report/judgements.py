"""What the review said of each analysis and each fix, with the evidence that it named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from untilgreen.model.analysis import Analysis, AppliedFix, Finding, FixReview, Truth
from untilgreen.model.calibration import Calibration
from untilgreen.model.claims import CodeDefect
from untilgreen.model.cycle import Cycle, Loop
from untilgreen.model.fix_verdict import Effect, FixVerdict
from untilgreen.report.details import Details
from untilgreen.report.story import chains_of, kind, place
from untilgreen.review.calibration import calibrate


@dataclass(frozen=True)
class Reason:
    """One finding that speaks against something."""

    rule: str
    truth: str
    message: str
    evidence: tuple[tuple[str, str], ...]
    """Id and text; the text is empty where nobody can open the bundle."""


@dataclass(frozen=True)
class Judgement:
    """The review's decision on one analysis."""

    cycle: int
    analysis: str
    author: str
    decision: str
    kind: str
    place: str
    confidence: float
    against: tuple[Reason, ...]


@dataclass(frozen=True)
class FixNote:
    """What became of one offered fix."""

    cycle: int
    title: str
    decision: str
    """applied, rejected, needs human, or approved when it was not applied."""
    against: tuple[Reason, ...] = ()
    canonical: str = ""
    """The function that the repaired place should have called, where the analysis names one."""
    commit: str = ""
    branch: str = ""
    files: tuple[str, ...] = ()
    breaks: str = ""
    effect: str = ""
    """What the newest cycle that looked says of it; empty while none has."""


def judgements(loop: Loop, details: Details) -> list[Judgement]:
    """Return the decisions on all analyses, in the order they were made."""
    quotes = _quotes(loop)
    return [
        Judgement(
            cycle=chain.cycle,
            analysis=chain.analysis.id,
            author=chain.analysis.author,
            decision=chain.decision,
            kind=kind(chain.analysis.leaf.claim),
            place=place(chain.analysis.leaf.claim),
            confidence=chain.review.confidence if chain.review else 0.0,
            against=_reasons(chain.review.findings if chain.review else (), quotes, details),
        )
        for cycle in loop.cycles
        for chain in chains_of(cycle)
    ]


def calibration(loop: Loop) -> Calibration:
    """Return how often each type of claim was right: what the first review knew, and what this loop added."""
    before = next((cycle.reviews.calibration for cycle in loop.cycles if cycle.reviews), Calibration())
    return before.plus(calibrate(_verdicts(loop)))


def fix_notes(loop: Loop, details: Details) -> list[FixNote]:
    """Return what became of all fixes, in the order they were offered."""
    known = {a.id: a for cycle in loop.cycles if cycle.triage for a in cycle.triage.analyses}
    quotes = _quotes(loop)
    # What an unproven verdict could not see does not take back what another one saw.
    ranked = sorted(_verdicts(loop), key=lambda v: (v.effect is not Effect.UNPROVEN, v.judged_in))
    said = {v.fix: f"{v.effect} in cycle {v.judged_in}: {v.reason}" for v in ranked}
    notes = [(cycle, note) for cycle in loop.cycles for note in _of_cycle(cycle, known, quotes, details)]
    return [replace(note, effect=said.get(_fix_of(cycle, note), "")) for cycle, note in notes]


def _verdicts(loop: Loop) -> Iterable[FixVerdict]:
    return (verdict for cycle in loop.cycles if cycle.fix_verdicts for verdict in cycle.fix_verdicts.verdicts)


def _fix_of(cycle: Cycle, note: FixNote) -> str:
    applied = cycle.fixes.applied if cycle.fixes else ()
    return next((fix.fix for fix in applied if note.commit and fix.commit == note.commit), "")


def _of_cycle(cycle: Cycle, known: dict[str, Analysis], quotes: dict[str, str], details: Details) -> Iterable[FixNote]:
    fixes = cycle.fixes
    if fixes is None:
        return
    applied = {fix.fix for fix in fixes.applied}
    for fix in fixes.applied:
        yield _applied(cycle.number, fix, _canonical(known.get(fix.analysis)))
    for review in fixes.reviews:
        if review.fix not in applied:
            reasons = _reasons(review.findings, quotes, details)
            yield _refused(cycle.number, review, _canonical(known.get(review.analysis)), reasons)


def _applied(cycle: int, fix: AppliedFix, canonical: str) -> FixNote:
    return FixNote(
        cycle=cycle,
        title=fix.title,
        decision="applied",
        canonical=canonical,
        commit=fix.commit,
        branch=fix.branch,
        files=fix.files,
        breaks=fix.breaks,
    )


def _refused(cycle: int, review: FixReview, canonical: str, reasons: tuple[Reason, ...]) -> FixNote:
    return FixNote(
        cycle=cycle,
        title=review.title,
        decision=review.decision.replace("_", " "),
        against=reasons,
        canonical=canonical,
    )


def _canonical(analysis: Analysis | None) -> str:
    leaf = analysis.leaf.claim if analysis else None
    return leaf.canonical if isinstance(leaf, CodeDefect) else ""


def _reasons(findings: Iterable[Finding], quotes: dict[str, str], details: Details) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            rule=finding.rule,
            truth=finding.truth.value,
            message=finding.message,
            evidence=tuple((name, details.text_of(name) or quotes.get(name, "")) for name in finding.evidence),
        )
        for finding in findings
        if finding.truth is not Truth.SUPPORTED
    )


def _quotes(loop: Loop) -> dict[str, str]:
    """Return what analyses quote of the evidence: enough to show it without opening a bundle."""
    analyses = (a for cycle in loop.cycles if cycle.triage for a in cycle.triage.analyses)
    lists = (cited for a in analyses for cited in (*(w.citations for w in a.whys), *(r.citations for r in a.rivals)))
    return {citation.evidence: citation.quote for citations in lists for citation in citations}
