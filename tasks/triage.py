"""Step triage under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.collect.bundle import load
from untilgreen.model.analysis import Triage
from untilgreen.model.cycle import Run
from untilgreen.model.evidence import Manifest
from untilgreen.settings import Settings
from untilgreen.triage.step import triage
from untilgreen.wiring import Workshop, narrator


@task(name="triage", task_run_name="triage-{run.cycle}", **policy(timeout_s=1800))
def find_causes(run: Run, settings: Settings, manifest: Manifest) -> Triage:
    """Turn the failures into a few causes, each with a chain of whys."""
    shop = Workshop(run, settings)

    def work() -> Triage:
        return triage(load(shop.folder / manifest.folder), shop.analysts())

    found = shop.ledger.once(run.cycle, "triage", (settings, manifest), work)
    for group in found.groups:
        tests = f"{len(group.cases)} tests" if group.cases else "incident"
        narrator().say("triage", f"{tests}: {group.key}")
    return found
