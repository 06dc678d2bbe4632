"""The answer that an exception tells of: a caller that passes no trace on still names the URL that failed."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

from untilgreen.model.evidence import Entry, Request
from untilgreen.triage.masking import segments
from untilgreen.triage.scene import Scene

_URL = re.compile(r"""https?://[^\s'"<>]+""")
_BAD = 400
_SKEW = timedelta(seconds=2)


def answer_named(scene: Scene, entry: Entry, asked: Request) -> Request | None:
    """Return the error answer of another service that an exception names by its URL.

    Args:
        scene: the indexed bundle.
        entry: the caller's exception.
        asked: the caller's own request, while which the other one was answered.

    Returns:
        None unless the exception names one such service and path, and all rows that fit have one status. Of several
        the nearest in time.
    """
    said = f"{entry.message}\n{entry.raised.message if entry.raised else ''}"
    named = {(scene.hosts.get(url.netloc, ""), segments(url.path)) for url in map(urlsplit, _URL.findall(said))}
    places = [(service, path) for service, path in named if service and service != entry.service]
    if len(places) != 1 or asked.at is None:
        return None
    service, path = places[0]
    rows = [
        row
        for row in scene.bundle.find(Request, service=service)
        if row.status >= _BAD and segments(row.path) == path and _during(row, asked)
    ]
    return min(rows, key=lambda r: (_apart(r, asked), r.insert_id)) if len({r.status for r in rows}) == 1 else None


def _during(row: Request, asked: Request) -> bool:
    return row.at is not None and _apart(row, asked) <= timedelta(seconds=asked.latency_s) + _SKEW


def _apart(row: Request, asked: Request) -> timedelta:
    if row.at is None or asked.at is None:
        return timedelta.max
    return abs(row.at - asked.at)
