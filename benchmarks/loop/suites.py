"""The demo's 1000 tests under untilgreen and under bare pytest with xdist: in turn, on the same services."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from untilgreen.build.step import build
from untilgreen.deploy.step import deploy
from untilgreen.deploy.wanted import fill
from untilgreen.model.cycle import Run
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOrder
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, cloud, open_history, read_settings


class Silence:
    """Watches nothing."""

    def collected(self, total: int) -> None:
        """Say nothing."""

    def finished(self, nodeid: str, outcome: Outcome) -> None:
        """Say nothing."""


def compare_suites(repository: Path, commit: str, rounds: int) -> None:
    """Deploy a commit and run its suite both ways, in turn; print the ratio with its spread."""
    settings = read_settings(open_history(repository), commit)
    run = Run(loop="bench", cycle=1, commit=commit, root=str(repository), state=str(repository / "bench"))
    with cloud(repository, settings) as endpoint:
        shop = Workshop(run.model_copy(update={"endpoint": endpoint}), settings)
        images = build(
            settings,
            commit,
            shop.history,
            builders=shop.builders,
            checker=shop.checker,
            workdir=shop.folder / "context",
        )
        rollout = deploy(shop.run, settings, images, shop.services, shop.secrets)
        shop.history.export(commit, shop.folder / "checkout")
        urls = {served.service: served.url for served in rollout.services}
        pairs = [(ours(shop, settings, urls), bare(shop, settings, urls)) for _ in range(rounds)]
    ratios = sorted(mine / theirs for mine, theirs in pairs)
    print("untilgreen, seconds:", ", ".join(f"{mine:.1f}" for mine, _ in pairs))
    print("pytest -n, seconds: ", ", ".join(f"{theirs:.1f}" for _, theirs in pairs))
    print(f"ratio: median {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f} (target: at most 1.50)")


def ours(shop: Workshop, settings: Settings, urls: dict[str, str]) -> float:
    """Return the seconds of one run under untilgreen."""
    wanted = settings.suite
    order = SuiteOrder(
        run_id="bench/1",
        root=str(shop.folder / "checkout"),
        path=wanted.path,
        python=sys.executable,
        workers=wanted.workers,
        env=fill(wanted.env, urls),
        hosts=tuple(url.removeprefix("http://") for url in urls.values()),
        folder=str(shop.folder / "suite"),
        deadline_s=600,
        test_timeout_s=60,
    )
    begun = time.monotonic()
    output = shop.suite.run(order, Silence())
    seconds = time.monotonic() - begun
    assert len(output.attempts) == len(output.collected) >= wanted.minimum, output.output_tail
    return seconds


def bare(shop: Workshop, settings: Settings, urls: dict[str, str]) -> float:
    """Return the seconds of one run under pytest-xdist."""
    wanted = settings.suite
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", str(wanted.workers), wanted.path]
    environment = {**os.environ, **fill(wanted.env, urls)}
    begun = time.monotonic()
    done = subprocess.run(
        command, cwd=shop.folder / "checkout", env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - begun
    assert done.returncode == 0, done.stdout[-2000:]
    return seconds
