"""Step collect under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.collect.step import collect
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, Images, Rollout
from untilgreen.model.evidence import Manifest
from untilgreen.model.suite import SuiteRun
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator


@task(name="collect", task_run_name="collect-{run.cycle}", **policy(timeout_s=3600))
def collect_evidence(
    run: Run, settings: Settings, images: Images, rollout: Rollout, health: Health, suite: SuiteRun
) -> Manifest:
    """Gather what happened, with an address for each fact and a record of how completely it was gathered."""
    shop = Workshop(run, settings)

    def work() -> Manifest:
        bundle = collect(
            run,
            settings,
            images,
            rollout,
            health,
            shop.ledger.results(run.cycle),
            logs=shop.logs,
            services=shop.services,
            history=shop.history,
            good=last_good(shop),
        )
        bundle.save(shop.folder / bundle.manifest.folder)
        return bundle.manifest

    manifest = shop.ledger.once(run.cycle, "collect", (settings, images, rollout, health, suite), work)
    narrator().say("collect", ", ".join(f"{number} {kind}" for kind, number in manifest.counts.items()))
    return manifest


def last_good(shop: Workshop) -> Rollout | None:
    """Return the newest earlier rollout of this loop that served: what a broken one is compared with."""
    for number in range(shop.run.cycle - 1, 0, -1):
        rollout = shop.ledger.recall(number, Rollout)
        if rollout and rollout.serving:
            return rollout
    return None
