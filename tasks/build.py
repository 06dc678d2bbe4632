"""Step build under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.build.step import build
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Images
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator


@task(name="build", task_run_name="build-{run.cycle}", **policy(timeout_s=1800))
def build_images(run: Run, settings: Settings) -> Images:
    """Turn the tested commit into images, by digest."""
    shop = Workshop(run, settings)
    images = shop.ledger.once(
        run.cycle,
        "build",
        (settings,),
        lambda: build(settings, run.commit, shop.history, shop.registry, shop.folder / "context"),
    )
    for image in images.images:
        narrator().say("build", f"{image.service} {image.digest[:19]} from commit {image.commit[:12]}")
    return images
