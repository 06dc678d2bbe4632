"""Which tests run first: what failed last time tells soonest, and what takes long must not be left to the end."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from statistics import median

from untilgreen.errors import EvidenceIncomplete
from untilgreen.suite.history import Record, read_history

MOST = 1000
"""Node ids that are put first. The order travels with the suite, and behind a thousand it helps nobody."""
LONG = 4
"""A test that takes so many times the median is long: begun last, it would keep one worker busy alone."""


def first(history: Iterable[Record], most: int = MOST) -> tuple[str, ...]:
    """Return what to begin with: what failed last time, then what takes long; the longest first in each.

    Args:
        history: one record a test; those that are gone are no trouble.
        most: return no more than this.
    """
    longest = sorted(history, key=lambda record: (-record.median_s, record.nodeid))
    failed = [record.nodeid for record in longest if record.last.bad]
    bound = LONG * median(record.median_s for record in longest) if longest else 0
    long = [record.nodeid for record in longest if record.median_s > bound and not record.last.bad]
    return (*failed, *long)[:most]


def known_order(state: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what to begin with by what the state folder knows, and what a reader should know about that.

    A history that cannot be read is no reason to run nothing: then tests run in their own order, and the note says so.
    """
    try:
        return first(read_history(state)), ()
    except EvidenceIncomplete as error:
        return (), (f"tests ran in their own order: {error}",)


def known_seconds(state: Path) -> dict[str, float]:
    """Return how long each test usually takes; nothing where no history can be read."""
    with suppress(EvidenceIncomplete):
        return {record.nodeid: record.median_s for record in read_history(state)}
    return {}
