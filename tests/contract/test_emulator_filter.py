"""The Logging query language: what it means, and that the index and the plain test of an entry agree about it."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from untilgreen.emulator.logs_filter import And, Compare, Expression, FilterError, Not, Or, Text, parse
from untilgreen.emulator.logs_lines import LONGEST, LineSplitter
from untilgreen.emulator.logs_match import time_ns
from untilgreen.emulator.logs_store import LogStore, Query, matcher
from untilgreen.emulator.protos import LogEntry

ENTRY = {
    "logName": "projects/p/logs/run.googleapis.com%2Fstdout",
    "resource": {"type": "cloud_run_revision", "labels": {"service_name": "backend", "revision_name": "backend-00001"}},
    "severity": "ERROR",
    "timestamp": "2026-03-04T05:06:07.890Z",
    "insertId": "i-1",
    "trace": "projects/p/traces/4bf92f35",
    "labels": {"instanceId": "00ab", "k8s.io/app": "shop", "count": "7"},
    "jsonPayload": {
        "message": "Session: NOT found",
        "n": 12.5,
        "ok": True,
        "none": None,
        "list": [1, {"deep": "two"}],
        "a b": {"c.d": "quoted"},
    },
    "httpRequest": {"status": 500, "latency": "1.500s", "requestUrl": "http://h/x?a=1", "requestSize": "100"},
}


def entry(**changes: Any) -> Any:
    return json_format.ParseDict({**ENTRY, **changes}, LogEntry())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("  -- only a comment", True),
        ('severity="ERROR"', True),
        ("severity=error", True),
        ("severity>=WARNING severity<CRITICAL", True),
        ("severity>ERROR", False),
        ("severity>=500", True),
        ('resource.type="CLOUD_RUN_REVISION"', True),
        ('resource.labels.service_name="backend"', True),
        ('resource.labels.service_name!="backend"', False),
        ('resource.labels.missing="x"', False),
        ('resource.labels.missing!="x"', False),
        ('NOT resource.labels.missing="x"', True),
        ('trace="projects/p/traces/4bf92f35"', True),
        ('trace=("a" OR "projects/p/traces/4bf92f35")', True),
        ('trace=("a" OR "b")', False),
        ('trace:("projects" AND "4bf9")', True),
        ('trace:("projects" AND NOT "4bf9")', False),
        ('spanId=""', True),
        ("operation.id:*", False),
        ("httpRequest:*", True),
        ("jsonPayload.n:*", True),
        ("jsonPayload.missing:*", False),
        ("labels.count:*", True),
        ('labels."k8s.io/app"="shop"', True),
        ("labels.count=7", True),
        ('jsonPayload."a b"."c.d"="quoted"', True),
        ("jsonPayload.n=12.5", True),
        ("jsonPayload.n>12 jsonPayload.n<=12.5", True),
        ("jsonPayload.n>=-3", True),
        ('jsonPayload.n="twelve"', False),
        ("jsonPayload.ok=true", True),
        ("jsonPayload.list=1", True),
        ('jsonPayload.list.deep="two"', True),
        ('jsonPayload.message="session: not found"', True),
        ('jsonPayload.message:"not"', True),
        ('jsonPayload:"two"', True),
        ('jsonPayload.message=~"NOT\\\\s+found$"', True),
        ('jsonPayload.message=~"not"', False),
        ('jsonPayload.message!~"not"', True),
        ('jsonPayload.missing!~"not"', False),
        ('textPayload:"x"', False),
        ('textPayload!="x"', True),
        ("httpRequest.status>=500", True),
        ("httpRequest.status=(404 OR 500)", True),
        ('httpRequest.latency>"1s"', True),
        ("httpRequest.latency<1500ms", False),
        ("httpRequest.requestSize=100", True),
        ('http_request.request_url:"a=1"', True),
        ('timestamp>="2026-03-04" timestamp<"2026-03-05"', True),
        ('timestamp="2026-03-04T05:06:07.89Z"', True),
        ("timestamp>2026-03-04T05:06:07Z", True),
        ('timestamp<"2026-03-04T07:06:08+02:00"', True),
        ('timestamp<"9999-12-31T00:00:00Z"', True),
        ('log_id("run.googleapis.com/stdout")', True),
        ('log_id("run.googleapis.com/stderr")', False),
        ('logName:"stdout"', True),
        ('"session"', True),
        ("session", True),
        ('SEARCH("found")', True),
        ('"nowhere"', False),
        ('-"nowhere"', True),
        ("NOT NOT session", True),
        ("nowhere OR session AND found", True),
        ("session AND (nowhere OR found)", True),
        ("nowhere OR NOT session AND NOT nowhere OR found", False),
        ("a OR session\nfound -- and a comment\n-nowhere", True),
        ('"5"', True),
        ("protoPayload.x=1", False),
    ],
)
def test_meaning(text: str, expected: bool) -> None:
    """A filter means what Google's documentation says, for the index as for the plain test."""
    assert matcher(text)(entry()) is expected
    assert bool(asyncio.run(read([entry()], text))) is expected


@pytest.mark.parametrize(
    "text",
    [
        *("(", ")", "a OR", "AND", "a=", "=a", 'a="b', "a=(b", "NOT", "a = (b c", "a,b", "f(x"),
        *("severity=", "severity>=NOISE", 'x="1"', 'textPayload.x="1"', "httpRequest.status=x"),
        *('timestamp>"yesterday"', 'timestamp>"2026-13-01"', 'httpRequest.latency>"long"', "trace=~'['"),
    ],
)
def test_nonsense_is_refused(text: str) -> None:
    """What is no sentence of the language is an error, never an empty answer."""
    with pytest.raises(FilterError):
        matcher(text)


