"""The bundle, written and read back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from untilgreen.collect.bundle import Bundle, load
from untilgreen.errors import ConfigError, EvidenceIncomplete
from untilgreen.model.delivery import Template
from untilgreen.model.document import Window, trusted
from untilgreen.model.evidence import (
    Case,
    Coverage,
    Entry,
    Item,
    Manifest,
    Raised,
    Request,
    Revision,
    SourceFile,
    Stream,
)
from untilgreen.model.suite import Frame, Outcome
from untilgreen.testing import BEGINNING

WINDOW = Window(start=BEGINNING, end=BEGINNING)


def manifest(*coverage: Coverage) -> Manifest:
    """Return a table of contents."""
    return Manifest(
        loop="l", cycle=1, commit="c", window=WINDOW, revisions={}, coverage=coverage, counts={}, folder="bundle"
    )


def entry(second: int, message: str = "", trace: str = "") -> Entry:
    """Return a log entry."""
    return Entry(
        at=BEGINNING + timedelta(seconds=second),
        service="backend",
        revision="r",
        stream=Stream.STDOUT,
        severity="INFO",
        message=message,
        insert_id=str(second),
        log_name="n",
        trace=trace,
    )


@settings(max_examples=10, deadline=None)
@given(st.lists(st.text(), max_size=30), st.lists(st.text(), max_size=30))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, files: list[str], messages: list[str]) -> None:
    """Whatever stands in a file or a log line comes back as it was, and so do all ids."""
    folder = tmp_path_factory.mktemp("bundle")
    items = [
        *(SourceFile(commit="c", path="p", content=text) for text in files),
        *(entry(second, text) for second, text in enumerate(messages)),
    ]
    Bundle(manifest(), items).save(folder)
    assert {item.id for item in load(folder).items()} == {item.id for item in items}


def test_revisions_with_templates(tmp_path: Path) -> None:
    """A revision with its template can be kept, though a template holds dictionaries."""
    template = Template(service="backend", image="i", env={"A": "b"})
    revision = Revision(service="backend", name="r", ready=True, template=template)
    Bundle(manifest(), [revision, revision]).save(tmp_path)
    assert load(tmp_path).find(Revision) == [revision]


def test_items_come_in_time_order(tmp_path: Path) -> None:
    """Items of a kind come in time order, before and after they were saved."""
    bundle = Bundle(manifest(), [entry(3), entry(1), entry(2)])
    bundle.save(tmp_path)
    for opened in (bundle, load(tmp_path)):
        assert [item.insert_id for item in opened.find(Entry)] == ["1", "2", "3"]


def test_items_are_found_by_trace() -> None:
    """Items are found by service, trace and revision."""
    bundle = Bundle(manifest(), [entry(1, trace="t"), entry(2)])
    assert [item.insert_id for item in bundle.find(Entry, trace="t")] == ["1"]
    assert bundle.find(Entry, service="auth") == []


def test_only_complete_coverage_covers() -> None:
    """An incomplete record of a collection makes no absence citable."""
    complete = Coverage(kind="entry", subject="*", window=WINDOW, query="", rows=0, complete=True)
    partial = Coverage(kind="request", subject="*", window=WINDOW, query="", rows=9, complete=False, gap="quota")
    bundle = Bundle(manifest(complete, partial), [])
    assert bundle.covers(Entry, "backend") == complete
    assert bundle.covers(Request, "backend") is None


def test_invented_ids_name_nothing() -> None:
    """An id that nobody can recompute from an item does not exist."""
    kept = entry(1)
    bundle = Bundle(manifest(), [kept])
    assert bundle.get(kept.id) == kept
    assert bundle.get("entry-000000000000") is None


def request(number: int, **fields: object) -> Request:
    """Return a row of the request log."""
    values = {"service": "backend", "revision": "r", "method": "GET", "path": "/", "status": 200, "latency_s": 0.1}
    return Request.model_validate({"insert_id": str(number), **values, **fields})


def both(tmp_path: Path, *items: Item) -> list[Bundle]:
    """Return a bundle in memory, and the same from its folder."""
    bundle = Bundle(manifest(), items)
    bundle.save(tmp_path)
    return [bundle, load(tmp_path)]


def test_rows_are_found_alike_on_disk(tmp_path: Path) -> None:
    """Every question has the same answer in memory and on disk, for traces of failing tests and for others."""
    raised = Raised(exception="KeyError", message="'x'", frames=(Frame(path="a.py", line=1, function="f"),))
    items = [
        Case(nodeid="bad", outcome=Outcome.FAILED, trace="a"),
        Case(nodeid="good", outcome=Outcome.PASSED, trace="b"),
        entry(1, trace="a"),
        entry(2, trace="a").model_copy(update={"raised": raised}),
        entry(3, trace="b").model_copy(update={"raised": raised, "service": "auth"}),
        entry(4).model_copy(update={"stream": Stream.SYSTEM, "at": None}),
        entry(5, "it is Broken", trace="c"),
    ]
    asked = [
        {"trace": "a"},
        {"trace": "a", "raised": True},
        {"trace": "b", "raised": True},
        {"trace": "b"},
        {"trace": "c"},
        {"raised": False},
        {"traced": False},
        {"traced": True, "service": "auth"},
        {"stream": Stream.SYSTEM},
        {"service": "backend", "revision": "r"},
        {"containing": "BROKEN"},
        {"revision": "no"},
        {},
    ]  # fmt: skip - one question each
    memory, disk = both(tmp_path, *items)
    for question in asked:
        assert memory.find(Entry, **question) == disk.find(Entry, **question), question  # type: ignore[arg-type] - as they come
    assert memory.find(Request, trace="a") == disk.find(Request, trace="a") == []


def test_rows_keep_their_ids(tmp_path: Path) -> None:
    """Any row is found by its id on disk as well, and an id that the file only pretends to have is none."""
    memory, disk = both(tmp_path, entry(1, "one"), request(2))
    for item in memory.items():
        assert disk.get(item.id) == item
    file = tmp_path / "entry.parquet"
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE t AS SELECT * REPLACE ('entry-0123456789ab' AS id) FROM '{file}'")  # noqa: S608 - a test's own file
        db.execute(f"COPY t TO '{file}' (FORMAT parquet)")
    assert load(tmp_path).get("entry-0123456789ab") is None


def test_tallies(tmp_path: Path) -> None:
    """Values are counted without making an object of any row, in one order."""
    rows = [request(1), request(2), request(3, status=500, trace="a")]
    for bundle in both(tmp_path, *rows):
        assert bundle.tally(Request, "path", "status") == [("/", 200, 2), ("/", 500, 1)]
        assert bundle.tally(Request, "trace", traced=True) == [("a", 1)]


def test_a_loaded_bundle_can_be_saved(tmp_path: Path) -> None:
    """A bundle that was read is written elsewhere as it was."""
    _, disk = both(tmp_path / "one", entry(1), request(2))
    disk.save(tmp_path / "two")
    assert [item.id for item in load(tmp_path / "two").items()] == [item.id for item in disk.items()]


@pytest.mark.parametrize("name", ["manifest.json", "items.jsonl", "entry.parquet"])
def test_a_damaged_bundle(tmp_path: Path, name: str) -> None:
    """A file of a bundle that cannot be read is an error that names it, never an empty answer."""
    both(tmp_path, entry(1), SourceFile(commit="c", path="p", content=""))
    (tmp_path / name).write_text('{"half": ')
    with pytest.raises(EvidenceIncomplete, match=name):
        load(tmp_path).find(Entry)


def test_no_bundle(tmp_path: Path) -> None:
    """A folder without a manifest holds no bundle, and a bundle without its items is not whole."""
    with pytest.raises(ConfigError, match="no bundle"):
        load(tmp_path)
    both(tmp_path, entry(1))
    (tmp_path / "items.jsonl").unlink()
    with pytest.raises(EvidenceIncomplete, match="missing"):
        load(tmp_path)


def test_trusted_documents_are_like_checked_ones() -> None:
    """A document that was made without checking is equal to the checked one, in every form that is written."""
    checked = entry(1, "text", "t")
    values = {name: getattr(checked, name) for name in Entry.model_fields}
    (made,) = trusted(Entry, [values])
    assert (made, made.id, made.model_dump_json()) == (checked, checked.id, checked.model_dump_json())
    assert made.model_copy(update={"message": "x"}).message == "x"
    with pytest.raises(ValidationError):
        made.message = "changed"  # type: ignore[misc]  # that it cannot be is the point


def test_rows_from_before_a_field_was_there(tmp_path: Path) -> None:
    """Rows that were written when a kind had fewer fields are read with the newer fields' defaults."""
    both(tmp_path, request(1, said="later"))
    file = tmp_path / "request.parquet"
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE t AS SELECT * EXCLUDE (said) FROM '{file}'")  # noqa: S608 - a test's own file
        db.execute(f"COPY t TO '{file}' (FORMAT parquet)")
    assert [row.said for row in load(tmp_path).find(Request)] == [""]
