"""Templates of log lines, in memory and through DuckDB."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_collect_bundle import entry, manifest
from untilgreen.collect.bundle import Bundle, load
from untilgreen.model.evidence import Case
from untilgreen.model.suite import Outcome
from untilgreen.triage.templates import LineTemplate, template_of, templates

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
LINES = st.one_of(
    st.integers(0, 10**6).map(lambda n: f"user {n} did /api/items/{n} in {n % 90} ms"),
    st.uuids().map(lambda u: f"job {u} is done"),
    st.sampled_from([200, 404, 503]).map(lambda s: f"GET /a/7 status {s}"),
    st.sampled_from([1006, 1011]).map(lambda s: f"closed with {s} (why)"),
    st.integers(0, 255).map(lambda n: f"mail to user{n}@example.com from 10.0.0.{n}:443 at 2026-03-04T09:00:07.{n}Z"),
    st.integers(0, 2**64).map(lambda n: f"cache {n:016x}0 of step_2 in part0.py"),
    st.just("no number at all"),
)


def both(folder: Path, lines: list[str], traces: tuple[str, ...] = ()) -> list[tuple[LineTemplate, ...]]:
    """Return the templates of a bundle in memory and of the same on disk."""
    cases = [
        Case(nodeid="bad", outcome=Outcome.FAILED, trace="b", at=START + timedelta(seconds=1)),
        Case(nodeid="good", outcome=Outcome.PASSED, trace="g"),
    ]
    rows = [entry(n, line, traces[n % len(traces)] if traces else "") for n, line in enumerate(lines)]
    bundle = Bundle(manifest(), [*cases, *rows])
    bundle.save(folder)
    return [templates(bundle), templates(load(folder))]


@settings(max_examples=40)
@given(st.lists(LINES, max_size=30))
def test_a_million_lines_are_grouped_as_one_is(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    """What DuckDB groups is what the masks group, line by line, and no line is lost."""
    memory, disk = both(tmp_path_factory.mktemp("b"), lines, ("b", "g", ""))
    assert memory == disk
    assert sum(template.entries for template in disk) == len(lines)


def test_codes_keep_lines_apart(tmp_path: Path) -> None:
    """Lines that differ by a status or a close code are two templates; by a number they are one."""
    for found in both(tmp_path, ["got 404 for 1", "got 503 for 2", "got 503 for 3", "sent 1006 ()", "sent 1011 ()"]):
        assert {template.text: template.entries for template in found} == {
            "got 503 for <n>": 2,
            "got 404 for <n>": 1,
            "sent 1006 ()": 1,
            "sent 1011 ()": 1,
        }


def test_tests_are_counted_once(tmp_path: Path) -> None:
    """A template counts in how many tests it occurs, failing and passing, however often it is logged."""
    for found in both(tmp_path, ["a 1", "a 2", "a 3", "a 4"], ("b", "b", "g", "")):
        assert [(t.entries, t.failing, t.passing) for t in found] == [(4, 1, 1)]


def test_the_first_line_names_it() -> None:
    """A dump or a traceback behind the first line does not make another template."""
    assert template_of("failed 3\nTraceback") == template_of("failed 4\nother") == "failed <n>"
