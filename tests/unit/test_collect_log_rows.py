"""Rows of Cloud Logging become our documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud.audit import audit_log_pb2
from google.cloud.logging_v2.types import LogEntry
from hypothesis import example, given
from hypothesis import strategies as st

from untilgreen.adapters.cloud_logging_documents import Translation, as_entry, as_request, is_request, trace_id
from untilgreen.collect.payload import json_message, json_messages
from untilgreen.model.evidence import Stream
from untilgreen.redaction import Redactor

TRACE = "0123456789abcdef0123456789abcdef"


def row(log: str = "run.googleapis.com%2Fstdout", **fields: Any) -> Any:
    """Return a row of the backend's first revision."""
    entry = LogEntry(log_name=f"projects/p/logs/{log}", insert_id="1", timestamp="2025-01-01T00:00:00.5Z")
    entry.resource.type = "cloud_run_revision"
    entry.resource.labels.update({"service_name": "backend", "revision_name": "backend-1"})
    for name, value in fields.items():
        setattr(entry, name, value)
    return LogEntry.pb(entry)


def said(entry: Any) -> str:
    """Return what the log says that this row said."""
    return as_entry(entry, Redactor()).message


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"message": "paid", "order": 3}, 'paid {"order": 3}'),
        ({"msg": "paid"}, "paid"),
        ({"order": 3, "price": 1.5}, '{"order": 3, "price": 1.5}'),
        ({"message": {"nested": True}}, '{"message": {"nested": true}}'),
        ({"event": "paid", "who": "é"}, 'paid {"who": "é"}'),
        ({"message": "boom", "exc_info": "Traceback\nX: y", "a": 1}, 'boom {"a": 1}\nTraceback\nX: y'),
    ],
)
def test_json_payloads_become_text(payload: dict[str, Any], text: str) -> None:
    """A JSON payload gives its message, then the rest; an exception's text stays quotable line by line."""
    assert said(row(json_payload=payload)) == text


def test_plain_text_stays_as_it_is() -> None:
    """A text payload is not touched."""
    assert said(row(text_payload="  {not json} ")) == "  {not json} "


def test_audit_logs_say_what_was_refused() -> None:
    """An audit log's text is its method, resource and status."""
    audit = audit_log_pb2.AuditLog(method_name="UpdateService", resource_name="backend", status={"message": "denied"})
    entry = row(log="cloudaudit.googleapis.com%2Factivity")
    entry.proto_payload.Pack(audit)
    assert said(entry) == "UpdateService backend denied"


def test_unknown_protos_give_their_type() -> None:
    """A payload that nobody can read still says what it is."""
    entry = row()
    entry.proto_payload.type_url = "type.googleapis.com/google.Something"
    assert said(entry) == "type.googleapis.com/google.Something"


PAYLOADS = st.dictionaries(
    st.sampled_from(["message", "msg", "stack", "exc_info", "a", "b"]),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.floats(), st.text(), st.sampled_from(["a\nb", '}, "\0", {', "\0"])),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
        max_leaves=5,
    ),
)


@given(st.lists(PAYLOADS))
@example([{"a": [{}, "\0", {}]}, {}, {"a": [{}, "\0", {"message": "x"}]}])
def test_payloads_together_are_payloads_one_by_one(payloads: list[dict[str, Any]]) -> None:
    """A page of payloads gives the texts that each gives alone, whatever stands in them."""
    alone = [json_message(payload) for payload in payloads]
    assert json_messages([dict(payload) for payload in payloads]) == alone
    for payload, text in zip(payloads, alone, strict=True):
        rest = {name: value for name, value in payload.items() if not isinstance(value, str)}
        assert all(json.dumps(value, sort_keys=True, ensure_ascii=False) in text for value in rest.values())


