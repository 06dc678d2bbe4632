"""prefect.yaml is what Prefect accepts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.processes import end
from untilgreen.adapters import prefect_server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Run a Prefect server for one test; return the environment that reaches it."""
    monkeypatch.setenv("UNTILGREEN_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    prefect_server.start()
    try:
        api = prefect_server.wait()
        yield {**os.environ, **prefect_server.QUIET, "PREFECT_API_URL": api, "PREFECT_HOME": str(tmp_path / "client")}
    finally:
        process = prefect_server._started.pop(tmp_path)
        end(process)


def prefect(environment: dict[str, str], *arguments: str) -> str:
    """Run Prefect's own command line in the project."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prefect_accepts_every_deployment(server: dict[str, str]) -> None:
    """`prefect deploy --all` registers the nightly deployment with its schedule, and the one by hand without."""
    prefect(server, "work-pool", "create", "untilgreen", "--type", "process")
    prefect(server, "deploy", "--all")
    listed = prefect(server, "deployment", "inspect", "until-green/nightly", "-o", "json")
    nightly = json.loads(listed[listed.index("{") :])
    assert [schedule["schedule"]["cron"] for schedule in nightly["schedules"]] == ["0 2 * * *"]
    assert nightly["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    by_hand = prefect(server, "deployment", "inspect", "until-green/by-hand", "-o", "json")
    assert json.loads(by_hand[by_hand.index("{") :])["schedules"] == []
