"""Step collect under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, Images, Rollout
from untilgreen.model.evidence import Manifest
from untilgreen.model.suite import SuiteRun
from untilgreen.recollect import gather
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator


@task(name="collect", task_run_name="collect-{run.cycle}", **policy(timeout_s=3600))
def collect_evidence(
    run: Run, settings: Settings, images: Images, rollout: Rollout, health: Health, suite: SuiteRun
) -> Manifest:
    """Gather what happened, with an address for each fact and a record of how completely it was gathered."""
    shop = Workshop(run, settings)

    def work() -> Manifest:
        return gather(shop, images, rollout, health)

    manifest = shop.ledger.once(run.cycle, "collect", (settings, images, rollout, health, suite), work)
    narrator().say("collect", ", ".join(f"{number} {kind}" for kind, number in manifest.counts.items()))
    return manifest
