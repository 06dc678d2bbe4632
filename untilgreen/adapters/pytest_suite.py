"""Runs the user's tests with the user's own interpreter, and loses nothing of what they reported.

The witness inside writes one JSON line for everything that happens; this side starts the process, takes in what it
writes, and ends the process when its time is over. When the process dies under a test, that test failed, and pytest is
started again for those that are left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from untilgreen.adapters.pytest_events import Account, how_it_ended
from untilgreen.adapters.pytest_journal import CHANNEL, JOURNAL, Journal
from untilgreen.adapters.pytest_launch import COOKIE, ORDER, OUTPUT, Start, command, launch, prepare
from untilgreen.adapters.pytest_privacy import MARK, go_through_what_is_left, private
from untilgreen.adapters.pytest_processes import end
from untilgreen.adapters.pytest_redaction import scrub_files
from untilgreen.adapters.pytest_watch import Bounds, Watch, dump, tail
from untilgreen.errors import SuiteCrashed
from untilgreen.ports import Halt, Redaction, SuiteOrder, SuiteOutput, Watcher, never
from untilgreen.redaction import Redactor

PATIENCE_S = 60.0
"""A test may be silent for its own time-out; collecting a large suite on a busy machine needs a little more."""
PROCESSES = 500
"""A browser has fifty."""
STARTS = 100
"""So many starts of pytest are enough for one run, however many of its tests end the process."""


class PytestSuite:
    """Runs pytest in a session of its own.

    Args:
        patience_s: how long, beyond the time-out of one test, nothing may happen.
        redaction: takes secrets out of what tests print; left out, whatever looks like a credential.
        processes: how many processes one test may have at once.
    """

    def __init__(
        self, patience_s: float = PATIENCE_S, redaction: Redaction | None = None, processes: int = PROCESSES
    ) -> None:
        self._patience_s = patience_s
        self._redaction = redaction or Redactor()
        self._processes = processes

    def run(self, order: SuiteOrder, watcher: Watcher, halt: Halt = never) -> SuiteOutput:
        """Run the tests of an order and tell the watcher what happens.

        Raises:
            SuiteCrashed: pytest ended before it had collected anything.
            KeyboardInterrupt: the user, or SIGTERM, stopped it; `recover` gives what had finished.
        """
        prepare(order)
        with _terminated_as_interrupted(), self._cleaned(order), Journal(order, self._redaction, watcher) as journal:
            try:
                self._run_all(order, journal, halt)
            except BaseException:
                journal.stop("it was interrupted")
                raise
        return _output(order, journal.account)

    def recover(self, order: SuiteOrder) -> SuiteOutput:
        """Return what an interrupted run had finished."""
        with self._cleaned(order), Journal(order, self._redaction) as journal:
            pass
        return _output(order, journal.account)

    def _run_all(self, order: SuiteOrder, journal: Journal, halt: Halt) -> None:
        """Start pytest, and again for what a death of it left over."""
        bounds = Bounds(order.test_timeout_s + self._patience_s, time.monotonic() + order.deadline_s, self._processes)
        start: Start | None = Start()
        while start:
            journal.tell("launch", number=start.number)
            before = journal.account.ended
            try:
                _run_once(order, start, journal, halt, bounds)
            except SuiteCrashed as error:
                if start.number == 1:
                    raise
                journal.stop(f"pytest could not be started again: {error}")
            start = _next(start, order, journal, before)

    @contextlib.contextmanager
    def _cleaned(self, order: SuiteOrder) -> Iterator[None]:
        """Take secrets out of whatever lies in the folder, however it comes to an end; until then it is private."""
        with private(Path(order.folder), lambda: self._clean(Path(order.folder))):
            yield

    def tidy(self, state: Path) -> None:
        """Take secrets out of what runs left behind that were killed before they could do so.

        Args:
            state: where the loops are.
        """
        go_through_what_is_left(state, self._clean)

    def _clean(self, folder: Path) -> None:
        scrub_files(folder, CHANNEL, self._redaction, clean=frozenset({JOURNAL, MARK}))


def _run_once(order: SuiteOrder, start: Start, journal: Journal, halt: Halt, bounds: Bounds) -> None:
    """Start pytest once, and see it to its end."""
    with _output_file(order) as output:
        process = launch(order, start, output)
        watch = Watch(process, order, journal, halt, bounds)
        try:
            watch.follow()
        finally:
            end(process, f"{COOKIE}={Path(order.folder, ORDER)}", watch.grace_s)
            journal.pull()
            journal.tell("exit", code=process.returncode)


def _output_file(order: SuiteOrder) -> IO[bytes]:
    """Open the file that takes what pytest prints; a test may have removed it."""
    try:
        return Path(order.folder, OUTPUT).open("ab")
    except OSError:
        return Path(os.devnull).open("ab")


def _next(start: Start, order: SuiteOrder, journal: Journal, before: int) -> Start | None:
    """Return how pytest is to be started again, or None when there is nothing left, or nothing more to be had."""
    account = journal.account
    if journal.unwritten and not account.stopped:
        journal.stop(f"results cannot be written down: {journal.unwritten}")
    if account.stopped or order.collect_only or not account.launch.collected:
        if start.number > 1 and not account.launch.collected:
            journal.stop(f"pytest could not be started again: {how_it_ended(account.launch.exit_code)}")
        return None
    number = start.number + 1
    if account.launch.again:
        return Start(number, account.launch.again, account.launch.why)
    how = how_it_ended(account.launch.exit_code)
    blamed = _blame(order, journal, how)
    left = journal.names(account.left)
    if not left:
        if blamed:  # the last test ended the process: that is known, and it is the end
            journal.tell("finish", code=1, stopped="")
            journal.tell("exit", code=1)
        return None
    if account.ended == before and "serial" in (start.mode, account.launch.mode):
        journal.stop(f"{how}, and again without having run another test")
    elif number > STARTS:
        journal.stop(f"pytest was started {STARTS} times, and {len(left)} tests are still left")
    else:
        return Start(number, "serial", f"{how} before all tests had run", left)
    return None


def _blame(order: SuiteOrder, journal: Journal, how: str) -> bool:
    """Where one test ran at a time, the one that was running is the one that ended the process; tell if there was."""
    account = journal.account
    if account.launch.mode != "serial" or not account.running or account.launch.finish in (0, 1):
        return False
    for nodeid, running in list(account.running.items()):
        if not running.failures:
            text = f"{nodeid}\n{how} during the test\n\n{dump(order, running)}\n{tail(Path(order.folder, OUTPUT))}"
            failure = {"phase": "call", "exception": "ProcessDied", "message": f"{how} during the test", "frames": []}
            journal.tell("phase", id=nodeid, when="call", failure={**failure, "text": text}, skip="")
        seconds = max(0.0, time.time() - running.at)
        journal.tell("end", id=nodeid, seconds=seconds, phases=[["call", "failed", None]], sighting=None)
    return True


def read_output(order: SuiteOrder) -> SuiteOutput:
    """Make the output from the files that a run left behind, however it ended.

    Raises:
        SuiteCrashed: nothing was collected.
    """
    return PytestSuite().recover(order)


def _output(order: SuiteOrder, account: Account) -> SuiteOutput:
    last_words = tail(Path(order.folder, OUTPUT))
    if not account.usable:
        how = account.stopped or how_it_ended(account.launch.exit_code).replace("the runner", "it")
        raise SuiteCrashed(
            f"{order.python} -m pytest {order.path} collected nothing: {how}. "
            f"Run it by hand in {order.root}. Its last words:\n{last_words}"
        )
    return account.output(command(order), last_words)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Make SIGTERM raise KeyboardInterrupt meanwhile, where nobody else handles it, so that the group is ended."""
    free = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not free:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