def test_error_names_the_place() -> None:
    """A syntax error names line, column and token."""
    with pytest.raises(FilterError, match="line 2, column 4, token '\\)'"):
        parse("a\nb=1)")


def test_long_or_of_traces_is_one_comparison_each() -> None:
    """A list of 250 traces is understood, and fits Cloud Logging's limit."""
    text = "trace=(" + " OR ".join(f'"projects/p/traces/{number:032x}"' for number in range(250)) + ")"
    tree = parse(text)
    assert isinstance(tree, Or)
    assert len(tree.parts) == 250


async def read(entries: list[Any], text: str, size: int = 1000) -> list[str]:
    """Return the insert ids that a store finds, in pages of a size."""
    store = LogStore(Path(":memory:"))
    store.add(*entries)
    found, token, first = [], "", True
    while first or token:
        first = False
        page, token = await store.read(Query(("p",), text, descending=False, size=size, token=token))
        found += [LogEntry.FromString(data).insert_id for data in page]
    store.close()
    return found


values = st.sampled_from(["a", "B", "backend", "x y", 'qu"ote', "back\\slash", "500", "true", "ü", "", "2026"])
paths = st.sampled_from(
    [("jsonPayload", "m"), ("labels", "k.x"), ("resource", "labels", "service_name"), ("textPayload",), ("trace",)]
)
compares = st.builds(Compare, paths, st.sampled_from(["=", "!=", ":", "<", ">="]), values)
severities = st.builds(
    Compare, st.just(("severity",)), st.sampled_from(["=", "!=", "<", ">="]), st.sampled_from(["INFO", "ERROR", "200"])
)
leaves: st.SearchStrategy[Expression] = compares | severities | st.builds(Text, values.filter(bool))


def both(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    parts = st.lists(children, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, children) | st.builds(And, parts) | st.builds(Or, parts)


trees = st.recursive(leaves, both, max_leaves=6)
entries = st.builds(
    lambda number, text, message, label, service, severity: entry(
        insertId=f"{number:03d}",
        textPayload=text,
        jsonPayload=None,
        labels={"k.x": label} if label else {},
        resource={"type": "t", "labels": {"service_name": service}},
        severity=severity,
        trace=message,
    ),
    st.integers(0, 999),
    values,
    values,
    values,
    values,
    st.sampled_from([200, 500]),
)


def written(tree: Expression) -> str:
    """Return a tree as a filter, every part in parentheses."""
    match tree:
        case And(parts):
            return "(" + " AND ".join(written(part) for part in parts) + ")"
        case Or(parts):
            return "(" + " OR ".join(written(part) for part in parts) + ")"
        case Not(part):
            return f"NOT {written(part)}"
        case Text(text):
            return quoted(text)
        case Compare(path, operator, value):
            field = ".".join(segment if "." not in segment else quoted(segment) for segment in path)
            return f"{field}{operator}{quoted(value)}"
    raise AssertionError(tree)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(trees)
@settings(max_examples=200, deadline=None)
def test_parsing_undoes_writing(tree: Expression) -> None:
    """Every tree can be written as a filter and is read back as the same tree."""
    assert flat(parse(written(tree))) == flat(tree)


def flat(tree: Expression | None) -> Any:
    """Nested parentheses of one kind mean the same as one."""
    match tree:
        case And(parts) | Or(parts):
            return (type(tree).__name__, tuple(flat(part) for part in parts))
        case Not(part):
            return ("Not", flat(part))
        case _:
            return tree


@given(st.lists(entries, min_size=1, max_size=8), trees, st.integers(1, 4))
@settings(max_examples=150, deadline=None)
def test_store_finds_what_the_test_of_an_entry_says(kept: list[Any], tree: Expression, size: int) -> None:
    """The index never loses or adds an entry, whatever the filter and the size of a page."""
    text = written(tree)
    unique = list({item.insert_id: item for item in reversed(kept)}.values())
    expected = sorted(item.insert_id for item in unique if matcher(text)(item))
    assert asyncio.run(read(unique, text, size)) == expected


@given(st.binary(max_size=500), st.lists(st.integers(0, 500), max_size=6))
def test_lines_do_not_depend_on_how_bytes_arrive(data: bytes, cuts: list[int]) -> None:
    """However a stream is cut into reads, its lines are the same."""
    whole, cut = LineSplitter(), LineSplitter()
    edges = [0, *sorted(min(c, len(data)) for c in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges) if a < b]
    expected = (whole.feed(data) if data else []) + whole.feed(b"")
    assert [line for piece in pieces for line in cut.feed(piece)] + cut.feed(b"") == expected


def test_endless_line_is_cut_into_entries() -> None:
    """A line without an end does not grow in memory: it becomes entries of a bounded size."""
    lines = LineSplitter()
    pieces = [piece for _ in range(10) for piece in lines.feed(b"y" * LONGEST)] + lines.feed(b"")
    assert "".join(pieces) == "y" * LONGEST * 10
    assert max(map(len, pieces)) <= LONGEST


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01", 0),
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T01:00:00.000000001+01:00", 1),
        ("2026-03-04T05:06:07.123456789Z", 1_772_600_767_123_456_789),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
    ],
)
def test_times(text: str, nanoseconds: int) -> None:
    """A time is read to the nanosecond."""
    assert time_ns(text) == nanoseconds
