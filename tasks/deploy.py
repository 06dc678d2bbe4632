"""Step deploy under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.deploy.step import deploy
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Images, Rollout
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator


@task(name="deploy", task_run_name="deploy-{run.cycle}", **policy(timeout_s=3600))
def deploy_services(run: Run, settings: Settings, images: Images) -> Rollout:
    """Check every secret, then roll out in the order of dependencies."""
    shop = Workshop(run, settings)
    rollout = shop.ledger.once(
        run.cycle, "deploy", (settings, images), lambda: deploy(run, settings, images, shop.services, shop.secrets)
    )
    for served in rollout.services:
        words = f"{served.service} {served.status}: {served.revision or 'no revision'}"
        narrator().say(
            "deploy", f"{words} {served.reason} {served.message.splitlines()[0] if served.message else ''}".rstrip()
        )
    return rollout
