"""Exported log entries become evidence, if they can be: whoever invents one cannot say where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from untilgreen.collect.log_lines import with_exceptions
from untilgreen.collect.payload import audit_message, json_message
from untilgreen.collect.streams import REQUESTS, stream_name, stream_of, trace_id
from untilgreen.importing.intake import Counting, Intake
from untilgreen.importing.records import records
from untilgreen.model.evidence import Entry, Request
from untilgreen.ports import Redaction

_SERVICES = ("service_name", "module_id", "function_name", "job_name", "container_name", "database_id")
"""Labels of the platform's resources that say whose entry it is, the likeliest first."""

_LATE = timedelta(minutes=5)
"""How far the time of an entry and the time of its arrival may be apart before its clock is doubted."""

NO_TIME = "have no time"
NO_TRACE = "have no trace"
EMPTY = "have an empty message"
SKEWED = "carry a time more than five minutes from their arrival"


@dataclass
class LogFile:
    """What a file of log entries holds.

    Args:
        entries: in the order of time.
        requests: likewise.
        hosts: service -> hosts under which it was asked.
        intake: how many were read, kept and refused.
    """

    entries: list[Entry]
    requests: list[Request]
    hosts: dict[str, set[str]]
    intake: Intake


@dataclass
class _Reading:
    entries: list[Entry] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    hosts: dict[str, set[str]] = field(default_factory=dict)


def read_log(file: Path, redaction: Redaction) -> LogFile:
    """Read exported log entries: an array as gcloud prints it, or one a line.

    Args:
        file: the export.
        redaction: takes secrets out of what was logged.
    """
    account, reading = Counting(file), _Reading()
    seen: set[tuple[str, str, str]] = set()
    for record in records(file, account):
        if lacks := _lacking(record):
            account.refuse(f"no evidence: without {' and '.join(lacks)}")
            continue
        key = (record["logName"], record["insertId"], str(record.get("timestamp")))
        if key in seen:
            account.refuse("a repetition of an entry that is there")
            continue
        seen.add(key)
        account.keep(*_take(record, reading, redaction))
    entries = with_exceptions(*_in_order(reading))
    requests = sorted(reading.requests, key=_moment)
    return LogFile(entries, requests, reading.hosts, account.done())


def _lacking(record: dict[str, Any]) -> list[str]:
    """Name what every entry that the platform has kept must have, and this one has not."""
    labels = record.get("resource", {}).get("labels") if isinstance(record.get("resource"), dict) else None
    known = {
        "insertId": _string(record, "insertId"),
        "logName": _string(record, "logName"),
        "resource labels": isinstance(labels, dict) and labels,
    }
    return [name for name, there in known.items() if not there]


def _take(record: dict[str, Any], reading: _Reading, redaction: Redaction) -> Iterator[str]:
    """Make evidence of a record, and go through what is odd about it."""
    labels = {str(key): str(value) for key, value in record["resource"]["labels"].items()}
    at = _time(record.get("timestamp")) or _time(record.get("receiveTimestamp"))
    arrived = _time(record.get("receiveTimestamp"))
    if at is None:
        yield NO_TIME
    elif arrived and abs(arrived - at) > _LATE:
        yield SKEWED
    if not trace_id(_string(record, "trace")):
        yield NO_TRACE
    service = next((labels[name] for name in _SERVICES if labels.get(name)), _string(record["resource"], "type"))
    shared = {
        "at": at,
        "service": service,
        "revision": labels.get("revision_name", ""),
        "trace": trace_id(_string(record, "trace")),
        "insert_id": record["insertId"],
    }
    if stream_name(record["logName"]) == REQUESTS and isinstance(record.get("httpRequest"), dict):
        _add_request(record, shared, reading, redaction)
        return
    message = redaction.scrub(_whole(_message(record)))
    if not message.strip():
        yield EMPTY
    _add_entry(record, message, shared, reading)


def _add_request(record: dict[str, Any], shared: dict[str, Any], reading: _Reading, redaction: Redaction) -> None:
    http = record["httpRequest"]
    host, path = _address(_string(http, "requestUrl"))
    if host:
        reading.hosts.setdefault(shared["service"], set()).add(host)
    row = Request(
        **shared,
        method=_string(http, "requestMethod"),
        path=redaction.scrub(_whole(path)),
        status=_number(http.get("status")),
        latency_s=_seconds(http.get("latency")),
        said=redaction.scrub(_whole(_string(record, "textPayload"))),
    )
    reading.requests.append(row)


def _add_entry(record: dict[str, Any], message: str, shared: dict[str, Any], reading: _Reading) -> None:
    entry = Entry(
        **shared,
        stream=stream_of(record["logName"]),
        severity=_string(record, "severity").upper() or "DEFAULT",
        message=message,
        log_name=record["logName"],
    )
    instance = record["labels"].get("instanceId", "") if isinstance(record.get("labels"), dict) else ""
    reading.entries.append(entry)
    reading.sources.append(f"{entry.revision} {instance} {entry.log_name}")


def _message(record: dict[str, Any]) -> str:
    if isinstance(record.get("jsonPayload"), dict):
        return json_message(record["jsonPayload"])
    proto = record.get("protoPayload")
    if isinstance(proto, dict):
        status = proto.get("status") if isinstance(proto.get("status"), dict) else {}
        said = audit_message(_string(proto, "methodName"), _string(proto, "resourceName"), _string(status, "message"))
        return said or json_message(proto)
    return _string(record, "textPayload")


def _in_order(reading: _Reading) -> tuple[list[Entry], list[str]]:
    """Sort by time. Of entries of one moment the file's order counts, and gcloud prints the newest first."""
    pairs = list(zip(reading.entries, reading.sources, strict=True))
    if pairs and _moment(pairs[0][0]) > _moment(pairs[-1][0]):
        pairs.reverse()
    pairs.sort(key=lambda pair: _moment(pair[0]))
    return [entry for entry, _ in pairs], [source for _, source in pairs]


def _moment(row: Entry | Request) -> float:
    return row.at.timestamp() if row.at else 0.0


def _string(record: Any, key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def _whole(text: str) -> str:
    """Return text that can be written down: JSON may hold one half of a character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _address(url: str) -> tuple[str, str]:
    """Return host and path of a URL; of what is none, the text as it is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    return parts.netloc, parts.path


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def _seconds(value: Any) -> float:
    """Read a duration such as `0.012s`."""
    try:
        seconds = float(str(value).removesuffix("s"))
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < inf else 0.0


def _time(value: Any) -> datetime | None:
    """Read a time; one without a zone says nothing that can be compared, and one that is none neither."""
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def merged(logs: Iterable[LogFile]) -> tuple[list[Entry], list[Request], dict[str, set[str]]]:
    """Put several files together; what stands in more than one is kept once, by the bundle."""
    entries: list[Entry] = []
    requests: list[Request] = []
    hosts: dict[str, set[str]] = {}
    for log in logs:
        entries += log.entries
        requests += log.requests
        for service, names in log.hosts.items():
            hosts.setdefault(service, set()).update(names)
    return entries, requests, hosts
