"""How healthy each service was: at the end of step wait, and over the whole cycle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from untilgreen.collect.gathered import Gathered
from untilgreen.model.delivery import Health, HealthCheck, Rollout
from untilgreen.model.document import Window
from untilgreen.model.evidence import HealthSeen, HealthSpan


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


def health_timeline(rollout: Rollout, looks: Iterable[HealthCheck], window: Window, *, broken: int = 0) -> Gathered:
    """Collect the answers to every look at a service's health, those in a row that are alike as one.

    Args:
        rollout: what was deployed.
        looks: all that were taken, in the order of time.
        window: of the cycle.
        broken: how many more there are that cannot be read.
    """
    inside = [look for look in looks if window.contains(look.at)]
    gathered = Gathered(window)
    unread = f"{broken} looks cannot be read" if broken else ""
    for served in rollout.services:
        own = sorted((look for look in inside if look.service == served.service), key=lambda look: look.url)
        spans = [_span(list(same)) for _, same in groupby(own, key=_answer)]
        gap = unread if own else "nobody looked at its health"
        gathered.add(spans, kind=HealthSpan, subject=served.service, query="every look at its health", gap=gap)
    return gathered


def _answer(look: HealthCheck) -> tuple[str, int | None, str]:
    """Return what makes two answers alike: of no answer at all also why, without the words that may vary."""
    return look.url, look.status, look.detail.partition(":")[0] if look.status is None else ""


def _span(looks: Sequence[HealthCheck]) -> HealthSpan:
    first = looks[0]
    return HealthSpan(
        at=first.at,
        service=first.service,
        url=first.url,
        ok=first.ok,
        status=first.status,
        detail=first.detail,
        until=looks[-1].at,
        looks=len(looks),
    )
