"""A cycle's evidence, opened.

On disk a bundle is a folder: `manifest.json`, `items.jsonl` for the small documents, and one Parquet file for each
sort of bulk row (log entries, request rows). Opened, it answers three questions: what is there, what is it called,
and was everything looked at. Bulk rows stay on disk until somebody asks for them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from untilgreen.collect.rows import BULK, Rows, Where, same, write
from untilgreen.errors import ConfigError, EvidenceIncomplete
from untilgreen.model.evidence import Case, Coverage, Evidence, Item, Manifest, Stream, kind_of

Kind = TypeVar("Kind", bound=Item)

_EVIDENCE: TypeAdapter[Item] = TypeAdapter(Evidence)


class Bundle:
    """Evidence of one cycle.

    Args:
        manifest: which cycle, which revisions, and how completely it was collected.
        items: the evidence; equal items are kept once.
        rows: bulk rows that lie on disk, by kind.
    """

    def __init__(
        self, manifest: Manifest, items: Iterable[Item], rows: dict[type[Item], Rows[Any]] | None = None
    ) -> None:
        self.manifest = manifest
        self._rows = rows or {}
        self._by_kind: dict[type[Item], list[Item]] = defaultdict(list)
        for item in sorted({same(item): item for item in items}.values(), key=_moment):
            self._by_kind[type(item)].append(item)

    @classmethod
    def counted(cls, manifest: Manifest, items: Iterable[Item]) -> Bundle:
        """Return a bundle of items whose manifest says how many different ones of each kind there are."""
        bundle = cls(manifest, items)
        counts = {kind_of(kind): len(found) for kind, found in bundle._by_kind.items()}
        bundle.manifest = manifest.model_copy(update={"counts": dict(sorted(counts.items()))})
        return bundle

    def find(
        self,
        kind: type[Kind],
        *,
        service: str = "",
        trace: str = "",
        revision: str = "",
        stream: Stream | None = None,
        raised: bool | None = None,
        traced: bool | None = None,
        containing: str = "",
    ) -> list[Kind]:
        """Return the items of one kind, in time order, that have these properties; an empty one means any.

        Args:
            kind: which sort of evidence.
            service: whose.
            trace: on which trace.
            revision: of which revision.
            stream: from which log; entries only.
            raised: whether they tell of an exception; entries only.
            traced: whether they are on a trace at all.
            containing: words in the message, whatever their case; entries only.
        """
        where = Where(service, trace, revision, stream, raised, traced, containing)
        if kind in self._rows:
            return cast("list[Kind]", self._rows[kind].find(where))
        found = self._by_trace[kind, trace] if trace else self._by_kind[kind]
        return [cast("Kind", item) for item in found if where.fits(item)]

    def tally(
        self, kind: type[Item], *columns: str, service: str = "", traced: bool | None = None
    ) -> list[tuple[Any, ...]]:
        """Return the distinct values of some fields, each with how often it occurs; no object is made for any row."""
        where = Where(service=service, traced=traced)
        if kind in self._rows:
            return self._rows[kind].select(columns, where)
        fitting = (item for item in self._by_kind[kind] if where.fits(item))
        counts = Counter(tuple(getattr(item, column) for column in columns) for item in fitting)
        return sorted((*values, count) for values, count in counts.items())

    def rows(self, kind: type[Item]) -> Rows[Any] | None:
        """Return the rows of a kind that lie on disk, for who counts instead of reading; None when they do not."""
        return self._rows.get(kind)

    def get(self, identity: str) -> Item | None:
        """Return the item of this id, or None: an invented id names nothing."""
        kept = next((rows for kind, rows in self._rows.items() if identity.startswith(f"{kind_of(kind)}-")), None)
        return kept.get(identity) if kept else self._by_id.get(identity)

    def covers(self, kind: type[Item], subject: str) -> Coverage | None:
        """Return the complete coverage of a kind for a subject, or None when its absence proves nothing."""
        for coverage in self.manifest.coverage:
            if coverage.complete and coverage.kind == kind_of(kind) and coverage.subject in (subject, "*"):
                return coverage
        return None

    def items(self) -> Iterator[Item]:
        """Go through all items, kind by kind."""
        return chain(chain.from_iterable(self._by_kind.values()), *self._rows.values())

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
        small = (item for kind, items in self._by_kind.items() if kind not in BULK for item in items)
        with (folder / "items.jsonl").open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(item.model_dump_json() + "\n" for item in small)
        for kind in BULK:
            write(folder / f"{kind_of(kind)}.parquet", self._rows.get(kind) or self._by_kind.get(kind, []), kind)
        (folder / "manifest.json").write_text(self.manifest.model_dump_json(indent=1), "utf-8")


def put(folder: Path, items: Iterable[Item]) -> None:
    """Put a few more documents into the bundle in a folder; the manifest counts them. Bulk rows cannot be added.

    Raises:
        EvidenceIncomplete: a file of it is missing or damaged.
    """
    fresh = list(items)
    manifest = _manifest(folder / "manifest.json")
    counts = Counter(manifest.counts) + Counter(kind_of(type(item)) for item in fresh)
    text = "".join(item.model_dump_json() + "\n" for item in fresh)
    counted = manifest.model_copy(update={"counts": dict(sorted(counts.items()))})
    _replace(folder / "items.jsonl", (folder / "items.jsonl").read_bytes() + text.encode())
    _replace(folder / "manifest.json", counted.model_dump_json(indent=1).encode())


def _replace(file: Path, content: bytes) -> None:
    """Write a file so that a crash leaves the old one or the new one."""
    draft = file.with_name(f".{file.name}")
    draft.write_bytes(content)
    draft.replace(file)


def load(folder: Path) -> Bundle:
    """Open the bundle in a folder; its bulk rows stay there until they are asked for.

    Raises:
        ConfigError: the folder holds no bundle.
        EvidenceIncomplete: a file of it is missing or damaged.
    """
    if not (folder / "manifest.json").is_file():
        raise ConfigError(f"{folder}: there is no bundle. Name a cycle's `bundle` folder, or make one by `import`.")
    manifest = _manifest(folder / "manifest.json")
    items = list(_items(folder / "items.jsonl"))
    cases = [item for item in items if isinstance(item, Case) and item.trace]
    hot = {case.trace for case in cases if case.outcome.bad}
    files = {kind: folder / f"{kind_of(kind)}.parquet" for kind in BULK}
    told = {case.trace for case in cases}
    rows = {kind: Rows(file, kind, hot, told) for kind, file in files.items() if file.exists()}
    return Bundle(manifest, items, rows)


def _manifest(file: Path) -> Manifest:
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise EvidenceIncomplete(f"{file}: it is no manifest ({error.error_count()} problems).") from None


def _items(file: Path) -> Iterator[Item]:
    if not file.is_file():
        raise EvidenceIncomplete(f"{file}: it is missing. Collect the evidence again, or take the folder whole.")
    # JSON may hold U+2028 and its like as they are: only a line feed ends a document, so no splitlines().
    for number, line in enumerate(file.read_bytes().split(b"\n"), start=1):
        try:
            yield from (_EVIDENCE.validate_json(text) for text in (line,) if text)
        except ValidationError as error:
            trouble = f"{file}:{number}: it is no evidence ({error.error_count()} problems). Collect it again."
            raise EvidenceIncomplete(trouble) from None


def _moment(item: Item) -> float:
    """Return what items are sorted by; things without a time come first, in the order they were given."""
    return item.at.timestamp() if item.at else 0.0
