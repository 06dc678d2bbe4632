"""Collects once, forks workers, feeds them, and survives their death."""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .forked import Worker, how_it_died, start_worker
from .order import ORDER, UNWRITABLE, Events, clip
from .reports import unpacked
from .schedule import Schedule, grouped
from .watchdog import Watchdog, dump_file, dump_of, read_dump
from .worker import end_all_with_parent, why_not_fork

QUEUE_DEPTH = 3  # the test that runs, the next one (pytest must know it), and one so that no worker waits for the pool
DEATH_GRACE_S = 2.0
STILLBORN = 3
"""So many workers in a row that died before they could begin mean that none can."""


class Pool:
    """Runs the collected tests in forked workers; pytest's own reporting sees every report as if it had run them."""

    def __init__(self, events: Events, folder: Path) -> None:
        self._events, self._folder = events, folder
        self._workers: dict[int, Worker] = {}
        self._stillborn = 0
        self._selector = selectors.PollSelector() if hasattr(selectors, "PollSelector") else selectors.DefaultSelector()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool | None:
        """Take over, unless pytest would not run anything or forking is not safe here."""
        option = session.config.option
        blocked = session.testsfailed and not option.continue_on_collection_errors
        if option.collectonly or blocked or not session.items or getattr(option, "usepdb", False):
            return None
        note = ORDER["why"] or why_not_fork()
        if not note:
            self._events.write("mode", mode="fork", note="")
            self._run(session)
            return True
        if ORDER["workers"] > 1 and not ORDER["mode"] and session.config.pluginmanager.hasplugin("xdist"):
            self._events.write("again", mode="xdist", why=note)
            return True
        self._events.write("mode", mode="serial", note=note)
        session.config.pluginmanager.register(Watchdog(dump_file(self._folder)), "_untilgreen_watchdog")
        return None

    def _run(self, session: Any) -> None:
        self._session = session
        count = min(ORDER["workers"], len(session.items))
        self._schedule = Schedule(grouped(session.items, ORDER.get("dist", "")), count, ORDER.get("loose", 0))
        end_all_with_parent()
        gc.collect()
        gc.freeze()  # workers share these pages as long as nobody's collector touches them
        try:
            for slot in range(count):
                self._start(slot)
            while self._workers:
                self._step()
        except BaseException:
            self._interrupt()
            raise
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)

    def _start(self, slot: int) -> None:
        """Fork one worker and fill its queue."""
        worker = start_worker(self._session, slot, self._folder, list(self._workers.values()))
        self._workers[worker.answers] = worker
        self._selector.register(worker.answers, selectors.EVENT_READ)
        for _ in range(QUEUE_DEPTH):
            self._feed(worker)

    def _feed(self, worker: Worker) -> None:
        stopping = self._session.shouldstop or self._session.shouldfail
        worker.send(-1 if stopping else self._schedule.take(worker.slot))

    def _step(self) -> None:
        """Read answers, look after time-outs."""
        ready = self._selector.select(timeout=0.2)
        for key, _ in ready:
            worker = self._workers[key.fd]
            try:
                for answer in worker.answered():
                    self._heard(worker, answer)
            except EOFError:
                self._reap(worker, os.waitpid(worker.pid, 0)[1])
        now = time.monotonic()
        for worker in list(self._workers.values()):
            grace = DEATH_GRACE_S if worker.killed else 0
            if worker.queue and now - worker.started > ORDER["test_timeout_s"] + grace:
                worker.kill(f"ran longer than {ORDER['test_timeout_s']:g} s")
            if not ready:  # a child of a dead worker may hold its pipe open, so its end must be asked for as well
                pid, status = os.waitpid(worker.pid, os.WNOHANG)
                if pid:
                    self._reap(worker, status)

    def _heard(self, worker: Worker, answer: dict[str, Any]) -> None:
        if "ready" in answer:
            worker.ready, worker.started, self._stillborn = True, time.monotonic(), 0
        else:
            self._finished(worker, answer)

    def _finished(self, worker: Worker, answer: dict[str, Any]) -> None:
        """Hand a test's reports to pytest, and the next test to the worker."""
        hook, config = self._session.config.hook, self._session.config
        item = self._session.items[answer["test"]]
        if answer["stop"]:
            self._session.shouldstop = self._session.shouldstop or answer["stop"]
        worker.queue.popleft()
        worker.retired = answer["retired"]
        worker.started = time.monotonic()
        if not worker.retired:
            self._feed(worker)
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in unpacked(config, item, answer["reports"]):
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _reap(self, worker: Worker, status: int) -> None:
        """A worker is gone: if a test was in its hands, that test failed; the others go to a new worker."""
        self._selector.unregister(worker.answers)
        del self._workers[worker.answers]
        tests = list(worker.queue)
        dump = worker.bury(crashed=bool(tests) and not worker.retired)
        if not tests and not worker.retired:
            return
        if not worker.ready:
            self._not_born(how_it_died(status), dump)
        elif not worker.retired:
            self._crashed(worker, self._session.items[tests.pop(0)], status, dump)
        self._schedule.give_back(worker.slot, tests)
        if not (self._session.shouldstop or self._session.shouldfail):
            self._start(worker.slot)

    def _not_born(self, how: str, dump: str) -> None:
        """No test is to blame for a worker that never began; when none begins, there is no going on."""
        self._stillborn += 1
        if self._stillborn >= STILLBORN * ORDER["workers"]:
            last = (dump.strip().splitlines() or [how])[-1]
            self._session.shouldstop = f"no worker can begin: {clip(last)}"
            self._events.write("stop", why=self._session.shouldstop)

    def _crashed(self, worker: Worker, item: Any, status: int, dump: str) -> None:
        full = os.WIFEXITED(status) and os.WEXITSTATUS(status) == UNWRITABLE
        why = worker.killed or ("left no room for its own result" if full else how_it_died(status))
        seconds = time.monotonic() - worker.started
        text = clip(f"{item.nodeid}\nthe test {why}\n\n{dump}")
        kind = "TestTimedOut" if worker.killed else "ProcessDied"
        tell_failure(self._events, item.nodeid, kind, f"the test {why}", text, seconds)
        report = pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "call", [], seconds)
        self._session.config.hook.pytest_runtest_logreport(report=report)

    def _interrupt(self) -> None:
        """Let workers tear their fixtures down, for a moment; then nothing of them may stay."""
        for worker in self._workers.values():
            os.kill(worker.pid, signal.SIGINT)
        end = time.monotonic() + DEATH_GRACE_S
        for worker in self._workers.values():
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(worker.pid, os.WNOHANG)[0] == 0:
                    if time.monotonic() > end:
                        os.kill(worker.pid, signal.SIGKILL)
                    time.sleep(0.01)


