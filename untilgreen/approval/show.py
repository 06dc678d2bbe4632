"""What a person sees before deciding: causes, verdicts, diffs, the hash, and what happens next."""

from __future__ import annotations

from untilgreen.approval.request import ApprovalRequest, asked_about
from untilgreen.approval.visible import code, fenced
from untilgreen.model.analysis import Analysis, Decision, Fix, FixReview, Review, Truth
from untilgreen.model.cycle import Cycle
from untilgreen.redaction import LAST_NET

DIFF_LINES = 400
"""Of one diff in a form; more is cut, and says so."""
WHOLE = 10_000_000
_HALF = 39


def describe(request: ApprovalRequest, cycle: Cycle, branch: str, diff_lines: int = DIFF_LINES) -> str:
    """Return the question as Markdown in which all foreign words are data.

    Args:
        request: what is asked.
        cycle: that the fixes are for.
        branch: where commits would go.
        diff_lines: of one diff; more is cut.
    """
    fixes = asked_about(request.offer)
    number = _count(len(fixes), "fix", "fixes")
    parts = [
        *([f"**Asked again:** {code(request.trouble)}"] if request.trouble else []),
        f"**{number}** for cycle {cycle.number} of loop {code(request.loop)}, which is **{cycle.verdict.color}**",
        # In two halves: the form of the Prefect UI cuts off what is wider than it.
        f"base {code(request.base)}\n\nhash {code(request.hash[:_HALF])} {code(request.hash[_HALF:])}",
        "### Causes",
        *_causes(cycle, {fix.analysis for fix in fixes}),
        "### Fixes",
        *(_fix(fix, request, diff_lines) for fix in fixes),
        "### What happens next",
        _next(request, branch, len(fixes)),
    ]
    return LAST_NET.mask("\n\n".join(parts))


def _causes(cycle: Cycle, wanted: set[str]) -> list[str]:
    """Show why tests fail, of the analyses that the fixes are about; how many were rejected beside them."""
    triage, reviews = cycle.triage, cycle.reviews
    if not (triage and reviews):
        return ["none is known"]
    judged = {review.analysis: review for review in reviews.reviews}
    shown = [_cause(a, judged[a.id]) for a in triage.analyses if a.id in wanted and a.id in judged]
    rejected = sum(review.decision is Decision.REJECTED for review in reviews.reviews)
    others = f"{_count(rejected, 'analysis was', 'analyses were')} rejected; the report says why."
    return [*(shown or ["none is known"]), *([others] if rejected else [])]


def _cause(analysis: Analysis, review: Review) -> str:
    whys = sorted(analysis.whys, key=lambda why: why.number)
    lines = [f"{why.number}. {code(why.answer)} {code(f'{why.claim.type} {why.claim.subject}')}" for why in whys]
    head = (
        f"**{review.decision}**: {_count(len(analysis.cases), 'test fails', 'tests fail')}; by {code(analysis.author)}"
    )
    return "\n".join([head, "", *lines])


def _fix(fix: Fix, request: ApprovalRequest, diff_lines: int) -> str:
    review = _review(fix, request)
    findings = review.findings if review else ()
    against = [f"- {code(f.rule)} {code(f.message)}" for f in findings if f.truth is not Truth.SUPPORTED]
    head = (
        f"**{review.decision if review else 'not judged'}**: {code(fix.title)} by {code(fix.author)} ({code(fix.id)})"
    )
    lines = [head, "", f"breaks {code(fix.breaks)}", *(["", *against] if against else [])]
    return "\n".join([*lines, "", fenced(fix.diff, "diff", diff_lines)])


def _review(fix: Fix, request: ApprovalRequest) -> FixReview | None:
    found = (r for r in reversed(request.offer.reviews) if (r.fix, r.analysis) == (fix.id, fix.analysis))
    return next(found, None)


def _next(request: ApprovalRequest, branch: str, fixes: int) -> str:
    commits = _count(fixes, "commit goes", "commits go")
    tested = f"cycle {request.cycle + 1} deploys and tests that"
    lines = (
        f"- **approve**: {commits} on branch {code(branch)}; {tested}. Your checkout stays as it is.",
        "- **reject**, with a reason: nothing is changed, and the loop ends.",
        f"- no answer until {request.until:%Y-%m-%d %H:%M:%S} UTC: nothing is changed, and the loop ends.",
    )
    return "\n".join(lines)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
