"""The gate for analyses: claims are judged against the evidence, prose is not."""

from __future__ import annotations

from collections.abc import Sequence

from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Analysis, Decision, Finding, Review, Truth
from untilgreen.model.calibration import Calibration
from untilgreen.review.chain import RULES
from untilgreen.review.claims import judge
from untilgreen.review.dossier import Chain

_CAPS = {0: 0.5, 1: 0.5, 2: 0.8}
"""Sorts of evidence cited -> how sure anybody may be; three or more give `_BEST`."""
_BEST = 0.95
_OPEN = 0.5


def review(analysis: Analysis, bundle: Bundle, known: Calibration = Calibration()) -> Review:  # noqa: B008 - frozen
    """Judge one analysis: each claim by the gate's own queries, and the chain as a whole.

    Rejected when anything in it is contradicted, to a human when anything is open, approved otherwise.

    Args:
        analysis: what somebody says.
        bundle: the evidence.
        known: how often such claims were right before; it decides nothing, and caps how sure anybody may be.
    """
    judgements = {why.number: judge(why.claim, bundle) for why in analysis.whys}
    chain = Chain(analysis, bundle, judgements)
    findings = [*_claims(chain), *(finding for rule in RULES for finding in rule(chain))]
    decision = decide(findings)
    return Review(
        analysis=analysis.id,
        author=analysis.author,
        decision=decision,
        findings=tuple(findings),
        confidence=round(min(_confidence(chain, decision), known.of(analysis.leaf.claim.type).cap), 3),
    )


def decide(findings: Sequence[Finding]) -> Decision:
    """Reject what is contradicted anywhere, ask a human about what is open, approve the rest."""
    truths = {finding.truth for finding in findings}
    if Truth.REFUTED in truths:
        return Decision.REJECTED
    if truths - {Truth.SUPPORTED}:
        return Decision.NEEDS_HUMAN
    return Decision.APPROVED


def _claims(chain: Chain) -> list[Finding]:
    return [
        Finding(
            rule=f"claim.{why.claim.type}",
            truth=chain.judgements[why.number].truth,
            message=f"{why.claim.subject}: {chain.judgements[why.number].message}",
            why=why.number,
            evidence=chain.judgements[why.number].evidence,
        )
        for why in chain.analysis.whys
    ]


def _confidence(chain: Chain, decision: Decision) -> float:
    """Return what the author reports, but no more than the evidence cited allows."""
    if decision is Decision.REJECTED:
        return 0.0
    kinds = {type(item) for why in chain.analysis.whys for item in chain.cited(why)}
    cap = _CAPS.get(len(kinds), _BEST) if decision is Decision.APPROVED else _OPEN
    return min(chain.analysis.confidence, cap)
