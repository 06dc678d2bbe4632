"""Watches one start of pytest: takes in its results, and ends what does not end by itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from untilgreen.adapters.pytest_events import Running
from untilgreen.adapters.pytest_journal import Journal
from untilgreen.adapters.pytest_launch import OUTPUT
from untilgreen.adapters.pytest_processes import Crowd, kill_group, wait
from untilgreen.ports import Halt, SuiteOrder

POLL_S = 0.05
STOP_GRACE_S = 8.0
"""pytest tears fixtures down after SIGINT; then it has had its chance."""
HALT_GRACE_S = 0.5
"""Somebody who halts a run has a reason not to wait: what would be torn down is most likely gone."""
DUMP_S = 0.25
"""faulthandler has written its dump by then."""
TEXT_LIMIT = 20_000
OUTPUT_LIMIT = 16_000_000
TAIL = 4_000


class Bounds(NamedTuple):
    """What a run may take."""

    silence_s: float
    """How long nothing may happen."""
    deadline: float
    """When the whole run is over, by the monotonic clock."""
    processes: int
    """How many processes one test may have."""


class Watch:
    """Follows a process until it ends or must be ended.

    Args:
        process: pytest.
        order: what it runs.
        journal: its results.
        halt: says why it should end.
        bounds: what it may take.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], order: SuiteOrder, journal: Journal, halt: Halt, bounds: Bounds
    ) -> None:
        self._process = process
        self._order = order
        self._journal = journal
        self._halt = halt
        self._bounds = bounds
        self._heard = time.monotonic()
        self._ended: set[str] = set()
        self._crowd = Crowd(process.pid, bounds.processes)
        self.grace_s = STOP_GRACE_S
        """How long it may tear down, once it must be ended."""

    def follow(self) -> None:
        """Return when the process has ended, or a reason to end it is written down."""
        output = Path(self._order.folder, OUTPUT)
        while True:
            ended = self._process.poll() is not None
            heard = self._journal.pull()
            if ended and not heard:
                return
            if heard:
                self._heard = time.monotonic()
            if self._must_end():
                return
            self._end_overdue()
            self._end_crowds()
            bound(output)
            wait(self._process, POLL_S)

    def _must_end(self) -> bool:
        now = time.monotonic()
        if why := self._halt():
            self.grace_s = HALT_GRACE_S
            self._journal.stop(why, halted=True)
        elif self._journal.unwritten:
            self._journal.stop(f"results cannot be written down: {self._journal.unwritten}")
        elif now > self._bounds.deadline:
            self._journal.stop(f"the deadline of {self._order.deadline_s:g} s was over")
        elif now - self._heard > self._bounds.silence_s:
            self._journal.stop(f"nothing happened for {now - self._heard:.0f} s")
        else:
            return False
        return True

    def _end_overdue(self) -> None:
        """Where no pool does so, end the process of a test that takes too long."""
        if self._journal.account.launch.mode not in ("serial", "xdist"):
            return
        now = time.monotonic()
        for nodeid, running in list(self._journal.account.running.items()):
            if now - running.heard > self._order.test_timeout_s + DUMP_S and nodeid not in self._ended:
                self._ended.add(nodeid)
                why = f"the test ran longer than {self._order.test_timeout_s:g} s"
                self._blame(nodeid, "TestTimedOut", why, self._last_place(running))
                _kill(running.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)

    def _last_place(self, running: Running) -> str:
        """Return where a test hangs: the process's own alarm has written that, or the signal makes it."""
        text = dump(self._order, running)
        if not text and hasattr(signal, "SIGABRT"):
            _kill(running.pid, signal.SIGABRT)
            time.sleep(DUMP_S)
            text = dump(self._order, running)
        return text

    def _end_crowds(self) -> None:
        for group in self._crowd.groups():
            for nodeid, running in self._journal.account.running.items():
                if running.group == group and nodeid not in self._ended:
                    self._ended.add(nodeid)
                    why = f"the test started more than {self._bounds.processes} processes"
                    self._blame(nodeid, "TooManyProcesses", why, "")
            kill_group(group)

    def _blame(self, nodeid: str, kind: str, why: str, text: str) -> None:
        text = f"{nodeid}\n{why}\n\n{text}".strip()
        failure = {"phase": "call", "exception": kind, "message": why, "frames": [], "text": text[-TEXT_LIMIT:]}
        self._journal.tell("phase", id=nodeid, when="call", failure=failure, skip="")


def dump(order: SuiteOrder, running: Running) -> str:
    """Return what faulthandler wrote about the process of a test."""
    try:
        return Path(order.folder, f"process-{running.dump}.dump").read_text(errors="replace")
    except OSError:
        return ""


def bound(file: Path) -> None:
    """Keep only the tail of an output that grows without end."""
    with contextlib.suppress(OSError):
        if file.stat().st_size > OUTPUT_LIMIT:
            kept = tail(file)
            os.truncate(file, 0)
            with file.open("a") as again:
                again.write(f"... left out ...\n{kept}")


def tail(file: Path) -> str:
    """Return the last words of a file that may be large."""
    try:
        with file.open("rb") as text:
            text.seek(max(0, file.stat().st_size - TAIL))
            return text.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _kill(pid: int, number: int) -> None:
    if pid:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
