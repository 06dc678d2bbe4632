"""One cycle as flows/cycle.py does it, by the same tasks, without Prefect around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tasks.build import build_images
from tasks.collect import collect_evidence
from tasks.compare import compare_cycles
from tasks.deploy import deploy_services
from tasks.prove import prove_tests
from tasks.review import review_analyses
from tasks.rollback import roll_back_services
from tasks.suite import run_tests
from tasks.triage import find_causes
from tasks.wait import wait_until_healthy
from untilgreen.green import judge
from untilgreen.model.analysis import Comparison, Reviews
from untilgreen.model.cycle import Cycle, Verdict
from untilgreen.model.delivery import Health, Images, Rollout
from untilgreen.model.suite import ProofSummary, SuiteRun
from untilgreen.wiring import Workshop

if TYPE_CHECKING:
    from benchmarks.faults.place import Site


def run_cycle(site: Site, deployed: Callable[[Site], None] = lambda _: None) -> Cycle:
    """Do the steps from build to the verdict.

    Args:
        site: where.
        deployed: happens between wait and suite.
    """
    shop = site.shop
    run, settings = shop.run, shop.settings
    shop.ledger.open_cycle(run.cycle, run.commit)
    images = build_images.fn(run, settings)
    rollout = deploy_services.fn(run, settings, images)
    health = wait_until_healthy.fn(run, settings, rollout)
    roll_back_services.fn(run, settings, rollout, health)
    deployed(site)
    suite = run_tests.fn(run, settings, rollout, health)
    proof = prove_tests.fn(run, settings, rollout, suite)
    manifest = collect_evidence.fn(run, settings, images, rollout, health, suite)
    found = find_causes.fn(run, settings, manifest)
    reviews = review_analyses.fn(run, settings, manifest, found)
    comparison = compare_cycles.fn(run, settings, found, suite)
    return verdict(shop, proof, reviews, comparison)


def verdict(shop: Workshop, proof: ProofSummary, reviews: Reviews, comparison: Comparison) -> Cycle:
    """Judge the cycle and read it back."""
    kept, number = shop.ledger, shop.run.cycle

    def work() -> Verdict:
        documents = (kept.recall(number, kind) for kind in (Images, Rollout, Health, SuiteRun))
        return judge(*documents, proof, kept.results(number), shop.settings.suite.minimum)  # type: ignore[arg-type]  # four kinds in one generator

    kept.once(number, "verdict", (proof, reviews, comparison), work)
    cycle = kept.read_cycle(number)
    assert cycle is not None
    return cycle
