"""What the platform shows: revisions and secrets; and what must be found in its log."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from untilgreen.collect.gathered import Gathered
from untilgreen.collect.log_evidence import Expected
from untilgreen.deploy.wanted import Wanted
from untilgreen.errors import UntilgreenError
from untilgreen.model.delivery import Health, RevisionState, Rollout, Served, ServingStatus, Template, Traffic
from untilgreen.model.document import Window
from untilgreen.model.evidence import Revision, Secret
from untilgreen.model.suite import Attempt, Result
from untilgreen.ports import Probe, Services


def expected_in(
    results: Sequence[Result], rollout: Rollout, health: Health | None, last: Mapping[str, str], most: int
) -> Expected:
    """Return what must be found in the log.

    Args:
        results: one for each collected test.
        rollout: what was deployed.
        health: what step wait saw.
        last: service -> trace of a request that was made just now.
        most: log entries after which not everything is read any more.
    """
    probes: dict[str, dict[str, datetime]] = defaultdict(dict)
    for check in health.checks if health else ():
        if check.trace and check.status is not None:
            probes[check.service][check.trace] = check.at
    return Expected(
        probes=dict(probes),
        last=frozenset(last.values()),
        answered=answered_traces(results, [served.url for served in rollout.services]),
        failing=frozenset(attempt.sighting.trace for attempt in _failed(results) if attempt.sighting),
        unready=tuple(s.revision for s in rollout.services if s.revision and s.status is not ServingStatus.SERVING),
        most=most,
    )


def _failed(results: Iterable[Result]) -> Iterator[Attempt]:
    return (attempt for result in results for attempt in result.attempts if attempt.outcome.bad)


def ask_last(probe: Probe | None, rollout: Rollout, health: Health | None, paths: Mapping[str, str]) -> dict[str, str]:
    """Ask each healthy service once more, so that the log's newest row is known.

    Args:
        probe: asks; None asks nobody.
        rollout: where they are.
        health: who answers.
        paths: service -> its health path.

    Returns:
        Service -> the trace of the request that it answered.
    """
    well = {check.service for check in health.checks if check.ok} if health else set()
    asked: dict[str, str] = {}
    if probe is None:
        return asked
    for served in rollout.services:
        if served.service in well and served.url:
            trace = secrets.token_hex(16)
            check = probe.check(served.service, f"{served.url}{paths.get(served.service, '/')}", trace)
            asked |= {served.service: trace} if check.status is not None else {}
    return asked


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
