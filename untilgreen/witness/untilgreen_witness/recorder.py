"""Writes pytest's reports as events."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from typing import Any

import pytest

from .failure import failure_of, skip_reason
from .kernel import Kernel
from .order import ORDER, Events, clip
from .sight import FAULTS, PRESENT, Sight, harmless


class Recorder:
    """Writes what happens to each test, in the process that runs it."""

    def __init__(self, events: Events, kernel: Kernel) -> None:
        self._events, self._kernel = events, kernel
        self._pid = -1
        self._seconds = 0.0
        self._phases: list[list[Any]] = []

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Generator[None, Any, None]:
        """Begin a sight before the first fixture, end it after the last."""
        self._pid, self._seconds, self._phases = os.getpid(), 0.0, []
        self._kernel.take()
        self._events.write("begin", id=clip(item.nodeid), at=time.time())
        PRESENT.sight, PRESENT.phase = Sight(item.nodeid), "setup"
        outcome = yield
        sight, PRESENT.sight = PRESENT.sight, None
        if outcome.excinfo is None and self._pid == os.getpid():
            seen = harmless(sight.document)(*self._kernel.take()) if sight else None
            self._events.write(
                "end", id=clip(item.nodeid), seconds=round(self._seconds, 6), phases=self._phases, sighting=seen
            )
            self._tell_faults()

    def _tell_faults(self) -> None:
        for text in sorted(FAULTS):
            self._events.write("fault", text=text)
        FAULTS.clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self) -> None:
        """Note that fixtures are done and the test itself begins."""
        PRESENT.phase = "call"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Note that the test itself is done."""
        PRESENT.phase = "teardown"

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, call: Any) -> Generator[None, Any, None]:
        """Bound what a test printed, and describe its failure while the traceback is there."""
        outcome = yield
        report = outcome.get_result()
        if report.sections:
            report.sections = [(name, clip(text)) for name, text in report.sections]
        if report.failed:
            report.untilgreen_failure = harmless(failure_of)(report, call.excinfo)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep a phase; one that did not pass is written at once, since the next may kill the process."""
        if PRESENT.sight is None:
            return
        self._seconds += report.duration
        failure = report.__dict__.pop("untilgreen_failure", None)
        expected = getattr(report, "wasxfail", None)
        self._phases.append([report.when, report.outcome, expected])
        if failure is None and report.failed:
            failure = failure_of(report, None)
        if failure is not None or report.skipped:
            reason = "" if expected is not None or not report.skipped else skip_reason(report)
            self._events.write("phase", id=clip(report.nodeid), when=report.when, failure=failure, skip=reason)


class Session:
    """Writes what happens to the session as a whole."""

    def __init__(self, events: Events, *, inner: bool) -> None:
        self._events, self._inner = events, inner

    def pytest_collectreport(self, report: Any) -> None:
        """Tell that collection goes on, and what could not be collected."""
        if report.failed:
            self._events.write("collect_error", id=clip(report.nodeid), text=clip(report.longreprtext))
        elif "::" not in report.nodeid:
            self._events.write("collecting")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Keep only the tests that are wanted."""
        wanted = set(ORDER["only"])
        if wanted:
            dropped = [item for item in items if item.nodeid not in wanted]
            items[:] = [item for item in items if item.nodeid in wanted]
            config.hook.pytest_deselected(items=dropped)

    def pytest_collection_finish(self, session: Any) -> None:
        """Tell what will run."""
        self._events.write("collected", ids=[clip(item.nodeid) for item in session.items])

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: Any, exitstatus: Any) -> Generator[None, Any, None]:
        """Tell that the session reached its own end."""
        yield
        if self._inner:
            return
        code = getattr(session, "exitstatus", exitstatus)
        self._events.write("finish", code=int(code), stopped=str(session.shouldstop or session.shouldfail or ""))
