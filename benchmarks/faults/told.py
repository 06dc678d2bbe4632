"""The chains of an outcome as text, for whoever wants to know why a fault was judged as it was."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.faults.outcome import Outcome
from untilgreen.model.analysis import Analysis, Review, Truth


def told(outcome: Outcome) -> str:
    """Return every analysis with its whys, quotes and what the review holds against it."""
    commits = {sha[:12]: name for name, sha in outcome.happened.commits.items()}
    head = f"## {outcome.fault.id} {outcome.fault.title}\ncommits: {commits}"
    reviews = zip(outcome.triage.analyses, outcome.reviews, strict=True)
    return "\n".join([head, *(line for analysis, review in reviews for line in _analysis(outcome, analysis, review))])


def _analysis(outcome: Outcome, analysis: Analysis, review: Review) -> Iterator[str]:
    key = next((g.key for g in outcome.triage.groups if g.id == analysis.group), analysis.group)
    yield f"\n### {analysis.author}: {key}"
    yield f"{len(analysis.cases)} tests, first {analysis.cases[:2]}; review: {review.decision}"
    for why in analysis.whys:
        yield f"{why.number}. {why.question} {why.answer}"
        yield f"   [{why.claim.type} {why.claim.subject}]"
        for citation in why.citations:
            yield f"   {citation.evidence}: {citation.quote[:160]!r}"
    for finding in review.findings:
        if finding.truth is not Truth.SUPPORTED:
            yield f"   ! {finding.rule} {finding.truth}: {finding.message[:300]}"
