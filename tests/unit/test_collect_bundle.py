"""The bundle, written and read back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from untilgreen.collect.bundle import Bundle, load
from untilgreen.model.delivery import Template
from untilgreen.model.document import Window
from untilgreen.model.evidence import Coverage, Entry, Manifest, Request, Revision, SourceFile, Stream
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
