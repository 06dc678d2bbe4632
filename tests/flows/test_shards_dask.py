"""A real suite on a real Dask cluster of two processes, of which one is killed."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.flows.processes import ancestors, below
from tests.flows.shard_show import expected, ran, results, start, summary, wait_for_tests

pytestmark = pytest.mark.slow


def worker_of(test: int, marker: str) -> int:
    """Return the process above a test's whose command says so."""
    return next(process.pid for process in ancestors(test) if marker in process.command)


def test_a_killed_dask_worker_loses_no_test(tmp_path: Path, prefect_environment: dict[str, str]) -> None:
    """With one of two Dask processes killed by its number in the middle, each test has exactly one true outcome."""
    show = start(tmp_path, prefect_environment, "count=2", "run_on=dask")
    tests = wait_for_tests(tmp_path, show, 15)
    os.kill(worker_of(tests[-1], "multiprocessing.spawn"), signal.SIGKILL)
    _, said = show.communicate(timeout=240)
    assert show.returncode == 0, said
    assert {result.nodeid: result.outcome for result in results(tmp_path)} == expected()
    assert all(len(result.attempts) == 1 for result in results(tmp_path))
    again = [nodeid for nodeid, times in Counter(nodeid for nodeid, _, _ in ran(tmp_path)).items() if times > 1]
    assert len(again) <= 2, "only what ran when the process was killed is run twice: its end was never seen"
    assert summary(tmp_path).gaps == ()
    assert any("lost its worker; another one runs what was left" in note for note in summary(tmp_path).notes)
    assert below(tmp_path) == []


@pytest.mark.parametrize("on", ["threads", "dask"])
def test_an_interrupt_ends_every_shard(on: str, tmp_path: Path, prefect_environment: dict[str, str]) -> None:
    """Ctrl-C in the middle: no process is left, and what had finished in any shard is kept."""
    show = start(tmp_path, prefect_environment, "count=2", f"run_on={on}")
    wait_for_tests(tmp_path, show, 15)
    show.send_signal(signal.SIGINT)
    _, said = show.communicate(timeout=120)
    assert show.returncode != 0, said
    kept = {result.nodeid: result.outcome for result in results(tmp_path) if result.attempts}
    assert len(kept) >= 10
    assert kept.items() <= expected().items()
    assert {result.reason for result in results(tmp_path) if result.outcome == "not_run"} == {"it was interrupted"}
    assert below(tmp_path) == []
