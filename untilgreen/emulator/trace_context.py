"""The trace of a request: taken from its headers, or made."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from untilgreen.emulator.http1 import Headers

_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_CLOUD_TRACE = re.compile(rb"([0-9a-fA-F]{32})(?:/\d+)?(?:;o=(\d+))?")
_NOBODY = b"0" * 32
NAMES = frozenset((b"traceparent", b"x-cloud-trace-context"))


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace and the span that the platform opens in it.

    Args:
        id: 32 hex digits.
        span: 16 hex digits.
        sampled: whether the caller asked for it to be kept.
    """

    id: str
    span: str
    sampled: bool

    def headers(self) -> Headers:
        """Return the headers by which the container learns of it."""
        flag = int(self.sampled)
        return [
            (b"traceparent", f"00-{self.id}-{self.span}-0{flag}".encode()),
            (b"X-Cloud-Trace-Context", f"{self.id}/{int(self.span, 16)};o={flag}".encode()),
        ]


def trace_of(fields: dict[bytes, bytes]) -> Trace:
    """Return the trace that a request belongs to; `traceparent` counts more than Google's older header.

    Args:
        fields: headers by lower-case name.
    """
    span = os.urandom(8).hex()
    parent = _TRACEPARENT.fullmatch(fields.get(b"traceparent", b""))
    if parent and parent[1] != _NOBODY:
        return Trace(parent[1].decode(), span, bool(int(parent[3], 16) & 1))
    google = _CLOUD_TRACE.fullmatch(fields.get(b"x-cloud-trace-context", b""))
    if google and google[1] != _NOBODY:
        return Trace(google[1].decode().lower(), span, google[2] == b"1")
    return Trace(os.urandom(16).hex(), span, sampled=False)
