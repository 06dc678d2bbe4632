"""Deploys a commit without a loop: build, deploy and wait, through the same steps and adapters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from untilgreen.build.step import build
from untilgreen.deploy.plan import RolloutPlan
from untilgreen.deploy.step import deploy, dry_run
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, Images, Rollout
from untilgreen.model.document import Document
from untilgreen.ports import Narrator
from untilgreen.wait.step import wait
from untilgreen.wiring import STATE, Workshop, cloud, open_history, read_settings


class Delivery(Document):
    """What came of a rollout by hand."""

    rollout: Rollout
    health: Health

    @property
    def exit_code(self) -> int:
        """Return 0 when every service serves what was built and is healthy, 3 otherwise."""
        return 0 if self.rollout.serving and self.health.healthy else 3


def rehearse(root: Path, revision: str, name: str, narrator: Narrator) -> RolloutPlan:
    """Build the images, look at everything, and change nothing in the cloud.

    Raises:
        UntilgreenError: it cannot be planned.
    """
    with _workshop(root, revision, name) as shop:
        images = _images(shop, narrator)
        narrator.say("deploy", "comparing with what is deployed")
        return dry_run(shop.run, shop.settings, images, shop.services, shop.secrets, shop.history)


def deliver(root: Path, revision: str, name: str, narrator: Narrator) -> Delivery:
    """Build, deploy, and wait until everything is healthy.

    Raises:
        UntilgreenError: it could not be tried.
    """
    with _workshop(root, revision, name) as shop:
        images = _images(shop, narrator)
        narrator.say("deploy", f"rolling out {', '.join(image.service for image in images.images)}")
        rollout = deploy(
            shop.run,
            shop.settings,
            images,
            shop.services,
            shop.secrets,
            probe=shop.probe,
            logs=shop.logs,
            history=shop.history,
        )
        narrator.say("wait", "asking for health")
        return Delivery(rollout=rollout, health=wait(shop.settings, rollout, shop.probe, shop.logs))


@contextmanager
def _workshop(root: Path, revision: str, name: str) -> Iterator[Workshop]:
    history = open_history(root)
    commit = history.resolve(revision)
    settings = read_settings(history, commit)
    with cloud(root, settings) as endpoint:
        run = Run(loop=name, cycle=1, commit=commit, root=str(root), state=str(root / STATE), endpoint=endpoint)
        yield Workshop(run, settings)


def _images(shop: Workshop, narrator: Narrator) -> Images:
    narrator.say("build", f"making images of commit {shop.run.commit[:12]}")
    with TemporaryDirectory(prefix="untilgreen-build-") as folder:
        return build(
            shop.settings,
            shop.run.commit,
            shop.history,
            builders=shop.builders,
            checker=shop.checker,
            workdir=Path(folder, "context"),
        )
