"""In-memory stand-ins for every port, for our tests and yours. Each passes the same contract tests as its adapter.

services = FakeServices(failing={"backend": ("HEALTH_CHECK_CONTAINER_ERROR", "it never listened")})
rollout = deploy(run, settings, images, services, FakeSecrets())
assert rollout.of("backend").status == "failed"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from untilgreen.model.delivery import HealthCheck
from untilgreen.model.evidence import Entry, Request, Stream
from untilgreen.model.suite import Outcome
from untilgreen.ports import NO_PACE, LogPage, LogQuery, Pace, Watcher
from untilgreen.testing.couriers import FakeCourier
from untilgreen.testing.fixers import FakeFixer
from untilgreen.testing.history import BEGINNING, FakeHistory
from untilgreen.testing.images import FakeBuilder, FakeChecker, FakeRegistry
from untilgreen.testing.metrics import FakeMetrics, usage_samples
from untilgreen.testing.secrets import FakeSecrets
from untilgreen.testing.services import FakeServices
from untilgreen.testing.stand_ins import FakeStandIns
from untilgreen.testing.suite import FakeSuite

__all__ = [
    "BEGINNING",
    "FakeBuilder",
    "FakeChecker",
    "FakeClock",
    "FakeCourier",
    "FakeFixer",
    "FakeHistory",
    "FakeLogs",
    "FakeMetrics",
    "FakeNarrator",
    "FakeProbe",
    "FakeRegistry",
    "FakeSecrets",
    "FakeServices",
    "FakeStandIns",
    "FakeSuite",
    "usage_samples",
]


class FakeClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, at: datetime = BEGINNING) -> None:
        self._at = at

    def now(self) -> datetime:
        """Return the moment."""
        return self._at

    def sleep(self, seconds: float) -> None:
        """Move on without waiting."""
        self._at += timedelta(seconds=seconds)


class FakeLogs:
    """A log in memory.

    Args:
        entries: log entries.
        requests: rows of the request log.
        gap: why reading it is not complete; empty when it is.
    """

    def __init__(self, entries: Iterable[Entry] = (), requests: Iterable[Request] = (), gap: str = "") -> None:
        self.entries = list(entries)
        self.requests = list(requests)
        self.gap = gap

    def read(self, query: LogQuery) -> LogPage:
        """Return the rows of the window."""
        entries = [row for row in self.entries if query.part != "requests" and _wanted(row, query)]
        requests = [row for row in self.requests if query.part != "entries" and _wanted(row, query)]
        if query.alarming:
            entries, requests = [row for row in entries if _alarming(row)], []
        rows = len(entries) + len(requests)
        gap = f"stopped after {query.most} rows" if 0 < query.most < rows else self.gap
        most = query.most or rows
        return LogPage(entries=tuple(entries[:most]), requests=tuple(requests[:most]), complete=not gap, gap=gap)

    def settled(self, query: LogQuery, traces: frozenset[str], patience_s: float) -> bool:  # noqa: ARG002 - nothing comes later here
        """Tell at once: nothing is on its way."""
        return traces <= {row.trace for row in self.read(query).requests}


class FakeProbe:
    """Health checks with scripted answers.

    Args:
        statuses: service, or `service /path`, -> its answers, one a check; the last one stays. What is not named
            answers 200.
        clock: gives the checks their time.
        log: takes a row of the request log for each answer, as the platform does.
        answering: service -> the revision that answers; `NAME-1` for those that are not named.
    """

    def __init__(
        self,
        statuses: Mapping[str, Iterable[int | None]] | None = None,
        clock: FakeClock | None = None,
        log: FakeLogs | None = None,
        answering: Mapping[str, str] | None = None,
    ) -> None:
        self._statuses = {service: list(answers) for service, answers in (statuses or {}).items()}
        self._clock = clock or FakeClock()
        self._log = log
        self._answering = dict(answering or {})

    def check(self, service: str, url: str, trace: str = "") -> HealthCheck:
        """Give the next answer."""
        answers = self._statuses.get(f"{service} {_path(url)}", self._statuses.get(service, [200]))
        status = answers.pop(0) if len(answers) > 1 else answers[0]
        detail = "" if status else "ConnectError: nobody is there"
        at = self._clock.now()
        if self._log and status:
            revision = self._answering.get(service, f"{service}-1")
            row = Request(
                at=at,
                service=service,
                revision=revision,
                method="GET",
                path=_path(url),
                status=status,
                latency_s=0.0,
                trace=trace,
                insert_id=f"{len(self._log.requests)}",
            )
            self._log.requests.append(row)
        return HealthCheck(service=service, url=url, at=at, status=status, latency_s=0.0, detail=detail, trace=trace)


class FakeNarrator:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        """Step and text."""
        self.total = 0
        self.outcomes: dict[str, Outcome] = {}

    def say(self, step: str, text: str) -> None:
        """Remember one line."""
        self.lines.append((step, text))

    def note(self, step: str, text: str) -> None:
        """Remember one line."""
        self.lines.append((step, text))

    def suite(self, pace: Pace = NO_PACE) -> Watcher:  # noqa: ARG002 - a port's words
        """Watch the suite too."""
        return self

    def collected(self, total: int) -> None:
        """Remember how many tests there are."""
        self.total = total

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:  # noqa: ARG002 - a port's words
        """Remember one test's end."""
        self.outcomes[nodeid] = outcome


def _path(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2]


def _wanted(row: Entry | Request, query: LogQuery) -> bool:
    placed = row.service in query.services and row.at is not None and query.window.contains(row.at)
    fitting = not query.revisions or row.revision in query.revisions
    return placed and fitting and (not query.traces or row.trace in query.traces)


def _alarming(entry: Entry) -> bool:
    return entry.severity in ("ERROR", "CRITICAL", "ALERT", "EMERGENCY") or entry.stream in (
        Stream.SYSTEM,
        Stream.STDERR,
    )
