"""Makes the requests again that would decide where the evidence of a cycle ends."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from untilgreen.clock import SystemClock
from untilgreen.collect.bundle import Bundle, load, put
from untilgreen.errors import UntilgreenError
from untilgreen.model.delivery import HealthCheck
from untilgreen.model.document import Window
from untilgreen.model.evidence import Repeated
from untilgreen.ports import LogQuery, Logs, Probe
from untilgreen.redaction import LAST_NET
from untilgreen.triage.inquiry import Inquiry

TIMES = 3
PATIENCE_S = 20.0
_AROUND = timedelta(minutes=2)
_LINES, _LENGTH = 20, 300


def ask_again(folder: Path, inquiries: Sequence[Inquiry], probe: Probe, logs: Logs) -> Bundle:
    """Make each request three times, and put the answers into a bundle, with what was logged on their traces.

    Args:
        folder: of the bundle.
        inquiries: what to ask.
        probe: asks, each time with a trace of its own.
        logs: what the platform has of these traces; what it does not tell within 20 s is left out.

    Returns:
        The bundle with the answers in it.
    """
    asked = [(one, probe.check(one.service, one.url, secrets.token_hex(16))) for one in inquiries for _ in range(TIMES)]
    lines = _logged(logs, [check for _, check in asked])
    put(folder, [_repeated(one, check, lines.get(check.trace, ())) for one, check in asked])
    return load(folder)


def _logged(logs: Logs, checks: Sequence[HealthCheck]) -> dict[str, tuple[str, ...]]:
    """Return for each trace what was logged on it; nothing when the log cannot be read: the answers tell enough."""
    traces = tuple(check.trace for check in checks)
    now = SystemClock().now()
    window = Window(start=now - _AROUND, end=now + _AROUND)
    query = LogQuery(services=tuple(dict.fromkeys(c.service for c in checks)), window=window, traces=traces)
    try:
        logs.settled(query, frozenset(c.trace for c in checks if c.status), PATIENCE_S)
        page = logs.read(query)
    except UntilgreenError:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for entry in page.entries:
        if len(found.get(entry.trace, ())) < _LINES:
            found[entry.trace] = (*found.get(entry.trace, ()), f"{entry.service}: {entry.message[:_LENGTH]}")
    return found


def _repeated(one: Inquiry, check: HealthCheck, lines: tuple[str, ...]) -> Repeated:
    return Repeated(
        at=check.at,
        service=one.service,
        path=one.path,
        url=one.url,
        status=check.status,
        detail=LAST_NET.mask(check.detail),
        asked_trace=check.trace,
        lines=lines,
    )
