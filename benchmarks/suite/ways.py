"""The ways in which a suite is run: by untilgreen, and by its named peers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from untilgreen.adapters.pytest_launch import WITNESS

HERE = Path(__file__).parent
BARE = ("-q", "-p", "no:cacheprovider")


class Cost(NamedTuple):
    """What one run took."""

    wall_s: float
    cpu_s: float
    own_mb: float = 0
    """Largest resident size of the runner's own process."""
    tests_mb: float = 0
    """Largest resident size of one of the tests' processes."""


def ours(checkout: Path, workers: int, url: str = "") -> Cost:
    """Run a suite with proof, in a process that does nothing else, and make sure that there is proof."""
    asked = json.dumps({"checkout": str(checkout), "workers": workers, "url": url})
    done = _run([sys.executable, str(HERE / "ours.py"), asked], checkout, {})
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def serial(checkout: Path, url: str = "") -> Cost:
    """Run a suite with bare pytest, one test after another."""
    return _measured(checkout, url)


def xdist(checkout: Path, workers: str, url: str = "") -> Cost:
    """Run a suite with pytest-xdist."""
    return _measured(checkout, url, "-p", "xdist", "-n", workers)


def unproven(checkout: Path, workers: int, url: str = "") -> Cost:
    """Run a suite in the same forked workers without proof."""
    order = checkout / "unproven.json"
    fields = {"workers": workers, "run_id": "benchmark", "test_timeout_s": 60, "why": "", "mode": "", "hosts": []}
    order.write_text(json.dumps({**fields, "folder": str(checkout)}))
    env = {"WITNESS": str(WITNESS / "untilgreen_witness"), "UNTILGREEN_ORDER": str(order), "PYTHONPATH": str(HERE)}
    return _measured(checkout, url, "-p", "unproven", env=env)


def _measured(checkout: Path, url: str, *args: str, env: Mapping[str, str] | None = None) -> Cost:
    clocked = [sys.executable, str(HERE / "clocked.py"), sys.executable, "-m", "pytest", *BARE, *args, "e2e"]
    done = _run(clocked, checkout, {"URL": url, **(env or {})})
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _run(command: list[str], checkout: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    bare = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # as many plugins for each
    known = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command, cwd=checkout, env={**known, **bare, **env}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return done
