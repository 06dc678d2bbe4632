"""However a run ends, what had finished is kept and no process stays."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.contract.pytest_suite_orders import Remembering, order, outcomes, running
from untilgreen.adapters.pytest_journal import CHANNEL, Journal
from untilgreen.adapters.pytest_suite import PytestSuite, read_output
from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOrder
from untilgreen.redaction import Redactor
from untilgreen.suite.gaps import find_gaps

QUICK_THEN_SLOW = """
    import os, pathlib, subprocess, sys, time, pytest

    PIDS = pathlib.Path(os.environ["PIDS"])

    @pytest.fixture
    def account():
        yield
        (PIDS / "torn-down").touch()

    @pytest.mark.parametrize("n", range(4))
    def test_quick(n):
        pass

    def test_slow(account):
        child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(120)"])
        for pid in (os.getpid(), os.getppid(), child.pid):
            (PIDS / str(pid)).touch()
        (PIDS / "ready").touch()
        time.sleep(120)
"""

RUNNER = """
import sys
from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.ports import SuiteOrder

class Unheard:
    def collected(self, total): pass
    def finished(self, nodeid, outcome, why=""): pass

try:
    PytestSuite().run(SuiteOrder.model_validate_json(sys.stdin.read()), Unheard())
except KeyboardInterrupt:
    sys.exit(77)
"""


def started(order: SuiteOrder) -> subprocess.Popen[bytes]:
    """Run an order in a process of its own."""
    runner = subprocess.Popen([sys.executable, "-c", RUNNER], stdin=subprocess.PIPE)
    assert runner.stdin is not None
    runner.stdin.write(order.model_dump_json().encode())
    runner.stdin.close()
    return runner


def until(file: Path) -> None:
    """Wait for a file."""
    while not file.exists():
        time.sleep(0.01)


def alive(folder: Path) -> list[int]:
    """Return which of the processes that wrote their number down still run; the dead need a moment to go."""
    pids = [int(file.name) for file in folder.iterdir() if file.name.isdigit()]
    assert len(pids) == 3
    for _ in range(500):
        if not (left := [pid for pid in pids if running(pid)]):
            return []
        time.sleep(0.01)
    return left


@pytest.fixture
def slow(tmp_path: Path) -> SuiteOrder:
    """Return an order whose last test takes two minutes."""
    (tmp_path / "pids").mkdir()
    return order(tmp_path, QUICK_THEN_SLOW, workers=1, env={"PIDS": str(tmp_path / "pids")})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_run_keeps_what_had_finished(tmp_path: Path, slow: SuiteOrder, number: int) -> None:
    """SIGINT and SIGTERM raise KeyboardInterrupt, tear fixtures down, end every process, and lose no result."""
    with started(slow) as runner:
        until(tmp_path / "pids" / "ready")
        runner.send_signal(number)
        assert runner.wait() == 77
    output = read_output(slow)
    assert len(output.collected) == 5
    assert set(outcomes(output).values()) == {Outcome.PASSED}
    assert list(output.lost) == ["e2e/test_it.py::test_slow"]
    assert output.stopped == "it was interrupted"
    assert find_gaps(output, 1)
    assert (tmp_path / "pids" / "torn-down").exists()
    assert alive(tmp_path / "pids") == []


def test_a_killed_untilgreen_leaves_nothing_behind(tmp_path: Path, slow: SuiteOrder) -> None:
    """When untilgreen itself is killed, the tests and what they started end too; the files tell what had finished."""
    with started(slow) as runner:
        until(tmp_path / "pids" / "ready")
        runner.kill()
    assert alive(tmp_path / "pids") == []
    assert len(read_output(slow).attempts) == 4


def test_a_deadline_ends_the_run(tmp_path: Path, slow: SuiteOrder) -> None:
    """When its time is over, a run is stopped and says so; the test in hand is lost, not passed."""
    output = PytestSuite().run(slow.model_copy(update={"deadline_s": 4.0}), Remembering())
    assert output.stopped == "the deadline of 4 s was over"
    assert output.lost == {"e2e/test_it.py::test_slow": output.stopped}
    assert len(output.attempts) == 4
    assert alive(tmp_path / "pids") == []


def test_a_run_that_falls_silent_is_ended(tmp_path: Path) -> None:
    """When nothing happens for longer than a test may take, the run is stopped and says so."""
    silent = order(tmp_path, "import time; time.sleep(60)", test_timeout_s=0.5)
    with pytest.raises(SuiteCrashed, match="nothing happened for"):
        PytestSuite(patience_s=1).run(silent, Remembering())


class Impatient:
    """Interrupts as soon as it hears how many tests there are."""

    def collected(self, total: int) -> None:
        """Raise what Ctrl-C raises."""
        raise KeyboardInterrupt(total)

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        """Say nothing."""


def test_an_interrupt_amid_what_was_read_loses_none_of_it(tmp_path: Path) -> None:
    """Lines that came in one piece are all taken in, though Ctrl-C falls between the first two."""
    wanted = order(tmp_path, "def test_one(): pass")
    collected = {"event": "collected", "ids": ["e2e/test_it.py::test_one"], "groups": {}}
    lines = [collected, {"event": "note", "text": "one"}, {"event": "note", "text": "two"}]
    with Journal(wanted, Redactor(), Impatient()) as journal:
        (Path(wanted.folder) / CHANNEL).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        with pytest.raises(KeyboardInterrupt):
            journal.pull()
    assert read_output(wanted).notes == ("one", "two")
