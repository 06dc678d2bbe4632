"""Going back to the last good revision, under Prefect: after an unhealthy rollout, or after a worse cycle."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.deploy.rollback import reason_to_go_back, roll_back
from untilgreen.model.analysis import Comparison
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, Rollback, RolledBack, Rollout
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator


@task(name="rollback", task_run_name="rollback-{run.cycle}", **policy(timeout_s=1800))
def roll_back_services(
    run: Run, settings: Settings, rollout: Rollout, health: Health, comparison: Comparison | None = None
) -> Rollback:
    """Give the traffic back to what was good before, if the settings want that; else change nothing."""
    shop = Workshop(run, settings)
    reason = reason_to_go_back(settings.rollback, rollout, health, comparison)
    if not reason:
        return Rollback()
    inputs = (settings, rollout, health, *([comparison] if comparison else []))
    back = shop.ledger.once(
        run.cycle, "rollback", inputs, lambda: roll_back(rollout, shop.services, reason, proven_good(shop))
    )
    narrator().say("rollback", back.reason)
    for service in back.services:
        narrator().say("rollback", told(service))
    return back


def proven_good(shop: Workshop) -> Rollout | None:
    """Return the newest earlier rollout of this loop that served, was healthy, and was not taken back."""
    for number in range(shop.run.cycle - 1, 0, -1):
        rollout, health = shop.ledger.recall(number, Rollout), shop.ledger.recall(number, Health)
        back = shop.ledger.recall(number, Rollback)
        if rollout and rollout.serving and health and health.healthy and not (back and back.reason):
            return rollout
    return None


def told(back: RolledBack) -> str:
    """Say how going back ended for one service."""
    if back.verified:
        return (
            f"{back.service} rolled back: {back.to_revision} has all the traffic again, instead of {back.from_revision}"
        )
    return f"{back.service} not rolled back: {back.message}"