class Crashed:
    """Writes down what xdist's controller knows alone: whose process died under a test."""

    def __init__(self, events: Events, folder: Path) -> None:
        self._events, self._folder = events, folder

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: Any) -> None:
        """Give the test its failure."""
        dump = read_dump(dump_of(self._folder, report.node.gateway.id))
        text = clip(f"{crashitem}\n{report.longreprtext}\n\n{dump}")
        tell_failure(self._events, crashitem, "ProcessDied", "the test ended the process that ran it", text, 0.0)


def tell_failure(events: Events, nodeid: str, kind: str, message: str, text: str, seconds: float) -> None:  # noqa: PLR0917 - what a failure is made of
    """Write down how a test ended that could not do so itself."""
    failure = {"phase": "call", "exception": kind, "message": message, "frames": [], "text": text}
    events.write("phase", id=clip(nodeid), when="call", failure=failure, skip="")
    events.write("end", id=clip(nodeid), seconds=seconds, phases=[["call", "failed", None]], sighting=None)


def use_xdist(config: Any) -> None:
    """Let xdist run the tests, with as many workers as were asked for, unless their own options say something else."""
    option = config.option
    if not option.tx:
        option.tx = ["popen"] * ORDER["workers"]
    if option.dist == "no":
        option.dist = "load"
    if option.maxworkerrestart is None:
        option.maxworkerrestart = str(sys.maxsize)  # each death is one test's failure, however many there are
