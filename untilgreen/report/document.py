"""The loop as JSON, for machines: stable names, nothing rounded, nothing left out that decided something."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from untilgreen.green import exit_code
from untilgreen.model.analysis import Finding, Fixes
from untilgreen.model.cycle import Cycle, Loop
from untilgreen.report.details import Details
from untilgreen.report.identity import of_cycle
from untilgreen.report.judgements import calibration
from untilgreen.report.story import Chain, chains_of, changes_of, state_of
from untilgreen.report.summary import pass_rate, remaining
from untilgreen.suite.outcomes import is_flaky

SCHEMA = "untilgreen.report/1"


def render_json(loop: Loop, details: Details = Details()) -> dict[str, Any]:  # noqa: B008 - frozen, and holds nothing
    """Return the report of a loop as JSON values.

    Returns:
        `schema`, `loop`, `stop`, `reason`, `exit_code`, `color`, `cycles`, `calibration` and `remaining`. Each cycle
        has `counts`, `causes`, `reviews`, `comparison`, `services`, `verdict`, `fixes`, `fix_verdicts` and `undone`;
        what a cycle did not reach is null.
    """
    return {
        "schema": SCHEMA,
        "loop": loop.id,
        "repository": loop.repository,
        "branch": loop.branch,
        "started": loop.started.isoformat(),
        "finished": loop.finished.isoformat() if loop.finished else None,
        "stop": loop.stop.value if loop.stop else None,
        "reason": loop.reason,
        "exit_code": exit_code(loop),
        "color": loop.cycles[-1].verdict.color.value if loop.cycles else None,
        "cycles": [_cycle(cycle, details) for cycle in loop.cycles],
        "calibration": [
            {**r.model_dump(mode="json"), "estimate": r.estimate, "cap": r.cap} for r in calibration(loop).records
        ],
        "remaining": [{"subject": r.subject, "state": r.state, "action": r.action} for r in remaining(loop)],
    }


def _cycle(cycle: Cycle, details: Details) -> dict[str, Any]:
    return {
        "number": cycle.number,
        "commit": cycle.commit,
        "started": cycle.started.isoformat(),
        "finished": cycle.finished.isoformat(),
        "seconds": dict(cycle.seconds),
        "color": cycle.verdict.color.value,
        "verdict": [line.model_dump(mode="json") for line in cycle.verdict.lines],
        "services": _services(cycle),
        "suite": cycle.suite.model_dump(mode="json", exclude={"counts"}) if cycle.suite else None,
        "counts": _counts(cycle),
        "pass_rate": pass_rate(cycle),
        "flaky": {
            result.nodeid: [attempt.outcome.value for attempt in result.attempts]
            for result in details.results_of(cycle.number)
            if is_flaky(result)
        },
        "proof": cycle.proof.model_dump(mode="json") if cycle.proof else None,
        "causes": _causes(cycle),
        "reviews": [_review(chain) for chain in chains_of(cycle)] if cycle.reviews else None,
        "comparison": cycle.comparison.model_dump(mode="json") if cycle.comparison else None,
        "approval": cycle.approval.model_dump(mode="json") if cycle.approval else None,
        "fixes": _fixes(cycle.fixes) if cycle.fixes else None,
        "fix_verdicts": _verdicts(cycle),
        "undone": cycle.undone.model_dump(mode="json") if cycle.undone else None,
    }


def _services(cycle: Cycle) -> list[dict[str, Any]]:
    return [
        {
            "service": row.service,
            "status": row.status,
            "revision": row.revision,
            "serving_revision": row.serving,
            "digest": row.digest,
            "commit": row.commit,
            "trouble": row.trouble,
        }
        for row in of_cycle(cycle)
    ]


def _counts(cycle: Cycle) -> dict[str, int] | None:
    if cycle.suite is None:
        return None
    return {"collected": cycle.suite.collected, **{o.value: n for o, n in sorted(cycle.suite.counts.items())}}


def _causes(cycle: Cycle) -> list[dict[str, Any]]:
    """Return the groups of a cycle, and the causes that are only spoken of because they are gone or hidden."""
    groups = cycle.triage.groups if cycle.triage else ()
    chains = list(chains_of(cycle))
    seen = [
        {
            "group": group.id,
            "key": group.key,
            "cases": len(group.cases),
            "masked_by": group.masked_by,
            "state": state_of(cycle, group.id) or None,
            "leaf": _leaf([chain for chain in chains if chain.analysis.group == group.id]),
        }
        for group in groups
    ]
    ids = {group.id for group in groups}
    gone = [
        {"group": c.group, "key": c.key, "cases": c.now, "masked_by": "", "state": c.state.value, "leaf": None}
        for c in changes_of(cycle)
        if c.group not in ids
    ]
    return seen + gone


def _leaf(chains: list[Chain]) -> dict[str, Any] | None:
    """Return the approved leaf claim, or None: what nobody approved is no cause."""
    approved = next((chain for chain in chains if chain.approved), None)
    if approved is None:
        return None
    leaf = approved.analysis.leaf.claim
    return {**leaf.model_dump(mode="json"), "subject": leaf.subject}


def _review(chain: Chain) -> dict[str, Any]:
    claim = chain.analysis.leaf.claim
    return {
        "analysis": chain.analysis.id,
        "author": chain.analysis.author,
        "group": chain.analysis.group,
        "leaf": {**claim.model_dump(mode="json"), "subject": claim.subject},
        "decision": chain.review.decision.value if chain.review else None,
        "confidence": chain.review.confidence if chain.review else None,
        "findings": _findings(chain.review.findings if chain.review else ()),
    }


def _verdicts(cycle: Cycle) -> list[dict[str, Any]]:
    """Return what the cycle says of the fixes before it."""
    return [verdict.model_dump(mode="json") for verdict in cycle.fix_verdicts.verdicts] if cycle.fix_verdicts else []


def _fixes(fixes: Fixes) -> dict[str, Any]:
    return {
        "commit": fixes.commit,
        "applied": [fix.model_dump(mode="json") for fix in fixes.applied],
        "reviews": [
            {
                "fix": review.fix,
                "title": review.title,
                "analysis": review.analysis,
                "decision": review.decision.value,
                "findings": _findings(review.findings),
            }
            for review in fixes.reviews
        ],
    }


def _findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [finding.model_dump(mode="json") for finding in findings]
