"""Collects once, forks workers, feeds them, and survives their death."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import struct
import sys
import time
import warnings
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .order import ORDER, Events, clip
from .schedule import Schedule, grouped
from .worker import Post, SerialTimeout, be_worker, end_group_with_parent, why_not_fork

QUEUE_DEPTH = 3  # the test that runs, the next one (pytest must know it), and one so that no worker waits for the pool
DEATH_GRACE_S = 2.0


class Worker:
    """One forked process, seen from the pool."""

    def __init__(self, slot: int, pid: int, commands: int, answers: int, dump: Path) -> None:
        self.slot, self.pid, self.commands, self.answers, self.dump = slot, pid, commands, answers, dump
        self.queue: deque[int] = deque()
        self.started = time.monotonic()
        self.buffer = b""
        self.ended = False
        self.killed = ""

    def send(self, test: int) -> None:
        """Queue a test; -1 says that there are no more."""
        if test < 0 and self.ended:
            return
        if test < 0:
            self.ended = True
        else:
            if not self.queue:
                self.started = time.monotonic()
            self.queue.append(test)
        with contextlib.suppress(BrokenPipeError):  # it is dead; its end is noticed where answers are read
            os.write(self.commands, struct.pack("i", test))

    def lines(self) -> Iterator[dict[str, Any]]:
        """Read what has arrived.

        Raises:
            EOFError: it is gone.
        """
        data = os.read(self.answers, 1 << 20)
        if not data:
            raise EOFError
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        return (json.loads(line) for line in lines)


class Pool:
    """Runs the collected tests in forked workers; pytest's own reporting sees every report as if it had run them."""

    def __init__(self, events: Events, folder: Path) -> None:
        self._events, self._folder = events, folder
        self._workers: dict[int, Worker] = {}
        self._selector = selectors.PollSelector() if hasattr(selectors, "PollSelector") else selectors.DefaultSelector()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool | None:
        """Take over, unless pytest would not run anything or forking is not safe here."""
        option = session.config.option
        blocked = session.testsfailed and not option.continue_on_collection_errors
        if option.collectonly or blocked or not session.items or getattr(option, "usepdb", False):
            return None
        note = why_not_fork()
        self._events.write("mode", mode="serial" if note else "fork", note=note)
        if note:
            session.config.pluginmanager.register(SerialTimeout(self._folder))
            return None
        self._run(session)
        return True

    def _run(self, session: Any) -> None:
        self._session = session
        count = min(ORDER["workers"], len(session.items))
        self._schedule = Schedule(grouped(session.items, ORDER.get("dist", "")), count)
        factory = getattr(session.config, "_tmp_path_factory", None)
        self._basetemp = factory.getbasetemp() if factory else None
        end_group_with_parent()
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
        command_out, command_in = os.pipe()
        answer_out, answer_in = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        dump = self._folder / f"worker-{slot}.dump"
        others = [fd for worker in self._workers.values() for fd in (worker.commands, worker.answers)]
        post = Post(slot, command_out, answer_in, (*others, command_in, answer_out), dump, self._basetemp, os.getpid())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 3.12 warns of native threads, which why_not_fork has looked at
            pid = os.fork()
        if pid == 0:
            be_worker(self._session, post)
        os.close(command_out)
        os.close(answer_in)
        worker = self._workers[answer_out] = Worker(slot, pid, command_in, answer_out, dump)
        self._selector.register(answer_out, selectors.EVENT_READ)
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
                for answer in worker.lines():
                    self._finished(worker, answer)
            except EOFError:
                self._reap(worker, os.waitpid(worker.pid, 0)[1])
        now = time.monotonic()
        for worker in list(self._workers.values()):
            if worker.queue and now - worker.started > ORDER["test_timeout_s"] + (
                DEATH_GRACE_S if worker.killed else 0
            ):
                self._kill(worker)
            if not ready:  # a child of a dead worker may hold its pipe open, so its end must be asked for as well
                pid, status = os.waitpid(worker.pid, os.WNOHANG)
                if pid:
                    self._reap(worker, status)

    def _kill(self, worker: Worker) -> None:
        """Abort it, so that faulthandler says where it hung; kill it when it does not listen."""
        os.kill(worker.pid, signal.SIGKILL if worker.killed else signal.SIGABRT)
        worker.killed = f"ran longer than {ORDER['test_timeout_s']:g} s"

    def _finished(self, worker: Worker, answer: dict[str, Any]) -> None:
        """Hand a test's reports to pytest, and the next test to the worker."""
        hook, config = self._session.config.hook, self._session.config
        item = self._session.items[answer["test"]]
        if answer["stop"]:
            self._session.shouldstop = self._session.shouldstop or answer["stop"]
        worker.queue.popleft()
        worker.started = time.monotonic()
        self._feed(worker)
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for data in answer["reports"]:
            hook.pytest_runtest_logreport(report=hook.pytest_report_from_serializable(config=config, data=data))
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _reap(self, worker: Worker, status: int) -> None:
        """A worker is gone: if a test was in its hands, that test failed; the others go to a new worker."""
        self._selector.unregister(worker.answers)
        del self._workers[worker.answers]
        os.close(worker.answers)
        os.close(worker.commands)
        if not worker.queue:
            return
        test, *rest = worker.queue
        self._crashed(worker, self._session.items[test], status)
        self._schedule.give_back(worker.slot, rest)
        if not (self._session.shouldstop or self._session.shouldfail):
            self._start(worker.slot)

    def _crashed(self, worker: Worker, item: Any, status: int) -> None:
        why = worker.killed or how_it_died(status)
        dump = worker.dump.read_text(errors="replace") if worker.dump.exists() else ""
        seconds = time.monotonic() - worker.started
        text = clip(f"{item.nodeid}\nthe test {why}\n\n{dump}")
        failure: dict[str, Any] = {
            "phase": "call",
            "exception": "TestTimedOut" if worker.killed else "ProcessDied",
            "message": f"the test {why}",
            "frames": [],
            "text": text,
        }
        self._events.write("phase", id=clip(item.nodeid), when="call", failure=failure, skip="")
        self._events.write(
            "end", id=clip(item.nodeid), seconds=seconds, phases=[["call", "failed", None]], sighting=None
        )
        report = pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "call", [], seconds)
        self._session.config.hook.pytest_runtest_logreport(report=report)

    def _interrupt(self) -> None:
        """Let workers tear their fixtures down, for a moment; then nothing of them may stay."""
        for worker in self._workers.values():
            os.kill(worker.pid, signal.SIGINT)
        end = time.monotonic() + DEATH_GRACE_S
        for worker in self._workers.values():
            while os.waitpid(worker.pid, os.WNOHANG)[0] == 0:
                if time.monotonic() > end:
                    os.kill(worker.pid, signal.SIGKILL)
                time.sleep(0.01)


def how_it_died(status: int) -> str:
    """Put a wait status into words."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"killed its process with {signal.Signals(number).name}"
    return f"ended its process with exit code {os.WEXITSTATUS(status)}"
