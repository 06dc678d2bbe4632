"""One cycle: the ten steps, in order."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.build import build_images
from tasks.collect import collect_evidence
from tasks.compare import compare_cycles
from tasks.deploy import deploy_services
from tasks.prove import prove_tests
from tasks.report import report_cycle
from tasks.review import review_analyses
from tasks.rollback import roll_back_services
from tasks.suite import run_tests
from tasks.triage import find_causes
from tasks.wait import wait_until_healthy
from untilgreen.model.cycle import Color, Run
from untilgreen.settings import Settings


@flow(name="cycle", flow_run_name="cycle-{run.cycle}")
def run_cycle(run: Run, settings: Settings) -> State[Any]:
    """Deploy a commit, test it, prove the tests, and find out why what fails fails.

    A failing test, a refused rollout or a rejected analysis is a result and goes on to the next step; only what
    makes a result impossible raises (see `untilgreen.errors`).

    Returns:
        A state named after the verdict: Green, Red, Broken or Unproven. The ledger holds the cycle itself.
    """
    images = build_images(run, settings)
    rollout = deploy_services(run, settings, images)
    health = wait_until_healthy(run, settings, rollout)
    roll_back_services(run, settings, rollout, health)
    suite = run_tests(run, settings, rollout, health)
    proof = prove_tests(run, settings, rollout, suite)
    manifest = collect_evidence(run, settings, images, rollout, health, suite)
    found = find_causes(run, settings, manifest)
    reviews = review_analyses(run, settings, manifest, found)
    comparison = compare_cycles(run, settings, found, suite)
    roll_back_services(run, settings, rollout, health, comparison)
    cycle = report_cycle(run, settings, proof, reviews, comparison)
    make = Completed if cycle.verdict.color is Color.GREEN else Failed
    return make(name=cycle.verdict.color.title(), message=f"cycle {run.cycle} at commit {run.commit[:12]}")
