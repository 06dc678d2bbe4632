"""What an emulator is asked to make difficult, and how people write it.

    {"fault": ["UpdateService:UNAVAILABLE:0.3"], "latency": ["ListLogEntries:200ms-500ms"], "fault_seed": 7,
     "ingestion_delay": "2s", "read_quota": "60/1m", "page_token_life": "24h", "metrics_interval": "60s",
     "metrics_delay": "60s-240s"}

A fault is METHODS:CODE and then, each if wanted: `0.3`, the share of the calls that it hits; `2x`, only the first two
calls; `lost`, the call does its work and only its answer is lost. METHODS is a method's name, with `*` for anything:
`UpdateService`, `Services/*`, `/google.cloud.run.v2.Services/GetService`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

import grpc

from untilgreen.emulator.durations import Span, seconds, span

_DAY_S = 86_400.0
SAMPLED_S = 2.0
"""Seconds from one sample of resources to the next, unless told otherwise."""
_FIRST = re.compile(r"(\d+)x")
_QUOTA = re.compile(r"(\d+)/(.+)")


class FaultError(ValueError):
    """The faults cannot be understood."""


@dataclass(frozen=True)
class Fault:
    """Some calls of some methods fail.

    Args:
        methods: name or pattern.
        code: how they fail.
        rate: which share of them, 0 to 1.
        first: only so many of them; 0 means all.
        lost: whether the call does its work before it fails.
    """

    methods: str
    code: grpc.StatusCode
    rate: float = 1.0
    first: int = 0
    lost: bool = False


@dataclass(frozen=True)
class Latency:
    """Calls of some methods take longer."""

    methods: str
    span: Span


@dataclass(frozen=True)
class Quota:
    """So many calls within so many seconds."""

    calls: int
    seconds: float


@dataclass(frozen=True)
class Faults:
    """Everything that is made difficult; nothing at first.

    Args:
        fault: calls that fail.
        latency: calls that take longer.
        fault_seed: makes the same calls fail in the same order of calls.
        ingestion_delay: how long a log entry stays unseen; each has its own delay within the span.
        read_quota: how often log entries may be listed, for each project.
        page_token_life: seconds after which a page token of log entries is refused.
        metrics_interval: seconds from one sample of resources to the next; Google's own are 60.
        metrics_delay: how long a sample stays unseen; Google's own stay so for up to 240 s.
    """

    fault: tuple[Fault, ...] = ()
    latency: tuple[Latency, ...] = ()
    fault_seed: int = 0
    ingestion_delay: Span = field(default_factory=Span)
    read_quota: Quota | None = None
    page_token_life: float = _DAY_S
    metrics_interval: float = SAMPLED_S
    metrics_delay: Span = field(default_factory=Span)


def parse(given: Any, methods: Iterable[str]) -> Faults:
    """Read faults from what a JSON or YAML file held.

    Args:
        given: a mapping with the names of the fields above.
        methods: full names of all methods that there are.

    Raises:
        FaultError: something in it has no meaning, or names no method.
    """
    if not isinstance(given, Mapping) or (unknown := set(given) - set(_READERS)):
        raise FaultError(f"{f'{min(unknown)} is' if isinstance(given, Mapping) else 'these are'} none of: {_NAMES}")
    known = tuple(methods)
    read = {}
    for name, value in given.items():
        try:
            read[name] = _READERS[name](value)
        except (TypeError, ValueError) as error:
            raise FaultError(f"{name}: {error}") from None
    faults = Faults(**read)
    for pattern in [*(fault.methods for fault in faults.fault), *(latency.methods for latency in faults.latency)]:
        if not any(matches(pattern, method) for method in known):
            raise FaultError(f"'{pattern}' names no method that is emulated")
    return faults


def matches(pattern: str, method: str) -> bool:
    """Tell whether a pattern means a method, given by its full name `/PACKAGE.SERVICE/METHOD`."""
    path, _, name = method.rpartition("/")
    service = path.rpartition(".")[2]
    return any(fnmatchcase(form, pattern) for form in (method, f"{service}/{name}", name))


def _fault(text: str) -> Fault:
    methods, *rest = str(text).split(":")
    if not methods or not rest or rest[0] not in grpc.StatusCode.__members__ or rest[0] == "OK":
        raise ValueError(f"'{text}' is not METHODS:CODE with a code such as UNAVAILABLE")
    how: dict[str, Any] = {}
    for part in rest[1:]:
        how |= _how(part, text)
    return Fault(methods, grpc.StatusCode[rest[0]], **how)


def _how(part: str, text: str) -> dict[str, Any]:
    if part == "lost":
        return {"lost": True}
    if first := _FIRST.fullmatch(part):
        return {"first": int(first[1])}
    try:
        rate = float(part)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise ValueError(f"'{part}' in '{text}' is neither a share from 0 to 1, nor a number such as 2x, nor `lost`")
    return {"rate": rate}


def _interval(text: str) -> float:
    interval = seconds(text)
    if interval <= 0:
        raise ValueError(f"'{text}' is no interval")
    return interval


def _latency(text: str) -> Latency:
    methods, colon, duration = str(text).rpartition(":")
    if not colon or not methods:
        raise ValueError(f"'{text}' is not METHODS:DURATION")
    return Latency(methods, span(duration))


def _quota(text: str) -> Quota:
    match = _QUOTA.fullmatch(str(text))
    if not match or not int(match[1]):
        raise ValueError(f"'{text}' is not CALLS/DURATION such as 60/1m")
    return Quota(int(match[1]), seconds(match[2]))


def _each(read: Callable[[str], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def read_all(texts: Any) -> tuple[Any, ...]:
        if not isinstance(texts, list | tuple):
            raise TypeError("this must be a list")
        return tuple(read(text) for text in texts)

    return read_all


_READERS: dict[str, Callable[[Any], Any]] = {
    "fault": _each(_fault),
    "latency": _each(_latency),
    "fault_seed": int,
    "ingestion_delay": lambda text: span(str(text)),
    "read_quota": _quota,
    "page_token_life": lambda text: seconds(str(text)),
    "metrics_interval": lambda text: _interval(str(text)),
    "metrics_delay": lambda text: span(str(text)),
}
_NAMES = ", ".join(field.name for field in fields(Faults))
