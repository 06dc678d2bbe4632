"""Step collect under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.collect.step import collect
from untilgreen.model.cycle import Color, Run, Verdict
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
            good=last_good(shop, rollout),
        )
        bundle.save(shop.folder / bundle.manifest.folder)
        return bundle.manifest

    manifest = shop.ledger.once(run.cycle, "collect", (settings, images, rollout, health, suite), work)
    narrator().say("collect", ", ".join(f"{number} {kind}" for kind, number in manifest.counts.items()))
    return manifest


def last_good(shop: Workshop, rollout: Rollout) -> Rollout | None:
    """Return the newest earlier rollout of this loop that was good where this one is not.

    One that does not serve is compared with one that did; failing tests are compared with proven green.
    """
    for number in range(shop.run.cycle - 1, 0, -1):
        earlier, verdict = shop.ledger.recall(number, Rollout), shop.ledger.recall(number, Verdict)
        green = verdict is not None and verdict.color is Color.GREEN
        if earlier and earlier.serving and (green or not rollout.serving):
            return earlier
    return None
