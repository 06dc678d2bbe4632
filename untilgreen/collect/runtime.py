"""What the platform shows and logged: revisions, secrets, health, entries and requests."""

from __future__ import annotations

from collections.abc import Iterable

from untilgreen.collect.gathered import Gathered
from untilgreen.deploy.wanted import Wanted
from untilgreen.errors import UntilgreenError
from untilgreen.model.delivery import Health, RevisionState, Rollout, Served, Template, Traffic
from untilgreen.model.document import Window
from untilgreen.model.evidence import Entry, HealthSeen, Request, Revision, Secret
from untilgreen.model.suite import Result
from untilgreen.ports import LogPage, LogQuery, Logs, Services


def log_rows(logs: Logs, services: Iterable[str], window: Window, expected: frozenset[str]) -> Gathered:
    """Collect everything that was logged.

    Args:
        logs: Cloud Logging.
        services: whose logs.
        window: when.
        expected: traces that tests got answers for; a request log without them has not caught up yet.
    """
    query = LogQuery(services=tuple(services), window=window)
    page = _read(logs, query)
    late = len(expected - {request.trace for request in page.requests})
    lag = f"the request log has no row yet for {late} of {len(expected)} traces" if late else ""
    gathered = Gathered(window)
    for service in query.services:
        entries = [entry for entry in page.entries if entry.service == service]
        gathered.add(entries, kind=Entry, subject=service, query="all log entries", gap=_gap(page))
        requests = [request for request in page.requests if request.service == service]
        gap = "; ".join(filter(None, [_gap(page), lag]))
        gathered.add(requests, kind=Request, subject=service, query="request log", gap=gap)
    return gathered


def answered_traces(results: Iterable[Result], urls: Iterable[str]) -> frozenset[str]:
    """Return the traces of tests that certainly reached a deployed service: bytes came back from it."""
    hosts = {url.partition("://")[2].partition("/")[0] for url in urls}
    sightings = (attempt.sighting for result in results for attempt in result.attempts if attempt.sighting)
    return frozenset(
        seen.trace
        for seen in sightings
        if seen.bytes_received and any(e.host in hosts and e.status is not None for e in seen.exchanges)
    )


def revisions(services: Services, rollout: Rollout, wanted: Wanted, good: Rollout | None, window: Window) -> Gathered:
    """Collect the revisions under test, and the last good ones they are compared with."""
    templates = {planned.service: planned.template for planned in wanted.services}
    earlier = {served.service: served for served in good.services} if good else {}
    gathered = Gathered(window)
    for served in rollout.services:
        found, gap = _revision(services, served, templates.get(served.service), current=True)
        before = earlier.get(served.service)
        if before and before.revision != served.revision:
            old, old_gap = _revision(services, before, None, current=False)
            found, gap = [*found, *old], "; ".join(filter(None, [gap, old_gap]))
        gathered.add(found, kind=Revision, subject=served.service, query="revision under test, last good one", gap=gap)
    return gathered


def secrets_seen(rollout: Rollout, window: Window) -> Gathered:
    """Collect how each secret binding was found before the rollout."""
    gathered = Gathered(window)
    for served in rollout.services:
        found = [Secret(at=rollout.started, status=s) for s in rollout.secrets if s.service == served.service]
        gap = "; ".join(
            f"{s.status.binding.env}: {', '.join(s.status.unchecked)} not checked" for s in found if s.status.unchecked
        )
        query = "every binding and every needed env name"
        gathered.add(found, kind=Secret, subject=served.service, query=query, gap=gap)
    return gathered


def health_seen(rollout: Rollout, health: Health | None, window: Window) -> Gathered:
    """Collect the last health checks; there are none when nothing served."""
    gathered = Gathered(window)
    for served in rollout.services:
        checks = [check for check in health.checks if check.service == served.service] if health else []
        found = [
            HealthSeen(at=c.at, service=c.service, url=c.url, ok=c.ok, status=c.status, detail=c.detail) for c in checks
        ]
        gap = "" if checks else "no health check was made"
        gathered.add(found, kind=HealthSeen, subject=served.service, query="last health checks", gap=gap)
    return gathered


def _read(logs: Logs, query: LogQuery) -> LogPage:
    try:
        return logs.read(query)
    except UntilgreenError as error:
        return LogPage(entries=(), requests=(), complete=False, gap=str(error))


def _gap(page: LogPage) -> str:
    return "" if page.complete else page.gap or "the log was not read to its end"


def _revision(
    services: Services, served: Served, template: Template | None, *, current: bool
) -> tuple[list[Revision], str]:
    """Return a revision as the platform shows it, or as it was applied when it shows none."""
    if not served.revision:
        return [], f"{served.service}: no revision was made"
    try:
        state = services.revision(served.service, served.revision)
        service = services.get(served.service)
    except UntilgreenError as error:
        return [_item(served, None, template, (), current=current)], str(error)
    gap = "" if state else f"{served.revision}: the platform no longer shows it"
    return [_item(served, state, template, service.traffic if service else (), current=current)], gap


def _item(
    served: Served,
    state: RevisionState | None,
    template: Template | None,
    traffic: tuple[Traffic, ...],
    *,
    current: bool,
) -> Revision:
    return Revision(
        at=state.created if state else None,
        service=served.service,
        name=served.revision,
        ready=state.ready if state else False,
        reason=(state.reason if state else "") or served.reason,
        message=(state.message if state else "") or served.message,
        digest=(state.digest if state else "") or served.digest,
        commit=served.commit,
        template=(state.template if state else None) or template,
        traffic=tuple(share for share in traffic if share.revision == served.revision),
        current=current,
    )
