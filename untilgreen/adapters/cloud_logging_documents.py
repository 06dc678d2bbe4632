"""Rows of Cloud Logging and our documents."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from urllib.parse import urlsplit

from google.cloud.audit import audit_log_pb2
from google.logging.type import log_severity_pb2

from untilgreen.collect.payload import audit_message, json_message
from untilgreen.collect.streams import REQUESTS, stream_of, trace_id
from untilgreen.model.evidence import Entry, Request
from untilgreen.ports import Redaction


def is_request(row: Any) -> bool:
    """Tell whether the platform wrote this row about a request."""
    return bool(row.log_name.rpartition("/")[2] == REQUESTS and row.HasField("http_request"))


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
        said=redaction.scrub(row.text_payload),
    )


def as_entry(row: Any, redaction: Redaction) -> Entry:
    """Translate any other row, without secrets."""
    return Entry(
        at=row.timestamp.ToDatetime(tzinfo=UTC),
        service=row.resource.labels["service_name"],
        revision=row.resource.labels["revision_name"],
        stream=stream_of(row.log_name),
        severity=log_severity_pb2.LogSeverity.Name(row.severity),
        message=redaction.scrub(message(row)),
        trace=trace_id(row.trace),
        insert_id=row.insert_id,
        log_name=row.log_name,
    )


def source(row: Any) -> str:
    """Name who wrote a row: the lines of one traceback share it."""
    return f"{row.resource.labels['revision_name']} {row.labels['instanceId']} {row.log_name}"


def message(row: Any) -> str:
    """Return a row's payload as text."""
    kind = row.WhichOneof("payload")
    if kind == "json_payload":
        return json_message(_plain(row.json_payload.fields))
    if kind == "proto_payload":
        return _proto_message(row.proto_payload)
    return str(row.text_payload)


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
    return audit_message(audit.method_name, audit.resource_name, audit.status.message)
