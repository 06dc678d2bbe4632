"""Bulk evidence, such as a million log entries, in Parquet files: only what is asked for becomes objects.

One column a field, and the id: whoever wants to look at the rows without us can do so with any tool that reads Parquet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

import duckdb
from pydantic import ValidationError

from untilgreen.errors import EvidenceIncomplete
from untilgreen.model.document import content_id
from untilgreen.model.evidence import Entry, Item, Raised, Request, Stream, kind_of

Kind = TypeVar("Kind", bound=Item)

BULK: tuple[type[Item], ...] = (Entry, Request)
"""What there may be a million of."""

_TYPES = {"status": "INTEGER", "latency_s": "DOUBLE", "raised": "JSON", "at": "TIMESTAMPTZ"}
_CHUNK = 10_000
_TOGETHER = 100_000
"""Rows that are made objects at once because some of them will be asked for; they take 150 MB."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which rows are wanted. What is empty or None means any.

    Args:
        service: whose.
        trace: on which trace.
        revision: of which revision.
        stream: from which log; entries only.
        raised: whether they tell of an exception; entries only.
        traced: whether they are on a trace at all.
        containing: words in the message, whatever their case; entries only.
    """

    service: str = ""
    trace: str = ""
    revision: str = ""
    stream: Stream | None = None
    raised: bool | None = None
    traced: bool | None = None
    containing: str = ""

    def fits(self, item: Any) -> bool:
        """Tell whether an item has these properties."""
        return (
            (not self.service or getattr(item, "service", "") == self.service)
            and (not self.trace or getattr(item, "trace", "") == self.trace)
            and (not self.revision or getattr(item, "revision", "") == self.revision)
            and (self.stream is None or getattr(item, "stream", None) == self.stream)
            and (self.raised is None or (getattr(item, "raised", None) is not None) == self.raised)
            and (self.traced is None or bool(getattr(item, "trace", "")) == self.traced)
            and (not self.containing or self.containing.lower() in getattr(item, "message", "").lower())
        )

    def sql(self) -> tuple[str, list[object]]:
        """Return the same as a condition with its parameters."""
        equal = {"service": self.service, "trace": self.trace, "revision": self.revision, "stream": self.stream}
        terms = [f"{name} = ?" for name, value in equal.items() if value]
        terms += [] if self.raised is None else [f"raised IS {'NOT' if self.raised else ''} NULL"]
        terms += [] if self.traced is None else [f"trace {'<>' if self.traced else '='} ''"]
        given: list[object] = [str(value) for value in equal.values() if value]
        if self.containing:
            terms, given = [*terms, "contains(lower(message), lower(?))"], [*given, self.containing]
        return " AND ".join(terms) or "true", given


class Rows(Generic[Kind]):
    """One kind of bulk evidence on disk.

    Args:
        file: Parquet, as `write` makes it.
        kind: what a row is.
        hot: traces whose rows will be asked for one by one: they are read together, once.
        told: traces whose exceptions will be asked for one by one; likewise.
    """

    def __init__(self, file: Path, kind: type[Kind], hot: Iterable[str] = (), told: Iterable[str] = ()) -> None:
        self._file = file
        self._kind = kind
        self._hot = frozenset(hot)
        self._told = frozenset(told)
        self._raised: dict[str, Raised] = {}

    def find(self, where: Where) -> list[Kind]:
        """Return the wanted rows in the order of time."""
        if where.trace in self._told and where.raised:
            return [item for item in self._errors.get(where.trace, ()) if where.fits(item)]
        if where.trace in self._hot and self._few:
            return [item for item in self._by_trace.get(where.trace, ()) if where.fits(item)]
        return self._read(*where.sql())

    def select(self, columns: tuple[str, ...], where: Where) -> list[tuple[Any, ...]]:
        """Return distinct values of some columns with how often each occurs, in an order that is always the same."""
        named = _quoted(columns)
        condition, given = where.sql()
        query = f"SELECT {named}, count(*) FROM {self.source} WHERE {condition} GROUP BY ALL ORDER BY ALL"  # noqa: S608 - names of fields of our own models
        return self.ask(query, given).fetchall()

    def get(self, identity: str) -> Kind | None:
        """Return the row of this id, or None. An id that a file only pretends to have is none."""
        return next((item for item in self._read("id = ?", [identity]) if item.id == identity), None)

    def __iter__(self) -> Iterator[Kind]:
        named = _quoted(self._fields)
        answer = self.ask(f"SELECT {named} FROM {self.source}", [])  # noqa: S608 - as above
        while rows := answer.fetchmany(_CHUNK):
            yield from (self._item(row) for row in rows)

    def __len__(self) -> int:
        return int(self.ask(f"SELECT count(*) FROM {self.source}", []).fetchall()[0][0])  # noqa: S608 - as above

    @cached_property
    def _few(self) -> bool:
        """Tell whether there is room for all rows of the hot traces at once."""
        query = f"SELECT count(*) FROM {self.source} WHERE trace IN (SELECT unnest(?))"  # noqa: S608 - as above
        return int(self.ask(query, [sorted(self._hot)]).fetchall()[0][0]) <= _TOGETHER

    @cached_property
    def _by_trace(self) -> dict[str, list[Kind]]:
        return self._of_traces(self._hot, "true")

    @cached_property
    def _errors(self) -> dict[str, list[Kind]]:
        return self._of_traces(self._told, "raised IS NOT NULL")

    def _of_traces(self, traces: frozenset[str], condition: str) -> dict[str, list[Kind]]:
        found: dict[str, list[Kind]] = defaultdict(list)
        for item in self._read(f"trace IN (SELECT unnest(?)) AND {condition}", [sorted(traces)]):
            found[getattr(item, "trace", "")].append(item)
        return dict(found)

    def _read(self, condition: str, given: list[Any]) -> list[Kind]:
        named = _quoted(self._fields)
        query = f"SELECT {named} FROM {self.source} WHERE {condition} ORDER BY file_row_number"  # noqa: S608 - as above
        return [self._item(row) for row in self.ask(query, given).fetchall()]

    @cached_property
    def _fields(self) -> tuple[str, ...]:
        there = {row[0] for row in self.ask(f"DESCRIBE SELECT * FROM {self.source}", []).fetchall()}  # noqa: S608 - as above
        return tuple(name for name in fields_of(self._kind) if name in there)

    @cached_property
    def source(self) -> str:
        """Return what stands behind FROM to read these rows."""
        quoted = str(self._file).replace("'", "''")
        return f"read_parquet('{quoted}', file_row_number = true)"

    @cached_property
    def _db(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect()

    def ask(self, query: str, given: list[Any]) -> duckdb.DuckDBPyConnection:
        """Run a query.

        Raises:
            EvidenceIncomplete: the file cannot be read.
        """
        try:
            return self._db.execute(query, given)
        except duckdb.Error as error:
            raise EvidenceIncomplete(f"{self._file}: these rows cannot be read: {error}") from None

    def _item(self, row: tuple[Any, ...]) -> Kind:
        # A field that came later is NULL in older rows, or no column at all: its default holds.
        values = {name: value for name, value in zip(self._fields, row, strict=True) if value is not None}
        if isinstance(values.get("at"), datetime):
            values["at"] = values["at"].replace(tzinfo=UTC)
        if values.get("raised"):
            values["raised"] = self._shared(values["raised"])
        try:
            return self._kind.model_validate(values)
        except ValidationError as error:
            trouble = f"{self._file}: a row is no {kind_of(self._kind)} ({error.error_count()} problems)"
            raise EvidenceIncomplete(trouble) from None

    def _shared(self, text: str) -> Raised:
        """Return the exception of a JSON text: a hundred thousand repeats of one traceback are one object."""
        if text not in self._raised:
            self._raised[text] = Raised.model_validate_json(text)
        return self._raised[text]


def _quoted(names: Iterable[str]) -> str:
    """Return names as SQL takes them: `at` is a word of the language."""
    return ", ".join(f'"{name}"' for name in names)


@cache
def fields_of(kind: type[Item]) -> tuple[str, ...]:
    """Return the columns of a kind: its fields without the one that names the kind."""
    return tuple(name for name in kind.model_fields if name != "kind")


@cache
def _values_of(kind: type[Item]) -> attrgetter[tuple[Hashable, ...]]:
    return attrgetter(*fields_of(kind))


def same(item: Item) -> Hashable:
    """Return what equal items have in common. Of bulk rows no id is made: it would cost more than all the rest."""
    kind = type(item)
    return (kind, _values_of(kind)(item)) if kind in BULK else item.id


def write(file: Path, items: Iterable[Item], kind: type[Item]) -> None:
    """Write rows, in their order. Without any there is no file.

    They go through JSON lines: DuckDB loads a million of those in half a second; row by row would take minutes.
    """
    lines = file.with_suffix(".jsonl")
    with lines.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(_lines(items, kind_of(kind)))
    try:
        convert(lines, file, kind)
    finally:
        lines.unlink()


def convert(lines: Path, file: Path, kind: type[Item]) -> None:
    """Make a Parquet file of JSON lines that hold the fields of a kind and `id`; none of no lines."""
    if not lines.stat().st_size:
        file.unlink(missing_ok=True)
        return
    names = ("id", *fields_of(kind))
    columns = ", ".join(f"'{name}': '{_TYPES.get(name, 'VARCHAR')}'" for name in names)
    chosen = ", ".join('"at" AT TIME ZONE \'UTC\' AS "at"' if name == "at" else name for name in names)
    source = f"read_json(?, format = 'newline_delimited', columns = {{{columns}}}, maximum_object_size = 67108864)"
    quoted = str(file).replace("'", "''")
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute(f"COPY (SELECT {chosen} FROM {source}) TO '{quoted}' (FORMAT parquet)", [str(lines)])  # noqa: S608 - COPY takes no parameter for its file; quotes are doubled


def _lines(items: Iterable[Item], prefix: str) -> Iterator[str]:
    for item in items:
        text = item.model_dump_json()
        yield f'{{"id":"{content_id(prefix, text)}",{text[1:]}\n'
