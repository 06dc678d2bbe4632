"""When a loop ends: plain rules in a visible tuple, asked in order after every cycle."""

from __future__ import annotations

from collections.abc import Callable

from untilgreen.model.analysis import Approval, CauseState, Decision, Fixes
from untilgreen.model.cycle import Color, Cycle, Loop, Stop
from untilgreen.model.document import Document, Instant
from untilgreen.settings import Settings, StopSettings


class Ending(Document):
    """Why a loop ends here."""

    stop: Stop
    reason: str


class Standing(Document):
    """Where a loop stands after a cycle and what was offered for it."""

    cycle: Cycle
    max_cycles: int
    begun: Instant | None = None
    """When the loop did."""
    earlier: tuple[Cycle, ...] = ()
    """The cycles before this one, oldest first."""
    limits: StopSettings = StopSettings()
    approval: Approval | None = None
    fixes: Fixes | None = None
    """None while nothing was offered yet."""


def standing_of(loop: Loop, settings: Settings) -> Standing:
    """Return where a loop stands after its newest cycle."""
    return Standing(
        cycle=loop.cycles[-1],
        max_cycles=settings.max_cycles,
        begun=loop.started,
        earlier=loop.cycles[:-1],
        limits=settings.stop,
    )


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


def out_of_time(standing: Standing) -> Ending | None:
    """The minutes are used up."""
    spent, allowed = _minutes(standing), standing.limits.minutes
    if allowed is not None and spent >= allowed:
        return Ending(stop=Stop.TIME, reason=f"{spent:.0f} of {allowed:g} minutes are used up (stop.minutes)")
    return None


def out_of_money(standing: Standing) -> Ending | None:
    """What the cycles cost is more than was allowed."""
    limits = standing.limits
    spent = _minutes(standing) / 60 * limits.price_per_hour
    if limits.budget is not None and spent >= limits.budget:
        reason = f"{spent:.2f} of {limits.budget:.2f} are used up, at {limits.price_per_hour:g} an hour (stop.budget)"
        return Ending(stop=Stop.COST, reason=reason)
    return None


def no_progress(standing: Standing) -> Ending | None:
    """For some cycles no cause was resolved or improved, and none came to light."""
    most = standing.limits.no_progress
    last = [*standing.earlier, standing.cycle][-most:]
    if len(last) == most and standing.cycle.number > most and not any(map(_progress, last)):
        reason = f"nothing got better in {most} cycles (stop.no_progress); the same causes remain"
        return Ending(stop=Stop.NO_PROGRESS, reason=reason)
    return None


def cannot_be_tested(standing: Standing) -> Ending | None:
    """Some cycles in a row ended before any test could run."""
    most = standing.limits.broken
    last = [*standing.earlier, standing.cycle][-most:]
    if len(last) == most and all(cycle.verdict.color is Color.BROKEN for cycle in last):
        reason = f"{most} cycles in a row could not be tested (stop.broken): a person must look at the deployment"
        return Ending(stop=Stop.BREAKER, reason=reason)
    return None


def made_worse(standing: Standing) -> Ending | None:
    """A fix made it worse, and it could not be taken back."""
    undone = standing.cycle.undone
    stuck = [fix for fix in undone.reverted if not fix.commit] if undone else []
    if stuck:
        why = "; ".join(f"{fix.title}: {fix.reason}" for fix in stuck)
        return Ending(stop=Stop.REGRESSION, reason=f"a fix made it worse and could not be taken back: {why}")
    return None


def _minutes(standing: Standing) -> float:
    begun = standing.begun or standing.cycle.started
    return (standing.cycle.finished - begun).total_seconds() / 60


_BETTER = frozenset({CauseState.RESOLVED, CauseState.IMPROVED, CauseState.REVEALED})


def _progress(cycle: Cycle) -> bool:
    """Tell whether something got better; what was hidden and is seen now is progress, too."""
    return any(change.state in _BETTER for change in cycle.comparison.changes) if cycle.comparison else False


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


STATE_NAMES: dict[Stop, str] = {
    Stop.GREEN: "Green",
    Stop.TIME: "OutOfTime",
    Stop.COST: "OutOfBudget",
    Stop.NO_PROGRESS: "NoProgress",
    Stop.BREAKER: "Broken",
    Stop.REGRESSION: "Regression",
    Stop.ALL_REJECTED: "Rejected",
    Stop.NOT_APPROVED: "NotApproved",
    Stop.WAITING: "AwaitingApproval",
    Stop.INTERRUPTED: "Interrupted",
    Stop.ERROR: "Error",
}
"""How a flow run's state is named. A reason that is not here left the last verdict standing: Red, Unproven, Broken."""


def state_name(loop: Loop) -> str:
    """Return what people read in the list of flow runs: why the loop ended, or the color that it ended in."""
    color = loop.cycles[-1].verdict.color if loop.cycles else Color.BROKEN
    return STATE_NAMES[loop.stop] if loop.stop in STATE_NAMES else color.title()


Rule = Callable[[Standing], Ending | None]

BEFORE_FIXING: tuple[Rule, ...] = (
    green,
    made_worse,
    enough,
    out_of_time,
    out_of_money,
    cannot_be_tested,
    no_progress,
)
AFTER_FIXING: tuple[Rule, ...] = (all_rejected, not_approved, waiting, nothing_to_apply)


def ending(rules: tuple[Rule, ...], standing: Standing) -> Ending | None:
    """Return the first rule's reason to end, or None to go round again."""
    return next((found for rule in rules if (found := rule(standing))), None)
