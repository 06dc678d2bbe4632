"""Collects a cycle's evidence: within a loop, and once more after it."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from untilgreen.collect.bundle import Bundle
from untilgreen.collect.step import FOLDER, collect
from untilgreen.errors import EvidenceIncomplete
from untilgreen.ledger import Ledger
from untilgreen.model.cycle import Color, Run, Verdict
from untilgreen.model.delivery import Health, Images, Rollout
from untilgreen.model.evidence import Manifest
from untilgreen.model.suite import SuiteRun
from untilgreen.ports import Narrator
from untilgreen.wait.timeline import FILE as LOOKS
from untilgreen.wait.timeline import read_looks
from untilgreen.wiring import STATE, Workshop, cloud, open_history, read_settings


def gather(
    shop: Workshop, images: Images, rollout: Rollout, health: Health | None, until: datetime | None = None
) -> Manifest:
    """Collect and save the evidence of a run's cycle.

    Args:
        shop: the run's.
        images: what was built.
        rollout: what was deployed.
        health: what step wait saw.
        until: when the cycle's time ended; left out, now.

    Returns:
        The table of contents. An older bundle of the cycle is replaced only when the new one is whole.
    """
    bundle = collect(
        shop.run,
        shop.settings,
        images,
        rollout,
        health,
        shop.ledger.results(shop.run.cycle),
        logs=shop.logs,
        services=shop.services,
        history=shop.history,
        metrics=shop.metrics,
        probe=shop.probe,
        looks=lambda: read_looks(shop.folder / LOOKS),
        good=last_good(shop, rollout),
        until=until,
    )
    _save(bundle, shop.folder / bundle.manifest.folder)
    return bundle.manifest


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


def recollect(root: Path, ledger: Ledger, number: int, narrator: Narrator) -> Manifest:
    """Collect the evidence of a finished cycle again: what the log did not have yet may be there by now.

    Args:
        root: the repository.
        ledger: of the loop.
        number: of the cycle.
        narrator: is told what happens.

    Raises:
        EvidenceIncomplete: that cycle did not come to a rollout.
    """
    images, rollout = ledger.recall(number, Images), ledger.recall(number, Rollout)
    if images is None or rollout is None:
        raise EvidenceIncomplete(f"{ledger.folder}: cycle {number} deployed nothing, so nothing can be collected.")
    settings = read_settings(open_history(root), rollout.commit)
    with cloud(root, settings) as endpoint:
        run = Run(
            loop=ledger.loop_id,
            cycle=number,
            commit=rollout.commit,
            root=str(root),
            state=str(root / STATE),
            endpoint=endpoint,
        )
        narrator.say("collect", f"cycle {number} of {ledger.loop_id}")
        shop = Workshop(run, settings)
        manifest = gather(shop, images, rollout, ledger.recall(number, Health), _ended(ledger, number))
    # What was kept would be believed as long as the step's inputs are the same.
    (ledger.cycle_folder(number) / "collect.json").unlink(missing_ok=True)
    kept = (settings, images, rollout, ledger.recall(number, Health), ledger.recall(number, SuiteRun))
    inputs = tuple(document for document in kept if document)
    return ledger.once(number, "collect", inputs, lambda: manifest)


def _ended(ledger: Ledger, number: int) -> datetime | None:
    """Return when the cycle's time ended: where its evidence ended before, else when its tests did."""
    manifest, suite = ledger.recall(number, Manifest), ledger.recall(number, SuiteRun)
    return manifest.window.end if manifest else suite.finished if suite else None


def _save(bundle: Bundle, folder: Path) -> None:
    """Write a bundle beside the one that is there, and put it in its place."""
    fresh = folder.with_name(f"{FOLDER}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    bundle.save(fresh)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.replace(folder)
