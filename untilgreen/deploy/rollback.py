"""Going back: a service gets the revision again that was good before, and the platform has to show it."""

from __future__ import annotations

from collections.abc import Iterable

from untilgreen.deploy.contract import ALL, serving_revision
from untilgreen.errors import RolloutFailed
from untilgreen.model.analysis import Comparison
from untilgreen.model.delivery import Health, Rollback, RolledBack, Rollout, Served, ServiceState, ServingStatus
from untilgreen.ports import Services
from untilgreen.settings import RollbackSettings


def roll_back(
    rollout: Rollout,
    services: Services,
    reason: str,
    good: Rollout | None = None,
) -> Rollback:
    """Send every service that serves what this rollout brought back to what was good before.

    The rollout stays on record as it was; what is done here is a document of its own. Repeating it is safe.

    Args:
        rollout: what is taken back.
        services: Cloud Run.
        reason: why; an empty one does nothing.
        good: the last rollout that was proven good; without one, whatever served before this rollout.

    Raises:
        CloudUnavailable: a transient fault, after retries.
    """
    if not reason:
        return Rollback()
    moved = [served for served in rollout.services if served.status is ServingStatus.SERVING]
    return Rollback(reason=reason, services=send_back(moved, services, reason, good))


def send_back(
    moved: Iterable[Served], services: Services, reason: str, good: Rollout | None = None
) -> tuple[RolledBack, ...]:
    """Send services back, those that depend on others first."""
    earlier = {served.service: served.revision for served in good.services} if good and good.serving else {}
    done = [_back(s, earlier.get(s.service) or s.previous_revision, services, reason) for s in reversed([*moved])]
    return tuple(reversed(done))


def send_back_others(
    served: Iterable[Served], services: Services, good: Rollout | None = None
) -> tuple[RolledBack, ...]:
    """Send back those that serve something new although another service failed: all of a rollout, or nothing."""
    served = tuple(served)
    failed = ", ".join(s.service for s in served if s.status is ServingStatus.FAILED)
    moved = [s for s in served if s.status is ServingStatus.SERVING]
    return send_back(moved, services, f"{failed} failed", good) if failed else ()


def after_going_back(served: Served, back: Iterable[RolledBack]) -> Served:
    """Return a service's part of a rollout as it is now: nobody is said to serve who does not."""
    own = next((b for b in back if b.service == served.service), None)
    if own is None or own.serving_revision == served.revision:
        return served
    return served.model_copy(
        update={
            "status": ServingStatus.ROLLED_BACK,
            "serving_revision": own.serving_revision,
            "reason": "OTHER_SERVICE_FAILED",
            "message": f"Its new revision served; {own.reason}, and {own.serving_revision} has the traffic now.",
        }
    )


def reason_to_go_back(
    asked: RollbackSettings, rollout: Rollout, health: Health | None, comparison: Comparison | None = None
) -> str:
    """Return why the services should go back, as far as the settings want that; empty when they should stay.

    Without a comparison their health decides, with one only whether the cycle made things worse.
    """
    if comparison:
        return _worse(comparison) if asked.when_worse else ""
    sick = rollout.serving and health is not None and not health.healthy
    return f"not healthy: {health.reason}" if asked.on_failure and sick and health else ""


def _worse(comparison: Comparison) -> str:
    """Say that fewer tests pass than before; what was not observed is not worse."""
    before, now = comparison.pass_rate_before, comparison.pass_rate
    if before is None or now is None or now >= before:
        return ""
    return f"worse than cycle {comparison.against}: {now:.1%} of the tests pass, {before:.1%} did"


def _back(served: Served, target: str, services: Services, reason: str) -> RolledBack:
    """Give one service's traffic to an earlier revision, if that was ever ready."""
    target = "" if target == served.revision else target
    message = _cannot(services, served.service, target)
    try:
        state = services.get(served.service) if message else services.route(served.service, target)
    except RolloutFailed as error:
        state, message = services.get(served.service), str(error)
    return RolledBack(
        service=served.service,
        from_revision=served.revision,
        to_revision=target,
        serving_revision=serving_revision(state) if state else "",
        verified=bool(target) and state is not None and _has_all(state, target),
        reason=reason,
        message=message or (_why_not(state, target) if state else ""),
    )


def _cannot(services: Services, service: str, target: str) -> str:
    """Say why a revision cannot have the traffic; empty when it can."""
    if not target:
        return "There is no earlier revision to go back to."
    revision = services.revision(service, target)
    return "" if revision and revision.ready else f"{target} is not there any more, or was never ready."


def _has_all(state: ServiceState, revision: str) -> bool:
    share = sum(share.percent for share in state.traffic if share.revision == revision)
    return share == ALL and not state.reconciling


def _why_not(state: ServiceState, revision: str) -> str:
    if _has_all(state, revision):
        return ""
    return f"{serving_revision(state) or 'nobody'} serves instead of {revision}: {state.reason} {state.message}".strip()
