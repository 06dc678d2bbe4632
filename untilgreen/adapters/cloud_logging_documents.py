"""Rows of Cloud Logging and our documents. There may be a million of them, so what many share is looked up once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.audit import audit_log_pb2
from google.logging.type import log_severity_pb2

from untilgreen.collect.payload import audit_message, json_messages
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


_Key = tuple[datetime, str]
"""When, and in which log: with the insert id that is what a row is."""
_Row = tuple[Any, str, datetime, _Log]
"""As it came, its insert id, its moment, its log."""


class Translation:
    """Rows on their way into our documents, a page at a time.

    Args:
        redaction: takes secrets out of what was logged.
    """

    def __init__(self, redaction: Redaction) -> None:
        self.entries: list[Entry] = []
        """What came so far, in the order it came."""
        self.sources: list[Hashable] = []
        """For each entry, who wrote it: the lines of one traceback share it."""
        self.requests: list[Request] = []
        """What came so far of the request log."""
        self._redaction = redaction
        self._seen: dict[str, _Key] = {}
        self._others: set[tuple[str, _Key]] = set()
        self._logs: dict[str, _Log] = {}
        self._known: dict[str, str] = {}
        self._traces: dict[str, str] = {"": ""}

    def take(self, page: Iterable[Any]) -> None:
        """Translate rows, without secrets and without those that came before: the log promises at least once.

        They go through column by column: that takes half the time of row by row.
        """
        page = list(page)  # keeps the rows' wrappers, which would be made again for each column
        moments = [_START + timedelta(0, at.seconds, at.nanos // 1000) for at in [row.timestamp for row in page]]
        logs = [self._logs.get(name) or self._log(name) for name in [row.log_name for row in page]]
        rows = self._fresh(list(zip(page, [row.insert_id for row in page], moments, logs, strict=True)))
        asked = [row for row in rows if row[3].requests and row[0].HasField("http_request")]
        if asked:
            self._take_requests(asked)
            rows = [row for row in rows if not (row[3].requests and row[0].HasField("http_request"))]
        self._take_entries(rows)

    def _fresh(self, rows: list[_Row]) -> list[_Row]:
        """Return the rows that were not there before; of one id there may be several, each in another log."""
        keys = {identity: (at, log.name) for _, identity, at, log in rows}
        if len(keys) == len(rows) and self._seen.keys().isdisjoint(keys):
            self._seen.update(keys)
            return rows
        return [row for row in rows if self._new(row[1], (row[2], row[3].name))]

    def _new(self, identity: str, key: _Key) -> bool:
        first = self._seen.setdefault(identity, key)
        if first is key:
            return True
        if first == key or (identity, key) in self._others:
            return False
        self._others.add((identity, key))
        return True

    def _take_entries(self, rows: list[_Row]) -> None:
        services, revisions = self._owners(rows)
        instances = self._same([row.labels["instanceId"] for row, _, _, _ in rows])
        self.sources += zip(revisions, instances, [log.name for _, _, _, log in rows], strict=True)
        messages = self._redaction.scrub_all(_messages([row for row, _, _, _ in rows]))
        columns = zip(rows, services, revisions, messages, self._traces_of(rows), strict=True)
        values = [
            {
                "at": at,
                "kind": "entry",
                "service": service,
                "revision": revision,
                "stream": log.stream,
                "severity": _severity(row.severity),
                "message": message,
                "raised": None,
                "trace": trace,
                "insert_id": identity,
                "log_name": log.name,
            }
            for (row, identity, at, log), service, revision, message, trace in columns
        ]
        self.entries += trusted(Entry, values)

    def _take_requests(self, rows: list[_Row]) -> None:
        services, revisions = self._owners(rows)
        asked = [row.http_request for row, _, _, _ in rows]
        methods = self._same([http.request_method for http in asked])
        paths = self._redaction.scrub_all([path_of(http.request_url) for http in asked])
        said = [row.text_payload for row, _, _, _ in rows]
        said = self._redaction.scrub_all(said) if any(said) else said
        columns = zip(rows, asked, services, revisions, methods, paths, said, self._traces_of(rows), strict=True)
        values = [
            {
                "at": at,
                "kind": "request",
                "service": service,
                "revision": revision,
                "method": method,
                "path": path,
                "status": http.status,
                "latency_s": _seconds(http.latency),
                "trace": trace,
                "insert_id": identity,
                "said": text,
            }
            for (_, identity, at, _), http, service, revision, method, path, text, trace in columns
        ]
        self.requests += trusted(Request, values)

    def _owners(self, rows: list[_Row]) -> tuple[list[str], list[str]]:
        """Return the services and the revisions that rows are about."""
        labels = [row.resource.labels for row, _, _, _ in rows]
        services, revisions = [of["service_name"] for of in labels], [of["revision_name"] for of in labels]
        return self._same(services), self._same(revisions)

    def _same(self, texts: list[str]) -> list[str]:
        """Return one object for equal texts: a million rows name a handful of services."""
        return list(map(self._known.setdefault, texts, texts))

    def _traces_of(self, rows: list[_Row]) -> list[str]:
        names, known = [row.trace for row, _, _, _ in rows], self._traces
        return [known[name] if name in known else known.setdefault(name, trace_id(name)) for name in names]

    def _log(self, name: str) -> _Log:
        return self._logs.setdefault(name, _Log(name, stream_name(name) == REQUESTS, stream_of(name)))


def _messages(rows: Sequence[Any]) -> list[str]:
    """Return rows' payloads as text; JSON is written for all of them at once."""
    texts = [row.text_payload for row in rows]
    odd = [(number, rows[number]) for number, text in enumerate(texts) if not text]
    structured = [(number, row) for number, row in odd if row.WhichOneof("payload") == "json_payload"]
    written = json_messages([_plain(row.json_payload.fields) for _, row in structured])
    for (number, _), text in zip(structured, written, strict=True):
        texts[number] = text
    for number, row in odd if len(odd) > len(structured) else ():
        if row.HasField("proto_payload"):
            texts[number] = _proto_message(row.proto_payload)
    return texts


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
    for sign in "?#":
        if sign in url:
            url = url[: url.index(sign)]
    scheme = url.find("://")
    start = url.find("/", scheme + 3 if scheme >= 0 else 0)
    return url[start:] if start >= 0 else ""


def _seconds(duration: Any) -> float:
    return float(duration.seconds + duration.nanos / 1e9)


def _severity(number: int) -> str:
    return _SEVERITIES.get(number) or str(log_severity_pb2.LogSeverity.Name(number))


def _plain(fields: Any) -> dict[str, Any]:
    found = {}
    for name in fields:  # items() takes twice as long
        value = fields[name]
        number = value.number_value
        found[name] = value.string_value or (int(number) if number and number.is_integer() else _value(value))
    return found


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
