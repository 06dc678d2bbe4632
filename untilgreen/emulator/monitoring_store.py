"""What was measured of revisions: one row a moment and revision, kept for a day.

Cloud Monitoring keeps six weeks; nobody needs yesterday's figures of a laptop.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.state import open_database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows(at INTEGER, since INTEGER, seen INTEGER, project TEXT, location TEXT, service TEXT,
    revision TEXT, container TEXT, figures TEXT);
CREATE INDEX IF NOT EXISTS rows_by_time ON rows(project, at);
"""
_KEPT_NS = 24 * 3600 * 10**9
_PRUNE_NS = 600 * 10**9


@dataclass(frozen=True, slots=True)
class Answered:
    """Requests that were answered with one status: how many, and the distribution of their milliseconds."""

    number: int
    total_ms: float
    squares: float
    classes: dict[int, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of a revision over a span of time.

    Args:
        memory: shares of the limit, one for each sample.
        cpu: shares of the limit, one for each instance.
        active: instances at work; None when no instance was looked at.
        idle: instances without work.
        answered: requests that ended in that span, by status.
    """

    memory: tuple[float, ...] = ()
    cpu: tuple[float, ...] = ()
    active: int | None = None
    idle: int | None = None
    answered: dict[int, Answered] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one revision, from one moment to another, in nanoseconds since 1970."""

    at: int
    since: int
    service: ServiceName
    revision: str
    container: str
    figures: Figures


class MonitoringStore:
    """Keeps rows in a SQLite file of its own.

    Args:
        file: made if it is not there.

    Raises:
        StateBroken: it is no such file.
    """

    def __init__(self, file: Path) -> None:
        self._db = open_database(file, f"PRAGMA synchronous=OFF; PRAGMA cache_size=-1024; {_SCHEMA}")
        self._pruned = 0

    def add(self, rows: Iterable[tuple[Row, int]]) -> None:
        """Keep rows, each with the moment from which it can be seen."""
        values = [(row.at, row.since, seen, *_whose(row), _text(row.figures)) for row, seen in rows]
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO rows VALUES(?,?,?,?,?,?,?,?,?)", values)
        now = time.time_ns()
        if now - self._pruned > _PRUNE_NS:
            self._pruned = now
            self._db.execute("DELETE FROM rows WHERE at < ?", [now - _KEPT_NS])
        self._db.execute("COMMIT")

    def read(self, project: str, after: int, until: int, as_of: int) -> Iterator[Row]:
        """Give the rows of a project that end later than `after` and not later than `until`, oldest first.

        Args:
            project: its id.
            after: nanoseconds since 1970.
            until: likewise.
            as_of: what could not yet be seen at this moment is left out.
        """
        query = "SELECT * FROM rows WHERE project=? AND at>? AND at<=? AND seen<=? ORDER BY at"
        for at, since, _, owner, location, service, revision, container, text in self._db.execute(
            query, [project, after, until, as_of]
        ):
            yield Row(at, since, ServiceName(owner, location, service), revision, container, _figures(text))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def _whose(row: Row) -> tuple[str, str, str, str, str]:
    name = row.service
    return name.project, name.location, name.service, row.revision, row.container


def _text(figures: Figures) -> str:
    shares = [[round(share, 4) for share in shares] for shares in (figures.memory, figures.cpu)]
    answered = {
        status: [a.number, round(a.total_ms, 3), round(a.squares, 3), a.classes]
        for status, a in (figures.answered or {}).items()
    }
    return json.dumps([*shares, figures.active, figures.idle, answered], separators=(",", ":"))


def _figures(text: str) -> Figures:
    memory, cpu, active, idle, answered = json.loads(text)
    return Figures(
        tuple(memory), tuple(cpu), active, idle, {int(status): _answered(a) for status, a in answered.items()}
    )


def _answered(kept: list[Any]) -> Answered:
    number, total, squares, classes = kept
    return Answered(number, total, squares, {int(place): count for place, count in classes.items()})
