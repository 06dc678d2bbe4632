"""From what a container writes to log entries, as Cloud Run's agent makes them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from google.protobuf import json_format

from untilgreen.emulator.protos import LogEntry, Message

LONGEST = 128 * 1024
"""Bytes of one entry. Cloud Logging takes 256 KiB with everything around it; longer lines are cut into several."""

SEVERITIES = {
    "DEFAULT": 0,
    "DEBUG": 100,
    "INFO": 200,
    "NOTICE": 300,
    "WARNING": 400,
    "ERROR": 500,
    "CRITICAL": 600,
    "ALERT": 700,
    "EMERGENCY": 800,
}
_ALIASES = {"WARN": 400, "ERR": 500, "CRIT": 600, "FATAL": 600, "PANIC": 800, "TRACE": 100}

_PREFIX = "logging.googleapis.com/"
_FIELDS = {
    "trace": "trace",
    "spanId": "spanId",
    "trace_sampled": "traceSampled",
    "insertId": "insertId",
    "operation": "operation",
    "sourceLocation": "sourceLocation",
}
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?")


class LineSplitter:
    """Cuts a stream of bytes into lines, however the bytes arrive."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that are now complete; empty data is the end of the stream.

        Bytes that are no UTF-8 become replacement characters; a line that is too long becomes several.
        """
        if not data:
            lines, self._rest = ([self._rest] if self._rest else []), b""
        else:
            *lines, self._rest = (self._rest + data).split(b"\n")
            while len(self._rest) > LONGEST:
                lines.append(self._rest[:LONGEST])
                self._rest = self._rest[LONGEST:]
        return [piece.decode("utf-8", "replace").rstrip("\r") for line in lines for piece in _pieces(line)]


def severity_number(text: str) -> int | None:
    """Return a severity's number by its name, in any case, or None when it is none."""
    name = text.strip().upper()
    return SEVERITIES.get(name, _ALIASES.get(name))


def entry_of(line: str) -> Message:
    """Return the entry that a line of a container's output becomes, without what the platform adds to it."""
    if line.startswith("{") and line.rstrip().endswith("}"):
        try:
            fields = json.loads(line)
            return _structured(fields)
        except (ValueError, TypeError, ArithmeticError, RecursionError, json_format.ParseError):
            pass  # what cannot be an entry of its own is kept as the text that it is
    return LogEntry(text_payload=line)


def _structured(fields: dict[str, Any]) -> Message:
    """Move the special fields to where an entry has them; the rest is the payload."""
    entry = LogEntry()
    severity = severity_number(str(fields["severity"])) if "severity" in fields else None
    if severity is not None:
        entry.severity = severity
        del fields["severity"]
    moved = {field: fields.pop(_PREFIX + name) for name, field in _FIELDS.items() if _PREFIX + name in fields}
    moved |= _stringly_labels(fields)
    if isinstance(fields.get("httpRequest"), dict):
        moved["httpRequest"] = fields.pop("httpRequest")
    json_format.ParseDict(moved, entry, ignore_unknown_fields=True)
    _take_time(fields, entry)
    entry.json_payload.update(fields)
    return entry


def _stringly_labels(fields: dict[str, Any]) -> dict[str, Any]:
    labels = fields.get(_PREFIX + "labels")
    if not isinstance(labels, dict):
        return {}
    del fields[_PREFIX + "labels"]
    return {"labels": {str(name): str(value) for name, value in labels.items()}}


def _take_time(fields: dict[str, Any], entry: Message) -> None:
    """Take the time of the entry from `time` or `timestamp`, written as text or as seconds and nanoseconds."""
    for name in ("time", "timestamp"):
        value = fields.get(name)
        nanoseconds = _nanoseconds(value)
        if nanoseconds is not None:
            del fields[name]
            entry.timestamp.FromNanoseconds(nanoseconds)
            return


def _nanoseconds(value: object) -> int | None:
    if isinstance(value, dict) and isinstance(value.get("seconds"), int):
        return int(value["seconds"]) * 10**9 + int(value.get("nanos", 0))
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if not match:
        return None
    day, clock, fraction, zone = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}{zone if zone and zone not in 'zZ' else '+00:00'}")
    return int(moment.timestamp()) * 10**9 + int((fraction or ".0")[1:10].ljust(9, "0"))


def _pieces(line: bytes) -> list[bytes]:
    if len(line) <= LONGEST:
        return [line]
    return [line[start : start + LONGEST] for start in range(0, len(line), LONGEST)]
