"""A bundle with the indexes that the walk needs. Built once, in time linear in the bundle's size."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property

from untilgreen.collect.bundle import Bundle
from untilgreen.knowledge import default
from untilgreen.knowledge import parse as parse_knowledge
from untilgreen.model.evidence import Case, Entry, Request, Revision, Stream
from untilgreen.model.suite import Exchange, Outcome
from untilgreen.triage.checkout import Checkout
from untilgreen.triage.masking import segments
from untilgreen.triage.routes import Paths, Route, literals

_START = datetime(1970, 1, 1, tzinfo=UTC)
_SKEW = timedelta(seconds=2)

RouteKey = tuple[str, str, str]
"""Service, method and path template."""


class Scene(Checkout):
    """What can be looked up while walking from a failure to its cause.

    Args:
        bundle: the evidence; its items may come in any order.
    """

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self.knowledge = default().with_more(parse_knowledge(bundle.manifest.knowledge, "knowledge"))
        self.hosts = {host: name for name, url in bundle.manifest.urls.items() for host in hosts_of(url)}
        cases = sorted(bundle.find(Case), key=lambda case: (case.nodeid, case.outcome))
        self.passed = [case for case in cases if case.outcome is Outcome.PASSED]
        self.not_run = [case for case in cases if case.outcome is Outcome.NOT_RUN]
        self.bad = list({case.nodeid: case for case in cases if case.outcome.bad}.values())

    # Services and revisions

    @cached_property
    def services(self) -> tuple[str, ...]:
        """All services that the evidence names, in alphabetical order."""
        return tuple(sorted({*self.manifest.revisions, *self.manifest.sources, *self.manifest.urls}))

    @cached_property
    def current(self) -> dict[str, Revision]:
        """Service -> its revision under test."""
        return {r.service: r for r in self._revisions if r.current}

    @cached_property
    def good(self) -> dict[str, Revision]:
        """Service -> its last good revision."""
        return {r.service: r for r in self._revisions if not r.current}

    @cached_property
    def _revisions(self) -> list[Revision]:
        return sorted(self.bundle.find(Revision), key=lambda r: (r.at or _START, r.name))

    @cached_property
    def calls(self) -> dict[str, tuple[str, ...]]:
        """Service -> the services whose address its template names."""
        return {name: tuple(self._addressed(name)) for name in self.services}

    def _addressed(self, service: str) -> Iterator[str]:
        revision = self.current.get(service)
        values = revision.template.env.values() if revision and revision.template else ()
        for host, other in sorted(self.hosts.items()):
            if other != service and any(host in value for value in values):
                yield other

    # What happened on a trace

    def rows(self, trace: str, service: str = "") -> list[Request]:
        """Return the platform's request rows of a trace in time order."""
        return sorted(self.bundle.find(Request, trace=trace, service=service), key=_when) if trace else []

    def entries(self, trace: str, service: str = "") -> list[Entry]:
        """Return the log entries of a trace in time order."""
        return sorted(self.bundle.find(Entry, trace=trace, service=service), key=_when) if trace else []

    def raised(self, trace: str, service: str = "") -> list[Entry]:
        """Return the log entries of a trace that tell of an exception, in time order."""
        return sorted(self.bundle.find(Entry, trace=trace, service=service, raised=True), key=_when) if trace else []

    def inner(self, case: Case) -> list[Request]:
        """Return the rows of a case's trace that its own exchanges do not account for: services calling services."""
        own = Counter((self.hosts.get(x.host, ""), segments(x.path)) for x in case.exchanges)
        found = []
        for row in self.rows(case.trace):
            key = row.service, segments(row.path)
            if own[key] > 0:
                own[key] -= 1
            else:
                found.append(row)
        return found

    def row_of(self, case: Case, exchange: Exchange) -> Request | None:
        """Return the platform's row of an exchange; of several like it the last with the same status."""
        service = self.hosts.get(exchange.host, "")
        same = [r for r in self.rows(case.trace, service) if segments(r.path) == segments(exchange.path)]
        return next((r for r in reversed(same) if r.status == exchange.status), same[-1] if same else None)

    def near(self, row: Request) -> list[Entry]:
        """Return tracebacks that carry no trace and were logged by the row's service while it was served."""
        if row.at is None:
            return []
        times, entries = self._untraced[row.service]
        first = bisect_left(times, row.at - _SKEW)
        last = bisect_left(times, row.at + timedelta(seconds=row.latency_s) + _SKEW)
        return entries[first:last]

    @cached_property
    def _untraced(self) -> dict[str, tuple[list[datetime], list[Entry]]]:
        found: dict[str, tuple[list[datetime], list[Entry]]] = defaultdict(lambda: ([], []))
        for entry in sorted(self.bundle.find(Entry, raised=True, traced=False), key=_when):
            if entry.at:
                found[entry.service][0].append(entry.at)
                found[entry.service][1].append(entry)
        return found

    def logged(self, service: str, revision: str = "") -> list[Entry]:
        """Return what a service, or one revision of it, and the platform about it, logged, in time order.

        Of what it logged while it served a request only the exceptions: there may be a million lines of the rest.
        """
        key = ("logged", f"{service} {revision}")
        if key not in self.memo:
            alone = self.bundle.find(Entry, service=service, revision=revision, traced=False)
            raised = self.bundle.find(Entry, service=service, revision=revision, traced=True, raised=True)
            self.memo[key] = sorted([*alone, *raised], key=_when)
        found: list[Entry] = self.memo[key]
        return found

    def platform(self, service: str) -> list[Entry]:
        """Return what only the platform can have written about a service's current revision."""
        return self._platform.get((service, self.manifest.revisions.get(service, "")), [])

    @cached_property
    def _platform(self) -> dict[tuple[str, str], list[Entry]]:
        found: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in sorted(self.bundle.find(Entry, stream=Stream.SYSTEM), key=_when):
            found[entry.service, entry.revision].append(entry)
        return found

    # Paths

    @cached_property
    def paths(self) -> Paths:
        """Templates of all paths that were asked for."""
        asked = [path for path, _ in self.bundle.tally(Request, "path")]
        asked += [x.path for case in (*self.bad, *self.passed) for x in case.exchanges]
        lines = (line for hunk in self.hunks for line in hunk.removed)
        known = {route for line in lines for route in literals(line)}
        return Paths(asked, known.union(*(self.routes(name) for name in self.services)))

    def routes(self, service: str) -> set[Route]:
        """Return the path literals of a service's source."""
        if service not in self._routes:
            self._routes[service] = set().union(*(literals(f.content) for f in self.files(service)))
        return self._routes[service]

    @cached_property
    def _routes(self) -> dict[str, set[Route]]:
        return {}

    def key_of(self, row: Request) -> RouteKey:
        """Return what a row asked for, without the parts that vary."""
        return row.service, row.method, self.paths.template(row.path)

    @cached_property
    def tally(self) -> dict[RouteKey, Counter[int]]:
        """How often each route gave each status, in all rows."""
        found: dict[RouteKey, Counter[int]] = defaultdict(Counter)
        for service, method, path, status, count in self.bundle.tally(Request, "service", "method", "path", "status"):
            found[service, method, self.paths.template(path)][status] += count
        return found

    @cached_property
    def normal(self) -> dict[RouteKey, set[int]]:
        """Route -> the statuses that tests which pass get from it."""
        found: dict[RouteKey, set[int]] = defaultdict(set)
        for key, status in (answer for case in self.passed for answer in self._seen.get(case.trace, ())):
            found[key].add(status)
        return dict(found)

    def asking(self, key: RouteKey) -> frozenset[str]:
        """Return the traces of tests on which a route was asked, whatever it answered."""
        return self._asking.get(key, frozenset())

    @cached_property
    def _asking(self) -> dict[RouteKey, frozenset[str]]:
        found: dict[RouteKey, set[str]] = defaultdict(set)
        for trace, answers in self._seen.items():
            for key, _ in answers:
                found[key].add(trace)
        return {key: frozenset(traces) for key, traces in found.items()}

    def telling(self, row: Request) -> bool:
        """Tell whether failing tests see this answer of this route oftener than passing ones."""
        key = self.key_of(row), row.status
        passing, failing = self._answers[0][key], self._answers[1][key]
        return passing < failing and passing * max(len(self.bad), 1) < failing * max(len(self.passed), 1)

    @cached_property
    def _answers(self) -> tuple[Counter[tuple[RouteKey, int]], Counter[tuple[RouteKey, int]]]:
        """Count in how many passing and failing tests each route gave each status."""
        passing, failing = (
            Counter(answer for case in cases for answer in self._seen.get(case.trace, ()))
            for cases in (self.passed, self.bad)
        )
        return passing, failing

    @cached_property
    def _seen(self) -> dict[str, set[tuple[RouteKey, int]]]:
        """Trace of a test -> which routes gave which statuses on it."""
        tested = {case.trace for case in (*self.passed, *self.bad)} - {""}
        found: dict[str, set[tuple[RouteKey, int]]] = defaultdict(set)
        columns = ("trace", "service", "method", "path", "status")
        for trace, service, method, path, status, _ in self.bundle.tally(Request, *columns, traced=True):
            if trace in tested:
                found[trace].add(((service, method, self.paths.template(path)), status))
        return dict(found)


def hosts_of(url: str) -> tuple[str, ...]:
    """Return an address with and without the port that its scheme implies: clients write either."""
    scheme, _, rest = url.partition("://")
    host = rest.split("/")[0]
    port = {"https": "443", "wss": "443", "http": "80", "ws": "80"}.get(scheme, "")
    return (host,) if ":" in host or not port else (host, f"{host}:{port}")


def _when(item: Entry | Request) -> tuple[datetime, str]:
    return item.at or _START, item.insert_id
