"""Writes pytest's reports as events."""

from __future__ import annotations

import functools
import io
import os
import signal
import time
from collections.abc import Generator
from typing import Any

import pytest
from _pytest.assertion import util

from .failure import failure_of, in_brief, skip_reason
from .kernel import Kernel
from .order import BROKEN, ORDER, Events, clip
from .schedule import group_of
from .sight import FAULTS, PRESENT, Sight, harmless
from .wanted import arranged, kept
from .watchdog import HERE

CHILD_ENDS = 0
"""Exit code of a process that a test forked and that came back out of it."""


class Recorder:
    """Writes what happens to each test, in the process that runs it."""

    def __init__(self, events: Events, kernel: Kernel, *, inner: bool) -> None:
        self._events, self._kernel = events, kernel
        self._pid = -1
        self._seconds = 0.0
        self._phases: list[list[Any]] = []
        self._inner = inner

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Generator[None, Any, None]:
        """Begin a sight before the first fixture, end it after the last."""
        self._pid, self._seconds, self._phases = os.getpid(), 0.0, []
        self._kernel.take()
        self._events.write(
            "begin", id=clip(item.nodeid), at=time.time(), pid=self._pid, group=process_group(), dump=HERE.name
        )
        PRESENT.sight, PRESENT.phase = Sight(item.nodeid), "setup"
        if ORDER.get("brief"):
            PRESENT.sight.tell = functools.partial(self._tell_exchange, clip(item.nodeid), PRESENT.sight.trace)
        alarmed = alarm()
        outcome = yield
        if self._pid != os.getpid():  # a child that the test forked and forgot: it must not run the rest a second time
            os._exit(CHILD_ENDS)
        if not alarmed and alarm():
            signal.setitimer(signal.ITIMER_REAL, 0)
            FAULTS.add("a test left an alarm behind, which was cancelled: it would have ended another test")
        sight, PRESENT.sight = PRESENT.sight, None
        if outcome.excinfo is None:
            seen = harmless(sight.document)(*self._kernel.take()) if sight else None
            self._events.write(
                "end", id=clip(item.nodeid), seconds=round(self._seconds, 6), phases=self._phases, sighting=seen
            )
            self._tell_faults()
            if not self._inner and not all(map(still_open, captured(item.config))):
                item.session.shouldstop = item.session.shouldstop or BROKEN
        elif isinstance(outcome.excinfo[1], pytest.exit.Exception):
            self._events.write("stop", why=f"pytest.exit: {clip(str(outcome.excinfo[1]))}")

    def _tell_exchange(self, nodeid: str, trace: str, exchange: dict[str, Any]) -> None:
        self._events.write("exchange", id=nodeid, trace=trace, exchange=exchange)

    def _tell_faults(self) -> None:
        for text in sorted(FAULTS):
            self._events.write("fault", text=text)
        FAULTS.clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        """Note that fixtures are done and the test itself begins."""
        PRESENT.phase = "call"
        if ORDER.get("brief"):
            util._reprcompare = None  # noqa: SLF001 - what explains comparisons that fail

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Note that the test itself is done."""
        PRESENT.phase = "teardown"

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, None]:
        """Bound what a test printed, and describe its failure while the traceback is there."""
        if ORDER.get("brief") and call.excinfo is not None:
            item.repr_failure = item._repr_failure_py = in_brief  # noqa: SLF001 - which pytest calls for fixtures
        outcome = yield
        report = outcome.get_result()
        if report.sections:
            report.sections = [(name, clip(text)) for name, text in report.sections]
        if report.failed:
            report.untilgreen_failure = harmless(failure_of)(report, call.excinfo)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep a phase; one that did not pass is written at once, since the next may kill the process."""
        if PRESENT.sight is None or self._pid != os.getpid():
            return
        self._seconds += report.duration
        failure = report.__dict__.pop("untilgreen_failure", None)
        expected = getattr(report, "wasxfail", None)
        whole = not hasattr(report, "context")  # a subtest is a part of its test
        self._phases.append([report.when if whole else "subtest", report.outcome, expected])
        if failure is None and report.failed:
            failure = failure_of(report, None)
        if failure is not None or (report.skipped and whole):
            reason = "" if expected is not None or not report.skipped else skip_reason(report)
            self._events.write("phase", id=clip(report.nodeid), when=report.when, failure=failure, skip=reason)


class Session:
    """Writes what happens to the session as a whole."""

    def __init__(self, events: Events, *, inner: bool) -> None:
        self._events, self._inner = events, inner
        self._places: dict[int, int] = {}

    def pytest_collectreport(self, report: Any) -> None:
        """Tell that collection goes on, and what could not be collected."""
        if report.failed:
            self._events.write("collect_error", id=clip(report.nodeid), text=clip(report.longreprtext))
        elif report.skipped:
            self._events.write("collect_skip", id=clip(report.nodeid), why=skip_reason(report))
        elif "::" not in report.nodeid:
            self._events.write("collecting")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Keep only the tests that are wanted, in the order in which they are wanted."""
        wanted = kept(items, ORDER["only"], ORDER["select"])
        if len(wanted) < len(items):
            remaining = {id(item) for item in wanted}
            config.hook.pytest_deselected(items=[item for item in items if id(item) not in remaining])
        self._places = {id(item): place for place, item in enumerate(wanted)}
        items[:], ORDER["loose"] = arranged(wanted, ORDER["first"])

    def pytest_collection_finish(self, session: Any) -> None:
        """Tell what will run, in the order in which it was collected: that does not change with what failed last."""
        last = len(self._places)
        found = sorted(session.items, key=lambda item: self._places.get(id(item), last))
        groups = {clip(item.nodeid): group for item in found if (group := group_of(item, ORDER.get("dist", "")))}
        self._events.write("collected", ids=[clip(item.nodeid) for item in found], groups=groups)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: Any, exitstatus: Any) -> Generator[None, Any, None]:
        """Tell that the session reached its own end."""
        yield
        if self._inner:
            return
        code = getattr(session, "exitstatus", exitstatus)
        self._events.write("finish", code=int(code), stopped=str(session.shouldstop or session.shouldfail or ""))


def process_group() -> int:
    """Return the process group, or 0 where there are none."""
    return os.getpgrp() if hasattr(os, "getpgrp") else 0


def captured(config: Any) -> list[Any]:
    """Return the files into which pytest captures output. Without them no test can be run."""
    manager = config.pluginmanager.getplugin("capturemanager")
    both = getattr(manager, "_global_capturing", None)
    streams = (getattr(both, "out", None), getattr(both, "err", None))
    return [file for stream in streams if (file := getattr(stream, "tmpfile", None)) is not None]


def still_open(file: Any) -> bool:
    """Tell whether a file can be used."""
    try:
        os.fstat(file.fileno())
    except io.UnsupportedOperation:  # it lies in memory
        return not file.closed
    except (OSError, ValueError):
        return False
    return True


def alarm() -> bool:
    """Tell whether SIGALRM will come."""
    return hasattr(signal, "getitimer") and signal.getitimer(signal.ITIMER_REAL)[0] > 0
