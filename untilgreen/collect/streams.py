"""Names in the platform's logs that say where a row came from."""

from __future__ import annotations

import re

from untilgreen.model.evidence import Stream

REQUESTS = "run.googleapis.com%2Frequests"

_STREAMS = {
    "run.googleapis.com%2Fstdout": Stream.STDOUT,
    "run.googleapis.com%2Fstderr": Stream.STDERR,
    "run.googleapis.com%2Fvarlog%2Fsystem": Stream.SYSTEM,
}
"""By the whole name: applications may write to logs of their own with any other name."""

_TRACE = re.compile(r"^(?:projects/[^/]+/traces/)?([0-9a-fA-F]{32})$")


def stream_of(log_name: str) -> Stream:
    """Return which log an entry came from, by the last part of its log's name."""
    return _STREAMS.get(stream_name(log_name), Stream.OTHER)


def stream_name(log_name: str) -> str:
    """Return the last part of a log's name, as the platform escapes it."""
    return log_name.rpartition("/")[2]


def trace_id(trace: str) -> str:
    """Return a trace's 32 hex digits, bare or out of a resource name; empty when it is none."""
    found = _TRACE.match(trace)
    return found[1].lower() if found else ""
