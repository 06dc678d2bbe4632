"""What a container that did not start said last, and how it ended: in its own log and in the platform's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from untilgreen.clock import Clock
from untilgreen.errors import UntilgreenError
from untilgreen.model.delivery import Served
from untilgreen.model.document import Window
from untilgreen.model.evidence import Entry, Stream
from untilgreen.ports import LogQuery, Logs

LINES = 5
"""Enough for the end of a traceback; the evidence bundle holds the rest."""

PATIENCE_S = 5.0
"""Cloud Logging shows lines some seconds after they were written."""

_PAUSE_S = 0.25
_WIDTH = 300
_SKEW = timedelta(seconds=30)
_EXIT = re.compile(r"Container called exit\((-?\d+)\)")
_SIGNAL = re.compile(r"Container terminated on signal (\d+)")
_END = re.compile(
    r"Container called exit|Container terminated|Application failed to start|probe failed|Memory limit", re.IGNORECASE
)
_WEIGHTS = (re.compile(r"Container called exit|Container terminated"), re.compile(r"Memory limit|failed to start"))
"""How much a platform's line tells: that a probe failed, less than how the container ended, less than why."""


def with_last_words(served: Served, logs: Logs, window: Window, clock: Clock) -> Served:
    """Add to a failed service's part what its container said last, as far as the log can be read.

    Args:
        served: of a revision that was made and is not ready.
        logs: the platform's log.
        window: when it was rolled out.
        clock: lets time pass while the log catches up.
    """
    if not served.revision:
        return served
    entries = _entries(served, logs, window, clock)
    said = [line for entry in entries if entry.stream in {Stream.STDOUT, Stream.STDERR} for line in _lines(entry)]
    system = [entry for entry in entries if entry.stream is Stream.SYSTEM]
    code = _exit_code(system)
    ends = [line for entry in system if _END.search(entry.message) for line in _lines(entry)]
    ends.sort(key=_weight)
    return served.model_copy(update={"last_words": (*ends[-2:], *said[-LINES:]), "exit_code": code})


def _weight(line: str) -> int:
    return max((number for number, telling in enumerate(_WEIGHTS, 1) if telling.search(line)), default=0)


def _entries(served: Served, logs: Logs, window: Window, clock: Clock) -> list[Entry]:
    """Read what was logged about a revision, again until the platform has told of its end or patience is over."""
    deadline = clock.now() + timedelta(seconds=PATIENCE_S)
    wide = Window(start=window.start - _SKEW, end=window.end + _SKEW)
    # The revision that still serves may log thousands of lines in the meantime.
    own = (served.revision,) if served.revision else ()
    query = LogQuery(services=(served.service,), window=wide, revisions=own, part="entries")
    while True:
        try:
            page = logs.read(query)
        except UntilgreenError:
            return []  # the failure itself is known; its details are in the evidence, or missing there by name
        found = [entry for entry in page.entries if entry.revision == served.revision]
        if not _awaited(served) or _told(found) or clock.now() >= deadline:
            return sorted(found, key=lambda entry: entry.at or window.start)
        clock.sleep(_PAUSE_S)


def _awaited(served: Served) -> bool:
    """Tell whether a container ran at all: otherwise nothing of it will ever be in the log."""
    return "CONTAINER_ERROR" in served.reason or "HEALTH_CHECK" in served.reason


def _told(entries: Iterable[Entry]) -> bool:
    return any(entry.stream is Stream.SYSTEM and _END.search(entry.message) for entry in entries)


def _exit_code(system: Sequence[Entry]) -> int | None:
    """Return how the first instance ended: only the platform's own log counts, an application can print anything."""
    for entry in system:
        if found := _EXIT.search(entry.message):
            return int(found[1])
        if found := _SIGNAL.search(entry.message):
            return -int(found[1])
    return None


def _lines(entry: Entry) -> list[str]:
    return [line[:_WIDTH] for line in entry.message.splitlines() if line.strip()]
