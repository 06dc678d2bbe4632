"""Whoever watches a suite beside the terminal. None of them can slow the suite down or end it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from threading import Lock
from types import TracebackType
from typing import IO, Self

from untilgreen.model.suite import Outcome
from untilgreen.ports import NO_PACE, Pace, Watcher
from untilgreen.redaction import LAST_NET

PROGRESS = "progress.jsonl"
"""In the cycle's folder: `tail -f` shows how far the suite is."""

ENOUGH = 20
"""The first tests wait for imports and cold starts: a guess from fewer than these is many times too long."""


class Watchers:
    """Hands what happens to several watchers, one event at a time.

    Args:
        watchers: told in this order.
    """

    def __init__(self, *watchers: Watcher) -> None:
        self._watchers = watchers
        self._lock = Lock()

    def collected(self, total: int) -> None:
        """Tell all how many tests there are."""
        with self._lock:
            for watcher in self._watchers:
                watcher.collected(total)

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        """Tell all of one test's end."""
        with self._lock:
            for watcher in self._watchers:
                watcher.finished(nodeid, outcome, why)


class _Unheard:
    """Watches nothing: whoever counts tests has counted these already."""

    def collected(self, total: int) -> None:
        pass

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        pass


UNHEARD: Watcher = _Unheard()


class Tally:
    """Counts, with a rate since the first test ended or the tests were collected.

    Args:
        pace: what earlier runs tell; without that, every test counts alike.
    """

    def __init__(self, pace: Pace = NO_PACE) -> None:
        self.total = self.done = self.failed = 0
        self._pace = pace
        self._usual = fmean(pace.seconds.values()) if pace.seconds else 1.0
        self._worked = 0.0
        self._begun = time.monotonic()

    def collected(self, total: int) -> None:
        """Begin to count."""
        self.total = total
        self._begun = time.monotonic()

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:  # noqa: ARG002 - a watcher is told why
        """Count one."""
        self.done += 1
        self.failed += outcome.bad
        self._worked += self._pace.seconds.get(nodeid, self._usual)

    @property
    def rate(self) -> float:
        """Return tests a second."""
        return self.done / max(time.monotonic() - self._begun, 0.001)

    @property
    def left_s(self) -> float | None:
        """Return in about how many seconds it will be over; None while nobody can tell.

        Work is counted in the seconds that each test usually takes; at first it is thought to go as fast as workers
        without anything else to do.
        """
        early = self.done < min(ENOUGH, self.total / 4)
        if self.done >= self.total or (early and not self._pace.seconds):
            return None
        left = max(self._usual * self.total - self._worked, 0.0)
        speed = self._pace.workers if early else self._worked / max(time.monotonic() - self._begun, 0.001)
        return left / max(speed, 0.001)

    @property
    def percent(self) -> float:
        """Return how much is done, 0 to 100."""
        return 100 * min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def pace(self) -> str:
        """Say what goes beside a bar that shows the numbers."""
        left = f", about {self.left_s:.0f} s left" if self.left_s is not None else ""
        return f"{self.failed} failed, {self.rate:.0f}/s{left}"

    def __str__(self) -> str:
        return f"{self.done}/{self.total} tests, {self.pace}"


class ProgressFile:
    """Writes one JSON line for each test that ended: at, done, total, failed, rate_per_s, left_s, nodeid, outcome, why.

    Args:
        file: begun anew; where nothing can be written, for example on a full disk, there is no progress to be seen
            and nothing else changes.
        pace: what earlier runs tell about how long it will take.
    """

    def __init__(self, file: Path, pace: Pace = NO_PACE) -> None:
        self._file = file
        self._out: IO[str] | None = None
        self._tally = Tally(pace)

    def __enter__(self) -> Self:
        """Begin the file."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._out = self._file.open("w", encoding="utf-8", errors="backslashreplace", buffering=1)
        except OSError:
            self._out = None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it."""
        self._close()

    def collected(self, total: int) -> None:
        """Remember how many there are."""
        self._tally.collected(total)

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        """Write one line, at once."""
        self._tally.finished(nodeid, outcome)
        if self._out is None:
            return
        try:
            self._out.write(LAST_NET.mask(self._line(nodeid, outcome, why)) + "\n")
        except OSError:
            self._close()

    def _line(self, nodeid: str, outcome: Outcome, why: str) -> str:
        counts = {"done": self._tally.done, "total": self._tally.total, "failed": self._tally.failed}
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        left = self._tally.left_s
        speed = {"rate_per_s": round(self._tally.rate, 1), "left_s": None if left is None else round(left, 1)}
        line = {"at": at, **counts, **speed, "nodeid": nodeid, "outcome": outcome, "why": why}
        return json.dumps(line, ensure_ascii=False)

    def _close(self) -> None:
        out, self._out = self._out, None
        if out is None:
            return
        try:
            out.close()
        except OSError:
            return
