"""How far the suite is, in the Prefect UI: a view that may be missing, and nothing more."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tasks.progress import ProgressArtifact
from untilgreen.model.suite import Outcome

ROOT = Path(__file__).parents[2]


def test_outside_of_a_run_there_is_no_artifact() -> None:
    """Without a run that it could belong to nobody is asked, and no thread is begun."""
    with ProgressArtifact("suite-1") as watcher:
        watcher.collected(1)
        watcher.finished("a", Outcome.PASSED)
        assert "progress" not in [thread.name for thread in threading.enumerate()]


@pytest.mark.slow
def test_the_artifact_follows_the_suite(prefect_environment: dict[str, str]) -> None:
    """One artifact of the task run, kept up to date while tests end, and complete at the end."""
    command = [sys.executable, "-m", "tests.flows.progress_show"]
    done = subprocess.run(
        command, cwd=ROOT, env=prefect_environment, capture_output=True, text=True, check=True, timeout=120
    )
    (artifact,) = json.loads(done.stdout.splitlines()[-1])
    assert (artifact["key"], artifact["data"]) == ("suite-1", 100)
    assert artifact["description"].startswith("4/4 tests, 1 failed, ")
    assert artifact["task_run_id"]
