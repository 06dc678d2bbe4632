"""A cycle's evidence, opened.

On disk a bundle is a folder: `manifest.json`, `items.jsonl` for the small documents, and one Parquet file for each
sort of bulk row (log entries, request rows). In memory it answers three questions: what is there, what is it called,
and was everything looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

import duckdb
from pydantic import TypeAdapter

from untilgreen.model.evidence import Coverage, Entry, Evidence, Item, Manifest, Request, kind_of

Kind = TypeVar("Kind", bound=Item)

_BULK: tuple[type[Item], ...] = (Entry, Request)
_EVIDENCE: TypeAdapter[Item] = TypeAdapter(Evidence)


class Bundle:
    """Evidence of one cycle.

    Args:
        manifest: which cycle, which revisions, and how completely it was collected.
        items: the evidence; equal items are kept once.
    """

    def __init__(self, manifest: Manifest, items: Iterable[Item]) -> None:
        self.manifest = manifest
        self._by_kind: dict[type[Item], list[Item]] = defaultdict(list)
        for item in sorted({item.id: item for item in items}.values(), key=_moment):
            self._by_kind[type(item)].append(item)

    def find(self, kind: type[Kind], *, service: str = "", trace: str = "", revision: str = "") -> list[Kind]:
        """Return the items of one kind, in time order, that have these properties; an empty one means any."""
        found = self._by_trace[kind, trace] if trace else self._by_kind[kind]
        return [
            cast("Kind", item)
            for item in found
            if (not service or getattr(item, "service", "") == service)
            and (not revision or getattr(item, "revision", "") == revision)
        ]

    def get(self, identity: str) -> Item | None:
        """Return the item of this id, or None: an invented id names nothing."""
        return self._by_id.get(identity)

    def covers(self, kind: type[Item], subject: str) -> Coverage | None:
        """Return the complete coverage of a kind for a subject, or None when its absence proves nothing."""
        for coverage in self.manifest.coverage:
            if coverage.complete and coverage.kind == kind_of(kind) and coverage.subject in (subject, "*"):
                return coverage
        return None

    def items(self) -> Iterable[Item]:
        """Go through all items, kind by kind."""
        return (item for items in self._by_kind.values() for item in items)

    @cached_property
    def _by_trace(self) -> dict[tuple[type[Item], str], list[Item]]:
        index: dict[tuple[type[Item], str], list[Item]] = defaultdict(list)
        for kind, items in self._by_kind.items():
            for item in items:
                if trace := getattr(item, "trace", ""):
                    index[kind, trace].append(item)
        return index

    @cached_property
    def _by_id(self) -> dict[str, Item]:
        return {item.id: item for items in self._by_kind.values() for item in items}

    def save(self, folder: Path) -> None:
        """Write the bundle into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        small = (item for kind, items in self._by_kind.items() if kind not in _BULK for item in items)
        _write_lines(folder / "items.jsonl", small)
        for kind in _BULK:
            _write_parquet(folder / f"{kind_of(kind)}.parquet", self._by_kind.get(kind, []))
        (folder / "manifest.json").write_text(self.manifest.model_dump_json(indent=1), "utf-8")


def load(folder: Path) -> Bundle:
    """Read a bundle from its folder.

    Raises:
        FileNotFoundError: the folder holds no bundle.
    """
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_text("utf-8"))
    # JSON may hold U+2028 and its like as they are: only a line feed ends a document, so no splitlines().
    lines = (folder / "items.jsonl").read_bytes().split(b"\n")
    items = [_EVIDENCE.validate_json(line) for line in lines if line]
    for kind in _BULK:
        items += _read_parquet(folder / f"{kind_of(kind)}.parquet", kind)
    return Bundle(manifest, items)


def _moment(item: Item) -> float:
    """Return what items are sorted by; things without a time come first, in the order they were given."""
    return item.at.timestamp() if item.at else 0.0


def _write_lines(file: Path, items: Iterable[Item]) -> None:
    with file.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(item.model_dump_json() + "\n" for item in items)


def _write_parquet(file: Path, items: list[Item]) -> None:
    """Go through JSON lines: DuckDB loads a million of them in half a second; row by row would take minutes."""
    lines = file.with_suffix(".jsonl")
    _write_lines(lines, items)
    with duckdb.connect() as db:
        source = "read_json_objects(?, format='newline_delimited', maximum_object_size=67108864)"
        query = f"""COPY (SELECT json->>'service' AS service, json->>'trace' AS trace, json->>'at' AS at,
                    json::VARCHAR AS document FROM {source}) TO '{str(file).replace("'", "''")}' (FORMAT parquet)"""  # noqa: S608 - COPY takes no parameter for its file; quotes are doubled
        if items:
            db.execute(query, [str(lines)])
        else:
            file.unlink(missing_ok=True)
    lines.unlink()


def _read_parquet(file: Path, kind: type[Item]) -> list[Item]:
    if not file.exists():
        return []
    with duckdb.connect() as db:
        rows = db.execute("SELECT document FROM read_parquet(?)", [str(file)]).fetchall()
    return [kind.model_validate_json(row[0]) for row in rows]
