"""Rows of Cloud Logging and our documents."""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import Any
from urllib.parse import urlsplit

from google.cloud.audit import audit_log_pb2
from google.logging.type import log_severity_pb2

from untilgreen.model.evidence import Entry, Request, Stream
from untilgreen.ports import Redaction

_STREAMS = {
    "run.googleapis.com%2Fstdout": Stream.STDOUT,
    "run.googleapis.com%2Fstderr": Stream.STDERR,
    "run.googleapis.com%2Fvarlog%2Fsystem": Stream.SYSTEM,
}
"""By the whole name: applications may write to logs of their own with any other name."""

_REQUESTS = "run.googleapis.com%2Frequests"
_MESSAGES = ("message", "msg", "event")
_STACKS = ("stack_trace", "exception", "exc_info", "traceback", "stack")
"""Where the usual JSON formatters put the text of an exception."""

_TRACE = re.compile(r"^(?:projects/[^/]+/traces/)?([0-9a-fA-F]{32})$")


def is_request(row: Any) -> bool:
    """Tell whether the platform wrote this row about a request."""
    return bool(row.log_name.rpartition("/")[2] == _REQUESTS and row.HasField("http_request"))


def as_request(row: Any, redaction: Redaction) -> Request:
    """Translate a row of the request log, without secrets."""
    http = row.http_request
    return Request(
        at=row.timestamp.ToDatetime(tzinfo=UTC),
        service=row.resource.labels["service_name"],
        revision=row.resource.labels["revision_name"],
        method=http.request_method,
        path=redaction.scrub(urlsplit(http.request_url).path),
        status=http.status,
        latency_s=http.latency.ToTimedelta().total_seconds(),
        trace=trace_id(row.trace),
        insert_id=row.insert_id,
    )


def as_entry(row: Any, redaction: Redaction) -> Entry:
    """Translate any other row, without secrets."""
    name = row.log_name.rpartition("/")[2]
    return Entry(
        at=row.timestamp.ToDatetime(tzinfo=UTC),
        service=row.resource.labels["service_name"],
        revision=row.resource.labels["revision_name"],
        stream=_STREAMS.get(name, Stream.OTHER),
        severity=log_severity_pb2.LogSeverity.Name(row.severity),
        message=redaction.scrub(message(row)),
        trace=trace_id(row.trace),
        insert_id=row.insert_id,
        log_name=row.log_name,
    )


def source(row: Any) -> str:
    """Name who wrote a row: the lines of one traceback share it."""
    return f"{row.resource.labels['revision_name']} {row.labels['instanceId']} {row.log_name}"


def trace_id(trace: str) -> str:
    """Return a trace's 32 hex digits, bare or out of a resource name; empty when it is none."""
    found = _TRACE.match(trace)
    return found[1].lower() if found else ""


def message(row: Any) -> str:
    """Return a row's payload as text."""
    kind = row.WhichOneof("payload")
    if kind == "json_payload":
        return _json_message(_plain(row.json_payload.fields))
    if kind == "proto_payload":
        return _proto_message(row.proto_payload)
    return str(row.text_payload)


def _json_message(payload: dict[str, Any]) -> str:
    """Return the message, then the other fields as JSON, then the text of an exception, line by line."""
    rest = dict(payload)
    said = next((rest.pop(key) for key in _MESSAGES if isinstance(rest.get(key), str)), "")
    stacks = [rest.pop(key) for key in _STACKS if isinstance(rest.get(key), str) and "\n" in rest[key]]
    others = json.dumps(rest, sort_keys=True, ensure_ascii=False) if rest else ""
    return "\n".join([" ".join(part for part in (said, others) if part), *stacks])


def _plain(fields: Any) -> dict[str, Any]:
    return {name: _value(value) for name, value in fields.items()}


def _value(value: Any) -> Any:
    """Translate one JSON value; the platform keeps every number as a float, and 3 was not written as 3.0."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _plain(value.struct_value.fields)
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    if kind == "number_value" and value.number_value.is_integer():
        return int(value.number_value)
    return None if kind in {None, "null_value"} else getattr(value, kind)


def _proto_message(payload: Any) -> str:
    """Return what an audit log says; of other types their name."""
    audit = audit_log_pb2.AuditLog()
    if not payload.Unpack(audit):
        return str(payload.type_url)
    return f"{audit.method_name} {audit.resource_name} {audit.status.message}".strip()
