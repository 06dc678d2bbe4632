"""Step review under Prefect."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from tasks.policy import policy
from untilgreen.collect.bundle import load
from untilgreen.model.analysis import Reviews, Triage
from untilgreen.model.cycle import Run
from untilgreen.model.evidence import Manifest
from untilgreen.review.calibration import experience
from untilgreen.review.gate import review
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator


@task(name="review", task_run_name="review-{run.cycle}", **policy(timeout_s=1800))
def review_analyses(run: Run, settings: Settings, manifest: Manifest, found: Triage) -> Reviews:
    """Judge every analysis against the evidence, whoever wrote it."""
    shop = Workshop(run, settings)

    def work() -> Reviews:
        bundle, known = load(shop.folder / manifest.folder), experience(Path(run.state), run.loop, run.cycle)
        judged = tuple(review(analysis, bundle, known) for analysis in found.analyses)
        return Reviews(reviews=judged, calibration=known)

    reviews = shop.ledger.once(run.cycle, "review", (manifest, found), work)
    for judged in reviews.reviews:
        against = f": {judged.against[0].message}" if judged.against else ""
        narrator().say("review", f"{judged.decision} {judged.author}'s analysis {judged.analysis}{against}")
    return reviews
