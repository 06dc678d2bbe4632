"""A cloud that goes away and comes back: what a loop finds there is what it left."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.faults.site import GOOD, Site
from untilgreen.adapters.local_cloud import running
from untilgreen.errors import CloudUnavailable
from untilgreen.model.delivery import ServingStatus

pytestmark = pytest.mark.slow


def test_the_next_loop_finds_what_the_last_one_left(tmp_path: Path) -> None:
    """A second loop on the same state replaces the first one's revision, and a failure leaves that serving."""
    with running(tmp_path / "state") as cloud:
        site = Site(cloud, tmp_path / "state", tmp_path / "shop")
        first = site.write().ending()
    assert first.rollout
    with running(tmp_path / "state") as cloud:
        again = Site(cloud, tmp_path / "state", tmp_path / "shop", site.service)
        second = again.write("raise SystemExit(7)\n").ending()
        assert second.rollout
        served = second.rollout.of(site.service)
        assert (served.status, served.exit_code) == (ServingStatus.FAILED, 7)
        assert served.serving_revision == first.rollout.of(site.service).revision
        again.cycle = 2
        third = again.write(GOOD + "# three\n").ending()
    assert (third.code, third.message) == (0, "")
    assert third.rollout
    assert third.rollout.of(site.service).previous_revision == first.rollout.of(site.service).revision


def test_the_same_step_after_a_crash_of_the_cloud(tmp_path: Path) -> None:
    """When the cloud dies before the step ends, the error is transient; the step repeated finishes what it began."""
    slow = "import time\ntime.sleep(2)\n" + GOOD
    with running(tmp_path / "state") as cloud:
        site = Site(cloud, tmp_path / "state", tmp_path / "shop")
        images = site.write(slow).build()
        killer = threading.Thread(target=kill_when_there_is_a_revision, args=(site,))
        killer.start()
        with pytest.raises(CloudUnavailable):
            site.deploy(images, services=site.impatient())
        killer.join()
    with running(tmp_path / "state") as cloud:
        again = Site(cloud, tmp_path / "state", tmp_path / "shop", site.service, site.loop)
        rollout = again.deploy(images)
        assert again.stranger.get_service(name=again.name).generation == 1
        assert rollout.of(site.service).status is ServingStatus.SERVING
        assert again.wait(rollout).healthy


def kill_when_there_is_a_revision(site: Site) -> None:
    """End the emulator in the middle of a rollout."""
    while site.gone():
        time.sleep(0.02)
    os.kill(site.cloud.pid, signal.SIGKILL)
