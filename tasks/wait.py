"""Step wait under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, Rollout
from untilgreen.settings import Settings
from untilgreen.wait.step import wait
from untilgreen.wiring import Workshop, narrator


@task(name="wait", task_run_name="wait-{run.cycle}", **policy(timeout_s=1800))
def wait_until_healthy(run: Run, settings: Settings, rollout: Rollout) -> Health:
    """Wait until every service answers and is known to be the deployed one, or say which is not."""
    shop = Workshop(run, settings)
    health = shop.ledger.once(
        run.cycle, "wait", (settings, rollout), lambda: wait(settings, rollout, shop.probe, shop.logs)
    )
    for check in health.checks:
        if check.kind == "ready":
            narrator().say("wait", f"{check.service} ready: {check.status or check.detail} in {check.latency_s:.2f} s")
    narrator().say("wait", "all services are healthy" if health.healthy else f"not healthy: {health.reason}")
    return health
