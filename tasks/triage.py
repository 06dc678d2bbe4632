"""Step triage under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.ask_again import ask_again
from untilgreen.collect.bundle import load
from untilgreen.model.analysis import Triage
from untilgreen.model.cycle import Run
from untilgreen.model.evidence import Manifest
from untilgreen.settings import Settings
from untilgreen.triage.inquiry import inquiries
from untilgreen.triage.step import triage
from untilgreen.wiring import Workshop, narrator


@task(name="triage", task_run_name="triage-{run.cycle}", **policy(timeout_s=1800))
def find_causes(run: Run, settings: Settings, manifest: Manifest) -> Triage:
    """Turn the failures into a few causes, each with a chain of whys; where they end open, ask what would decide."""
    shop = Workshop(run, settings)

    def work() -> Triage:
        folder = shop.folder / manifest.folder
        bundle = load(folder)
        found = triage(bundle, shop.analysts())
        asked = inquiries(bundle, found)
        if not asked:
            return found
        narrator().say("triage", f"asking again: {', '.join(one.url for one in asked)}")
        return triage(ask_again(folder, asked, shop.repeater, shop.logs), shop.analysts())

    found = shop.ledger.once(run.cycle, "triage", (settings, manifest), work)
    for group in found.groups:
        tests = f"{len(group.cases)} tests" if group.cases else "incident"
        narrator().say("triage", f"{tests}: {group.key}")
    return found
