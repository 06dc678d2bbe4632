"""What was logged, within what the platform lets anybody read, and whether it is this service's log at all.

The request log is read whole: it is the proof. The rest is read whole up to a limit; above it the traces of failing
tests, errors and the platform's own words are. An empty log is silent only if a request that we made is in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from statistics import median_low
from typing import TypeVar

from untilgreen.collect.gathered import Gathered
from untilgreen.errors import UntilgreenError
from untilgreen.model.document import Window
from untilgreen.model.evidence import Entry, Request
from untilgreen.ports import LogPage, LogQuery, Logs

PATIENCE_S = 60.0
"""How long the log may take to show our last request: it usually takes seconds, and nobody promises any time."""
OVERLAP = timedelta(seconds=30)
"""The newest part of the log is read twice: what was written first need not be shown first."""
ONE_QUESTION = 200
"""Traces that fit into one question: a filter has at most 20,000 characters."""

_ANY_CLOCK = timedelta(hours=26)
"""Further off than any time zone that was taken for another."""
_SAME_CLOCK = timedelta(seconds=5)


@dataclass(frozen=True)
class Expected:
    """What must be found in a log, and what matters most in it.

    Args:
        probes: service -> traces of our own requests that it answered, and when.
        last: traces of the requests that were made only to know that the log has caught up.
        answered: traces of tests that certainly reached a service.
        failing: traces of tests that failed.
        unready: revisions that never became ready: all that they logged is wanted.
        most: log entries after which not everything is read any more.
    """

    probes: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    last: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    failing: frozenset[str] = frozenset()
    unready: tuple[str, ...] = ()
    most: int = 120_000


def log_evidence(logs: Logs, services: Iterable[str], window: Window, expected: Expected) -> Gathered:
    """Collect requests and log entries of a window.

    Args:
        logs: Cloud Logging.
        services: whose.
        window: when, by our clock.
        expected: what must be there.
    """
    query = LogQuery(services=tuple(services), window=window)
    late = _late(logs, query, expected.last)
    requests, skew = _requests(logs, query, expected)
    query = query.model_copy(update={"window": _shifted(window, skew)})
    entries, left_out = _entries(logs, query, expected)
    if expected.last:
        newest = _again(logs, query)
        requests, entries = _joined(requests, newest), _joined(entries, newest)
    return _evidence(query, requests, entries, expected, [late, left_out], skew)


def _late(logs: Logs, query: LogQuery, last: frozenset[str]) -> str:
    """Wait until the log shows our newest requests; say so when it does not."""
    if not last:
        return ""
    wanted = query.model_copy(update={"traces": tuple(sorted(last)), "part": "requests", "window": _wide(query.window)})
    if logs.settled(wanted, last, PATIENCE_S):
        return ""
    return f"within {PATIENCE_S:g} s the log did not show our own last request: what was written last may be missing"


def _requests(logs: Logs, query: LogQuery, expected: Expected) -> tuple[LogPage, timedelta]:
    """Read the request log; when none of our own requests is in it, look for them under any clock."""
    wanted = query.model_copy(update={"part": "requests"})
    page = _read(logs, wanted)
    probes = {trace: at for service in expected.probes.values() for trace, at in service.items()}
    if not probes or any(row.trace in probes for row in page.requests):
        return page, timedelta(0)
    some = tuple(sorted(probes))[:ONE_QUESTION]
    found = _read(logs, wanted.model_copy(update={"traces": some, "window": _wide(query.window)})).requests
    apart = [(row.at - probes[row.trace]).total_seconds() for row in found if row.at and row.trace in probes]
    skew = timedelta(seconds=median_low(apart)) if apart else timedelta(0)
    if abs(skew) <= _SAME_CLOCK:
        return page, timedelta(0)
    return _read(logs, wanted.model_copy(update={"window": _shifted(query.window, skew)})), skew


def _entries(logs: Logs, query: LogQuery, expected: Expected) -> tuple[LogPage, str]:
    """Read log entries, all of them if they are not too many; else those that matter, and say what was left out."""
    wanted = query.model_copy(update={"part": "entries"})
    page = _read(logs, wanted.model_copy(update={"most": expected.most}))
    if page.complete or len(page.entries) < expected.most:
        return page, ""
    parts = [page.model_copy(update={"complete": True, "gap": ""})]
    failing = sorted(expected.failing)
    for at in range(0, len(failing), ONE_QUESTION):
        traces = tuple(failing[at : at + ONE_QUESTION])
        parts.append(_read(logs, wanted.model_copy(update={"traces": traces})))
    parts.append(_read(logs, wanted.model_copy(update={"alarming": True})))
    if expected.unready:
        parts.append(_read(logs, wanted.model_copy(update={"revisions": expected.unready})))
    left_out = (
        f"there are more than {expected.most} entries: of the rest only those on traces of failing tests, errors, "
        "and what the platform says were read"
    )
    return _joined(*parts), left_out


def _again(logs: Logs, query: LogQuery) -> LogPage:
    """Read the newest part once more."""
    window = Window(start=max(query.window.start, query.window.end - OVERLAP), end=query.window.end)
    return _read(logs, query.model_copy(update={"window": window}))


def _joined(page: LogPage, *others: LogPage) -> LogPage:
    """Put pages together; a row that came twice is one."""
    gaps = dict.fromkeys(p.gap or "the log was not read to its end" for p in (page, *others) if not p.complete)
    entries = _and_more(page.entries, [row for other in others for row in other.entries], _ENTRY)
    requests = _and_more(page.requests, [row for other in others for row in other.requests], _REQUEST)
    return LogPage(entries=entries, requests=requests, complete=not gaps, gap="; ".join(gaps))


_Row = TypeVar("_Row", bound=Entry | Request)
_ENTRY = attrgetter("log_name", "insert_id", "at", "service")
_REQUEST = attrgetter("insert_id", "at", "service")


def _and_more(rows: tuple[_Row, ...], more: list[_Row], identity: Callable[[_Row], Hashable]) -> tuple[_Row, ...]:
    """Add those rows that are not there yet; what is older than any of them need not be looked at."""
    since = min((row.at for row in more if row.at), default=None)
    there = {identity(row) for row in rows if since is None or row.at is None or row.at >= since} if more else set()
    fresh = {identity(row): row for row in more if identity(row) not in there}
    return (*rows, *fresh.values())


def _evidence(
    query: LogQuery, requests: LogPage, entries: LogPage, expected: Expected, troubles: list[str], skew: timedelta
) -> Gathered:
    gathered = Gathered(query.window)
    clock = f"; the log's clock is {skew.total_seconds():+.0f} s off ours" if skew else ""
    missing = len(expected.answered - {row.trace for row in requests.requests})
    lag = f"the request log has no row yet for {missing} of {len(expected.answered)} traces" if missing else ""
    rows_of, lines_of = _by_service(requests.requests), _by_service(entries.entries)
    for service in query.services:
        rows, lines = rows_of[service], lines_of[service]
        strange = _control(service, rows, lines, expected)
        gaps = [*troubles, strange, _gap(entries)]
        gathered.add(lines, kind=Entry, subject=service, query=f"all log entries{clock}", gap=_told(gaps))
        gaps = [troubles[0], strange, _gap(requests), lag]
        gathered.add(rows, kind=Request, subject=service, query=f"request log{clock}", gap=_told(gaps))
    return gathered


def _by_service(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    index: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        index[row.service].append(row)
    return index


def _control(service: str, rows: list[Request], lines: list[Entry], expected: Expected) -> str:
    """Say why this may not be the service's log: a request of ours that it answered must be in it."""
    own = expected.probes.get(service, {})
    if own and not any(row.trace in own for row in rows):
        return f"our own request with trace {min(own)} is not in the log of {service}: it may be another service's"
    if not own and not rows and not lines:
        return f"nothing at all was found for {service}, and no request of ours tells whether anything should be"
    return ""


def _told(gaps: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(gap for gap in gaps if gap))


def _gap(page: LogPage) -> str:
    return "" if page.complete else page.gap or "the log was not read to its end"


def _read(logs: Logs, query: LogQuery) -> LogPage:
    try:
        return logs.read(query)
    except UntilgreenError as error:
        return LogPage(entries=(), requests=(), complete=False, gap=str(error))


def _wide(window: Window) -> Window:
    return Window(start=window.start - _ANY_CLOCK, end=window.end + _ANY_CLOCK)


def _shifted(window: Window, by: timedelta) -> Window:
    return Window(start=window.start + by, end=window.end + by)
