"""Step deploy under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from tasks.rollback import proven_good, told
from untilgreen.deploy.step import deploy
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Images, Rollout, Served
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator


@task(name="deploy", task_run_name="deploy-{run.cycle}", **policy(timeout_s=3600))
def deploy_services(run: Run, settings: Settings, images: Images) -> Rollout:
    """Check every secret, plan, roll out what can be side by side, and go back when a part of it fails."""
    shop = Workshop(run, settings)

    def work() -> Rollout:
        return deploy(
            run,
            settings,
            images,
            shop.services,
            shop.secrets,
            probe=shop.probe,
            logs=shop.logs,
            good=proven_good(shop),
            history=shop.history,
        )

    rollout = shop.ledger.once(run.cycle, "deploy", (settings, images), work)
    stuck = (told(back) for back in rollout.rolled_back if not back.verified)
    lines = [*rollout.notes, *map(_told, rollout.services), *stuck]
    for line in lines:
        narrator().say("deploy", line)
    return rollout


def _told(served: Served) -> str:
    """Say how one service's rollout ended, with what its container said last."""
    words = [f"{served.service} {served.status}: {served.revision or 'no revision'}", served.reason]
    words += served.message.splitlines()[:1]
    words += [f"(exit code {served.exit_code})"] if served.exit_code is not None else []
    words += [f"last line: {served.last_words[-1]}"] if served.last_words else []
    return " ".join(filter(None, words))