def test_what_makes_a_row_the_same() -> None:
    """A row that came before is left out, on a later page too; one of another log or moment with its id is kept."""
    rows = [
        row(text_payload="a"),
        row(text_payload="b", log_name="projects/p/logs/other"),
        row(text_payload="c", timestamp=datetime(2025, 1, 1, tzinfo=UTC)),
    ]
    translation = Translation(Redactor())
    for page in ([rows[0], rows[0]], rows, [*reversed(rows)]):
        translation.take(page)
    assert [entry.message for entry in translation.entries] == ["a", "b", "c"]
    assert len(translation.sources) == len(translation.entries)


def test_sorts_of_rows_on_one_page() -> None:
    """On a page that holds every sort of row each keeps what it says, in its order."""
    audit = row(insert_id="3")
    audit.proto_payload.Pack(audit_log_pb2.AuditLog(method_name="Delete"))
    texts = [row(insert_id="1", text_payload="t"), row(insert_id="2", json_payload={"a": 1}), audit, row(insert_id="4")]
    asked = row(log="run.googleapis.com%2Frequests", insert_id="5", http_request={"request_url": "/x"})
    translation = Translation(Redactor())
    translation.take([texts[0], asked, *texts[1:]])
    assert [entry.message for entry in translation.entries] == ["t", '{"a": 1}', "Delete", ""]
    assert [request.path for request in translation.requests] == ["/x"]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://h:1/a/b?x=/y", "/a/b"),
        ("https://h?x=/y", ""),
        ("https://h", ""),
        ("/a#b?c", "/a"),
        ("/a?next=https://b/c", "/a"),
        ("", ""),
    ],
)
def test_paths_of_urls(url: str, path: str) -> None:
    """A request's path is what stands between the host and the query; a host alone has none."""
    asked = row(log="run.googleapis.com%2Frequests", http_request={"request_url": url})
    assert as_request(asked, Redactor()).path == path


@pytest.mark.parametrize(
    ("log", "stream"),
    [
        ("run.googleapis.com%2Fstderr", Stream.STDERR),
        ("run.googleapis.com%2Fvarlog%2Fsystem", Stream.SYSTEM),
        ("my-own%2Fvarlog%2Fsystem", Stream.OTHER),
        ("system", Stream.OTHER),
    ],
)
def test_only_the_platforms_log_is_the_platforms(log: str, stream: Stream) -> None:
    """An application cannot pass for the platform by the name of its own log."""
    assert as_entry(row(log=log, text_payload="Container called exit(3)."), Redactor()).stream is stream


def test_request_rows() -> None:
    """A row of the request log keeps method, path, status, latency, revision and trace."""
    http = {
        "request_method": "GET",
        "request_url": "http://h:1/a/b?token=x",
        "status": 101,
        "latency": timedelta(seconds=0.25),
    }
    entry = row(log="run.googleapis.com%2Frequests", http_request=http, trace=f"projects/p/traces/{TRACE}")
    request = as_request(entry, Redactor())
    assert is_request(entry)
    assert (request.method, request.path, request.status, request.latency_s) == ("GET", "/a/b", 101, 0.25)
    assert (request.revision, request.trace) == ("backend-1", TRACE)
    assert request.at
    assert request.at.microsecond == 500_000


def test_forged_request_rows() -> None:
    """What an application logs with an httpRequest is an entry, not a row of the request log."""
    assert not is_request(row(http_request={"status": 200}, text_payload="x"))


@pytest.mark.parametrize("trace", [TRACE, TRACE.upper(), f"projects/p/traces/{TRACE}"])
def test_traces_come_bare_or_as_names(trace: str) -> None:
    """A trace is its 32 hex digits, however it is written."""
    assert trace_id(trace) == TRACE


@pytest.mark.parametrize("trace", ["", "projects/p/traces/", "abc", f"{TRACE}0", "projects/p/traces/x" + TRACE])
def test_what_is_no_trace(trace: str) -> None:
    """Anything else is no trace."""
    assert trace_id(trace) == ""
