"""A real suite on two Prefect process workers, of which one is killed with all that it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.flows.processes import ancestors, below, end
from tests.flows.shard_show import ROOT, expected, ran, results, start, summary, wait_for_tests

pytestmark = pytest.mark.slow

POOL = "show"


def prefect(environment: dict[str, str], *arguments: str) -> str:
    """Run Prefect's own command line in the project."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def workers(prefect_environment: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run two workers of a pool that has our deployment."""
    prefect(prefect_environment, "work-pool", "create", POOL, "--type", "process", "--overwrite")
    prefect(prefect_environment, "deploy", "--name", "shard", "--pool", POOL)
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    with ExitStack() as stack:
        started = []
        for number in (1, 2):
            process = subprocess.Popen([*command, "--name", f"w{number}"], cwd=ROOT, env=prefect_environment)
            started.append(process)
            stack.callback(end, process)
        yield started


def test_a_killed_prefect_worker_loses_no_test(
    tmp_path: Path, prefect_environment: dict[str, str], workers: list[subprocess.Popen[bytes]]
) -> None:
    """With one of two workers killed in the middle, and its flow run with it, each test has one true outcome."""
    show = start(tmp_path, prefect_environment, "count=2", "run_on=work_pool", f"pool={POOL}")
    tests = wait_for_tests(tmp_path, show, 15)
    line = [process.pid for process in ancestors(tests[-1])]
    killed = next(worker for worker in workers if worker.pid in line)
    flow_run = line[line.index(killed.pid) - 1]
    os.kill(killed.pid, signal.SIGKILL)
    os.kill(flow_run, signal.SIGKILL)
    _, said = show.communicate(timeout=300)
    assert show.returncode == 0, said
    assert {result.nodeid: result.outcome for result in results(tmp_path)} == expected()
    again = [nodeid for nodeid, times in Counter(nodeid for nodeid, _, _ in ran(tmp_path)).items() if times > 1]
    assert len(again) <= 4, "only what ran when the worker was killed is run twice: its end was never seen"
    assert summary(tmp_path).gaps == ()
    assert any("was lost (its worker gave no sign of life for 30 s)" in note for note in summary(tmp_path).notes)
    assert below(tmp_path) == []
