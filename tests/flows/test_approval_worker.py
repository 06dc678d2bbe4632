"""Under a real server and worker: a by-hand run waits for a person, survives a restart, and goes on as it was told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.shop_project import FILES, commit
from tests.acceptance.test_resume import STORY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ASKING = "approve: {mode: ask, other_than_author: true, timeout_s: 3600}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project with a defect, and a patch in its queue that waits for a person."""
    root = tmp_path / "shop"
    for path, content in {**FILES, **STORY}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content.replace("approve: {mode: policy}", ASKING))
    commit(root, "begin")
    return root


@pytest.fixture
def station(tmp_path: Path, root: Path) -> Iterator[Callable[..., str]]:
    """Bring everything up for the project; return the command line in its environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTEST_"))}
    environment = {**kept, "UNTILGREEN_HOME": str(tmp_path / "home")}

    def call(*arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "untilgreen", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=400)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    call("up", "--repo", str(root))
    try:
        yield call
    finally:
        call("down")


def until(what: Callable[[], Any], patience_s: float = 300) -> Any:
    """Wait until something is there, and return it."""
    end = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.5)
    return found


def asked(root: Path, attempt: int) -> dict[str, Any] | None:
    """Return the request of an attempt, once it was written."""
    files = list(root.glob(".untilgreen/loops/*/cycle-01/request.json"))
    request = json.loads(files[0].read_text()) if files else {}
    return request if request.get("attempt") == attempt else None


def test_a_run_waits_for_a_person_and_goes_on(root: Path, station: Callable[..., str], tmp_path: Path) -> None:
    """Suspended, restarted, answered badly, asked again, answered well: the fix is committed, and the next is green."""
    api = json.loads((tmp_path / "home" / "server.json").read_text())["api"]
    deployment = httpx.get(f"{api}/deployments/name/until-green/by-hand").json()["id"]
    run = httpx.post(f"{api}/deployments/{deployment}/create_flow_run", json={}).json()["id"]
    until(lambda: asked(root, 1))
    until(lambda: httpx.get(f"{api}/flow_runs/{run}").json()["state"]["name"] == "Suspended")
    worker = int(json.loads((tmp_path / "home" / "up.json").read_text())["worker"]["pid"])
    os.kill(worker, signal.SIGKILL)
    station("up", "--repo", str(root))
    answer = {"run_input": {"decision": "reject", "approver": "Mara"}}
    assert httpx.post(f"{api}/flow_runs/{run}/resume", json=answer).json()["status"] == "ACCEPT"
    assert "say why" in until(lambda: asked(root, 2))["trouble"]
    until(lambda: httpx.get(f"{api}/flow_runs/{run}").json()["state"]["name"] == "Suspended")
    station("approve", "--repo", str(root), "--approver", "Ann", code=2)
    station("approve", "--repo", str(root), "--approver", "Mara")
    until(lambda: httpx.get(f"{api}/flow_runs/{run}").json()["state"]["name"] == "Green")
    log = json.loads(station("approve", "--repo", str(root), "--log", "--json"))
    events = [record["happening"]["event"] for record in log["records"]]
    assert (events, log["broken"]) == (["asked", "refused", "asked", "approved"], "")
