"""Whoever watches a suite beside the terminal. None of them can slow the suite down or end it."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Self

from untilgreen.model.suite import Outcome
from untilgreen.ports import Watcher
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

    def finished(self, nodeid: str, outcome: Outcome) -> None:
        """Tell all of one test's end."""
        with self._lock:
            for watcher in self._watchers:
                watcher.finished(nodeid, outcome)


class _Unheard:
    """Watches nothing: whoever counts tests has counted these already."""

    def collected(self, total: int) -> None:
        pass

    def finished(self, nodeid: str, outcome: Outcome) -> None:
        pass


UNHEARD: Watcher = _Unheard()


class Tally:
    """Counts, with a rate since the first test ended or the tests were collected."""

    def __init__(self) -> None:
        self.total = self.done = self.failed = 0
        self._begun = time.monotonic()

    def collected(self, total: int) -> None:
        """Begin to count."""
        self.total = total
        self._begun = time.monotonic()

    def finished(self, nodeid: str, outcome: Outcome) -> None:  # noqa: ARG002 - a watcher is told the name
        """Count one."""
        self.done += 1
        self.failed += outcome.bad

    @property
    def rate(self) -> float:
        """Return tests a second."""
        return self.done / max(time.monotonic() - self._begun, 0.001)

    @property
    def left_s(self) -> float | None:
        """Return in about how many seconds it will be over, at this rate; None while nobody can tell."""
        early = self.done < min(ENOUGH, self.total / 4)
        return None if early or self.done >= self.total else (self.total - self.done) / self.rate

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
    """Writes one JSON line for each test that ended: at, done, total, failed, rate_per_s, nodeid, outcome.

    Args:
        file: begun anew; where nothing can be written, for example on a full disk, there is no progress to be seen
            and nothing else changes.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._out: IO[str] | None = None
        self._tally = Tally()

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

    def finished(self, nodeid: str, outcome: Outcome) -> None:
        """Write one line, at once."""
        self._tally.finished(nodeid, outcome)
        if self._out is None:
            return
        try:
            self._out.write(LAST_NET.mask(self._line(nodeid, outcome)) + "\n")
        except OSError:
            self._close()

    def _line(self, nodeid: str, outcome: Outcome) -> str:
        counts = {"done": self._tally.done, "total": self._tally.total, "failed": self._tally.failed}
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"at": at, **counts, "rate_per_s": round(self._tally.rate, 1), "nodeid": nodeid, "outcome": outcome}
        return json.dumps(line, ensure_ascii=False)

    def _close(self) -> None:
        out, self._out = self._out, None
        if out is None:
            return
        try:
            out.close()
        except OSError:
            return
