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
    workdir = shop.folder / "context"
    images = shop.ledger.once(
        run.cycle,
        "build",
        (settings,),
        lambda: build(
            settings, run.commit, shop.history, builders=shop.builders, checker=shop.checker, workdir=workdir
        ),
    )
    for finding in images.findings:
        narrator().say("gate", f"{'refused' if finding.blocking else 'warning'}: {finding.message}")
    for image in images.images:
        done = f"{image.digest[:19]} from" if image.digest else "not built: the gate refused"
        narrator().say("build", f"{image.service} {done} commit {image.commit[:12]}")
    return images
