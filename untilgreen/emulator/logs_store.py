"""Where log entries are kept: SQLite, written in batches, read through the index where a filter allows it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from untilgreen.emulator.logs_filter import And, Call, Compare, Expression, Not, Or, parse
from untilgreen.emulator.logs_match import Predicate, log_id, needles, predicate, severity, time_ns
from untilgreen.emulator.protos import LogEntry, Message
from untilgreen.emulator.state import open_database

_FLUSH_S = 0.05
_BATCH = 200
"""Entries that are written at once: few enough that no request waits long for it."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries(
    ts INTEGER, iid TEXT COLLATE NOCASE, project TEXT, log TEXT COLLATE NOCASE, sev INTEGER,
    service TEXT COLLATE NOCASE, revision TEXT COLLATE NOCASE, trace TEXT COLLATE NOCASE, pb BLOB, seen INTEGER,
    UNIQUE(ts, iid, log) ON CONFLICT IGNORE);
CREATE INDEX IF NOT EXISTS by_trace ON entries(trace, ts);
"""
_COLUMNS = {
    ("timestamp",): "ts",
    ("severity",): "sev",
    ("logname",): "log",
    ("trace",): "trace",
    ("insertid",): "iid",
    ("resource", "labels", "service_name"): "service",
    ("resource", "labels", "revision_name"): "revision",
}
_SQL_OPERATORS = ("=", "<", "<=", ">", ">=")
_SCAN = 2_000
"""Rows that are looked at before others get their turn in the event loop."""


class Record(Protocol):
    """Something that becomes an entry when the batch is written, so that the moment it happens in stays short."""

    def entry(self) -> Message:
        """Return the log entry."""


@dataclass(frozen=True)
class Query:
    """Which entries are wanted.

    Args:
        projects: ids.
        filter: in the Logging query language.
        descending: newest first.
        size: how many at most.
        token: from the page before, or empty.
        token_life: seconds that a token may be old.
    """

    projects: tuple[str, ...]
    filter: str
    descending: bool
    size: int
    token: str
    token_life: float = 86_400


class BadToken(ValueError):
    """A page token does not belong to this query, or is too old."""


class LogStore:
    """Keeps log entries.

    Args:
        file: the database.
        delays: draws for so many entries the seconds that each stays unseen.
    """

    def __init__(self, file: Path, delays: Callable[[int], list[float]] = lambda count: [0.0] * count) -> None:
        # The log of an emulator need not survive a power cut.
        self._db = open_database(file, f"PRAGMA synchronous=OFF; PRAGMA cache_size=-8000; {_SCHEMA}")
        self._delays = delays
        self._pending: list[Record | Message] = []
        self._numbers = itertools.count()
        self._run = f"{time.time_ns():x}"
        self._listeners: list[Callable[[list[Message]], None]] = []
        self._flusher: asyncio.TimerHandle | None = None

    def add(self, *records: Record | Message) -> None:
        """Take entries; without a delay they are readable at once. They are on disk a moment later."""
        self._pending += records
        if len(self._pending) >= _BATCH:
            self.flush()
        elif self._flusher is None:
            self._flusher = asyncio.get_running_loop().call_later(_FLUSH_S, self.flush)

    def flush(self) -> None:
        """Write what was taken since the last time."""
        if self._flusher:
            self._flusher.cancel()
            self._flusher = None
        if not self._pending:
            return
        records, self._pending = self._pending, []
        entries = [self._complete(r.entry() if hasattr(r, "entry") else r) for r in records]
        now = time.time_ns()
        delays = self._delays(len(entries))
        rows = [(*_row(entry), now + int(delay * 1e9)) for entry, delay in zip(entries, delays, strict=True)]
        self._db.execute("BEGIN")
        self._db.executemany(f"INSERT INTO entries VALUES({','.join('?' * 10)})", rows)
        self._db.execute("COMMIT")
        self._tell_later(entries, delays)

    async def read(self, query: Query) -> tuple[list[bytes], str]:
        """Return serialized entries and the token of the next page, empty when there is none.

        Raises:
            FilterError: the filter is invalid.
            BadToken: the token is not one of this query.
        """
        self.flush()
        tree = parse(query.filter)
        where, arguments, test = _plan(tree)
        words = needles(tree) if tree else []
        sql, values = _select(query, where, arguments)
        found: list[bytes] = []
        last = (0, "", "")
        for number, (ts, iid, log, data) in enumerate(self._db.execute(sql, values), 1):
            if test is None or (_may_match(data, words) and test(LogEntry.FromString(data))):
                if len(found) == query.size:
                    return found, _token(query, last)
                found.append(data)
                last = (ts, iid, log)
            if number % _SCAN == 0:
                await asyncio.sleep(0)
        return found, ""

    def names(self, project: str) -> list[str]:
        """Return the names of a project's logs."""
        self.flush()
        rows = self._db.execute("SELECT DISTINCT log FROM entries WHERE project=? ORDER BY log", [project])
        return [name for (name,) in rows]

    def listen(self, listener: Callable[[list[Message]], None]) -> Callable[[], None]:
        """Hand each batch of new entries to a listener; the function that is returned ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell_later(self, entries: list[Message], delays: list[float]) -> None:
        """Hand entries to the listeners, each when it can be seen."""
        for delay in sorted(set(delays)) if self._listeners else ():
            due = [entry for entry, own in zip(entries, delays, strict=True) if own == delay]
            if delay:
                asyncio.get_running_loop().call_later(delay, self._tell, due)
            else:
                self._tell(due)

    def _tell(self, entries: list[Message]) -> None:
        for listener in self._listeners:
            listener(entries)

    def close(self) -> None:
        """Write everything and let go of the file."""
        self.flush()
        self._db.close()

    def _complete(self, entry: Message) -> Message:
        now = time.time_ns()
        if not entry.insert_id:
            entry.insert_id = f"{self._run}-{next(self._numbers):08x}"
        if not entry.HasField("timestamp"):
            entry.timestamp.FromNanoseconds(now)
        entry.receive_timestamp.FromNanoseconds(now)
        return entry


def matcher(text: str) -> Predicate:
    """Return the test that a filter is.

    Raises:
        FilterError: the filter is invalid.
    """
    tree = parse(text)
    return predicate(tree) if tree else lambda _: True


def _may_match(data: bytes, words: list[bytes]) -> bool:
    """Tell cheaply that a serialized entry cannot match: texts stand in it as they are."""
    lowered = data.lower() if words else b""
    return all(word in lowered for word in words)


def _row(entry: Message) -> tuple[Any, ...]:
    labels = entry.resource.labels
    return (
        entry.timestamp.ToNanoseconds(),
        entry.insert_id,
        project_of(entry.log_name),
        entry.log_name,
        entry.severity,
        labels.get("service_name", ""),
        labels.get("revision_name", ""),
        entry.trace,
        entry.SerializeToString(),
    )


def project_of(name: str) -> str:
    """Return the project of a resource name, or an empty text."""
    kind, _, rest = name.partition("/")
    return rest.partition("/")[0] if kind == "projects" else ""


def _select(query: Query, where: list[str], arguments: list[Any]) -> tuple[str, list[Any]]:
    wanted = [f"project IN ({','.join('?' * len(query.projects))})", "seen <= ?", *where]
    values = [*query.projects, time.time_ns(), *arguments]
    direction = "DESC" if query.descending else "ASC"
    if query.token:
        wanted.append(f"(ts, iid, log) {'<' if query.descending else '>'} (?, ?, ?)")
        values += _after(query)
    order = f"ts {direction}, iid {direction}, log {direction}"
    sql = f"SELECT ts, iid, log, pb FROM entries WHERE {' AND '.join(wanted)} ORDER BY {order}"  # noqa: S608 - only our own names; values are bound
    return sql, values


def _plan(tree: Expression | None) -> tuple[list[str], list[Any], Predicate | None]:
    """Split a filter into what SQL can decide exactly, and a test for the rest."""
    parts = tree.parts if isinstance(tree, And) else (tree,) if tree else ()
    known = [_sql(part) for part in parts]
    rest = tuple(part for part, sql in zip(parts, known, strict=True) if sql is None)
    where = [sql[0] for sql in known if sql]
    values = [value for sql in known if sql for value in sql[1]]
    return where, values, predicate(And(rest)) if rest else None


def _sql(tree: Expression) -> tuple[str, list[Any]] | None:
    match tree:
        case Compare(path, operator, value):
            return _sql_comparison(path, operator, value)
        case Call("log_id", (name,)):
            return "substr(log, -length(?)) = ?", [log_id(name), log_id(name)]
        case Not(part):
            inner = _sql(part)
            return (f"NOT ({inner[0]})", inner[1]) if inner else None
        case And(parts) | Or(parts):
            inner_parts = [sql for part in parts if (sql := _sql(part))]
            if len(inner_parts) < len(parts):
                return None
            word = " AND " if isinstance(tree, And) else " OR "
            return f"({word.join(sql for sql, _ in inner_parts)})", [v for _, values in inner_parts for v in values]
        case _:
            return None


def _sql_comparison(path: tuple[str, ...], operator: str, value: str) -> tuple[str, list[Any]] | None:
    column = _COLUMNS.get(tuple(segment.lower().replace("log_name", "logname") for segment in path))
    # A label that is missing matches nothing, not even "": SQL's empty text cannot tell that apart.
    if (
        not column
        or operator not in _SQL_OPERATORS
        or (column in ("service", "revision") and operator != "=")
        or not value
    ):
        return None
    converted = _in_range(time_ns(value)) if column == "ts" else severity(value) if column == "sev" else value
    return f"{column} {operator} ?", [converted]


def _in_range(nanoseconds: int) -> int:
    """Keep a time that is centuries away within what SQLite can hold."""
    return max(-(2**63), min(nanoseconds, 2**63 - 1))


def _token(query: Query, last: tuple[int, str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([_fingerprint(query), time.time(), *last]).encode()).decode()


def _after(query: Query) -> list[Any]:
    try:
        fingerprint, issued, *last = json.loads(base64.urlsafe_b64decode(query.token))
    except ValueError:
        fingerprint, issued, last = "", 0.0, []
    if fingerprint != _fingerprint(query):
        raise BadToken("page_token doesn't match arguments from the request")
    if time.time() - issued > query.token_life:
        raise BadToken("page_token has expired")
    return list(last)


def _fingerprint(query: Query) -> str:
    text = f"{sorted(query.projects)} {query.filter} {query.descending}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]
