"""Rows of Cloud Logging and our documents. There may be a million of them, so what many share is looked up once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.audit import audit_log_pb2
from google.logging.type import log_severity_pb2

from untilgreen.collect.payload import audit_message, json_message
from untilgreen.collect.streams import REQUESTS, stream_name, stream_of, trace_id
from untilgreen.model.document import trusted
from untilgreen.model.evidence import Entry, Request, Stream
from untilgreen.ports import Redaction

_START = datetime(1970, 1, 1, tzinfo=UTC)
_SEVERITIES: dict[int, str] = {number: name for name, number in log_severity_pb2.LogSeverity.items()}


@dataclass(frozen=True, slots=True)
class _Log:
    """A log by its name."""

    name: str
    requests: bool
    stream: Stream


class Translation:
    """Rows on their way into our documents, a page at a time.

    Args:
        redaction: takes secrets out of what was logged.
    """

    def __init__(self, redaction: Redaction) -> None:
        self.entries: list[Entry] = []
        """What came so far, in the order it came."""
        self.sources: list[str] = []
        """For each entry, who wrote it: the lines of one traceback share it."""
        self.requests: list[Request] = []
        """What came so far of the request log."""
        self._redaction = redaction
        self._seen: dict[str, list[tuple[str, datetime]]] = {}
        self._logs: dict[str, _Log] = {}
        self._known: dict[str, str] = {}
        self._traces: dict[str, str] = {}
        self._seconds: dict[int, datetime] = {}

    def take(self, rows: Iterable[Any]) -> None:
        """Translate rows, without secrets and without those that came before: the log promises at least once."""
        entries: list[dict[str, Any]] = []
        requests: list[dict[str, Any]] = []
        for row in rows:
            log = self._logs.get(row.log_name) or self._log(row.log_name)
            at = row.timestamp
            second = self._seconds.get(at.seconds) or self._second(at.seconds)
            moment = second.replace(microsecond=at.nanos // 1000)
            if not self._new(row.insert_id, log.name, moment):
                continue
            if log.requests and row.HasField("http_request"):
                requests.append(self._request(row, moment))
            else:
                entries.append(self._entry(row, moment, log))
        self._scrub(entries, "message")
        self._scrub(requests, "path", "said")
        self.entries += [trusted(Entry, values) for values in entries]
        self.requests += [trusted(Request, values) for values in requests]

    def _new(self, identity: str, log: str, moment: datetime) -> bool:
        known = self._seen.get(identity)
        if known is None:
            self._seen[identity] = [(log, moment)]
            return True
        fresh = (log, moment) not in known
        if fresh:
            known.append((log, moment))
        return fresh

    def _entry(self, row: Any, moment: datetime, log: _Log) -> dict[str, Any]:
        labels, severity = row.resource.labels, row.severity
        revision = self._same(labels["revision_name"])
        self.sources.append(self._same(f"{revision} {row.labels['instanceId']} {log.name}"))
        return {
            "at": moment,
            "service": self._same(labels["service_name"]),
            "revision": revision,
            "stream": log.stream,
            "severity": _SEVERITIES.get(severity) or log_severity_pb2.LogSeverity.Name(severity),
            "message": row.text_payload or message(row),
            "trace": self._trace(row.trace),
            "insert_id": row.insert_id,
            "log_name": log.name,
        }

    def _request(self, row: Any, moment: datetime) -> dict[str, Any]:
        labels, http = row.resource.labels, row.http_request
        latency = http.latency
        return {
            "at": moment,
            "service": self._same(labels["service_name"]),
            "revision": self._same(labels["revision_name"]),
            "method": self._same(http.request_method),
            "path": path_of(http.request_url),
            "status": http.status,
            "latency_s": latency.seconds + latency.nanos / 1e9,
            "trace": self._trace(row.trace),
            "insert_id": row.insert_id,
            "said": row.text_payload,
        }

    def _same(self, text: str) -> str:
        """Return one object for equal texts: a million rows name a handful of services."""
        return self._known.setdefault(text, text)

    def _trace(self, name: str) -> str:
        known = self._traces.get(name)
        return known if known is not None else self._traces.setdefault(name, trace_id(name))

    def _log(self, name: str) -> _Log:
        return self._logs.setdefault(name, _Log(name, stream_name(name) == REQUESTS, stream_of(name)))

    def _second(self, seconds: int) -> datetime:
        return self._seconds.setdefault(seconds, _START + timedelta(seconds=seconds))

    def _scrub(self, rows: list[dict[str, Any]], *fields: str) -> None:
        for name in fields:
            for values, text in zip(rows, self._redaction.scrub_all([row[name] for row in rows]), strict=True):
                values[name] = text


def as_request(row: Any, redaction: Redaction) -> Request:
    """Translate one row of the request log, without secrets."""
    translation = Translation(redaction)
    translation.take([row])
    return translation.requests[0]


def as_entry(row: Any, redaction: Redaction) -> Entry:
    """Translate any other row, without secrets."""
    translation = Translation(redaction)
    translation.take([row])
    return translation.entries[0]


def is_request(row: Any) -> bool:
    """Tell whether the platform wrote this row about a request."""
    return stream_name(row.log_name) == REQUESTS and row.HasField("http_request")


def path_of(url: str) -> str:
    """Return the path of a URL, without its query."""
    rest = url.partition("://")[2] or url
    start = rest.find("/")
    return rest[start:].partition("?")[0].partition("#")[0] if start >= 0 else ""


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
    if kind == "string_value":
        return value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "struct_value":
        return _plain(value.struct_value.fields)
    if kind == "list_value":
        return [_value(item) for item in value.list_value.values]
    return value.bool_value if kind == "bool_value" else None


def _proto_message(payload: Any) -> str:
    """Return what an audit log says; of other types their name."""
    audit = audit_log_pb2.AuditLog()
    if not payload.Unpack(audit):
        return str(payload.type_url)
    return audit_message(audit.method_name, audit.resource_name, audit.status.message)
