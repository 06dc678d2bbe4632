"""When a loop ends: plain rules in a visible tuple, asked in order after every cycle."""

from __future__ import annotations

from collections.abc import Callable

from untilgreen.model.analysis import Approval, Decision, Fixes
from untilgreen.model.cycle import Color, Cycle, Stop
from untilgreen.model.document import Document


class Ending(Document):
    """Why a loop ends here."""

    stop: Stop
    reason: str


class Standing(Document):
    """Where a loop stands after a cycle and what was offered for it."""

    cycle: Cycle
    max_cycles: int
    approval: Approval | None = None
    fixes: Fixes | None = None
    """None while nothing was offered yet."""


def green(standing: Standing) -> Ending | None:
    """Everything is proven."""
    if standing.cycle.verdict.color is Color.GREEN:
        return Ending(stop=Stop.GREEN, reason=f"cycle {standing.cycle.number} is green, line by line")
    return None


def enough(standing: Standing) -> Ending | None:
    """The number of cycles is used up."""
    if standing.cycle.number >= standing.max_cycles:
        return Ending(stop=Stop.MAX_CYCLES, reason=f"{standing.max_cycles} cycles were allowed (max_cycles)")
    return None


def all_rejected(standing: Standing) -> Ending | None:
    """The review let no analysis, or no fix, through."""
    cycle, fixes = standing.cycle, standing.fixes
    reviews = cycle.reviews.reviews if cycle.reviews else ()
    if reviews and all(review.decision is Decision.REJECTED for review in reviews):
        return Ending(stop=Stop.ALL_REJECTED, reason="the review rejected every analysis; the report says why")
    if fixes and fixes.reviews and all(review.decision is Decision.REJECTED for review in fixes.reviews):
        return Ending(stop=Stop.ALL_REJECTED, reason="the review rejected every fix; the report says why")
    return None


def waiting(standing: Standing) -> Ending | None:
    """A human was asked and has not answered."""
    if standing.fixes and standing.fixes.reviews and standing.approval is None and not standing.fixes.applied:
        return Ending(stop=Stop.WAITING, reason="nobody approved or rejected the fixes in time; nothing was changed")
    return None


def not_approved(standing: Standing) -> Ending | None:
    """A human, or the settings, said no."""
    if standing.approval and standing.approval.decision is not Decision.APPROVED:
        who, why = standing.approval.approver, standing.approval.reason
        return Ending(stop=Stop.NOT_APPROVED, reason=f"{who} did not approve the fixes: {why or 'no reason given'}")
    return None


def nothing_to_apply(standing: Standing) -> Ending | None:
    """No fix is left to try."""
    if standing.fixes and not standing.fixes.applied:
        return Ending(stop=Stop.NO_FIX, reason="no approved fix is left; the report lists what remains")
    return None


Rule = Callable[[Standing], Ending | None]

BEFORE_FIXING: tuple[Rule, ...] = (green, enough)
AFTER_FIXING: tuple[Rule, ...] = (all_rejected, not_approved, waiting, nothing_to_apply)


def ending(rules: tuple[Rule, ...], standing: Standing) -> Ending | None:
    """Return the first rule's reason to end, or None to go round again."""
    return next((found for rule in rules if (found := rule(standing))), None)
