"""Step wait: every service answers 2xx several times in a row before a test may begin."""

from __future__ import annotations

from datetime import timedelta

from untilgreen.clock import Clock, SystemClock
from untilgreen.model.delivery import Health, HealthCheck, Rollout, Served, ServingStatus
from untilgreen.ports import Probe
from untilgreen.settings import HealthSettings, Settings

PAUSE_S = 0.25
"""Between two looks at one service: short beside a start-up, long beside an answer."""


def wait(settings: Settings, rollout: Rollout, probe: Probe, clock: Clock | None = None) -> Health:
    """Wait until every service is healthy, or say which is not.

    Returns:
        The last checks of each service. A rollout that does not serve is not waited for.
    """
    if not rollout.serving:
        return Health(healthy=False, checks=(), reason=_why_not_serving(rollout))
    clock = clock or SystemClock()
    checks: list[HealthCheck] = []
    reasons: list[str] = []
    for served in rollout.services:
        health = settings.services[served.service].health
        last = _watch(served, health, probe, clock)
        checks += last
        if not _enough(last, health):
            reasons.append(_why_unhealthy(served, health, last))
    return Health(healthy=not reasons, checks=tuple(checks), reason="; ".join(reasons))


def _watch(served: Served, health: HealthSettings, probe: Probe, clock: Clock) -> list[HealthCheck]:
    """Ask until there are enough good answers in a row or time is up; return the newest answers."""
    deadline = clock.now() + timedelta(seconds=health.timeout_s)
    url = served.url.rstrip("/") + "/" + health.path.lstrip("/")
    checks = [probe.check(served.service, url)]
    while not _enough(checks, health) and clock.now() < deadline:
        clock.sleep(PAUSE_S)
        checks = [*checks, probe.check(served.service, url)][-health.consecutive :]
    return checks


def _enough(checks: list[HealthCheck], health: HealthSettings) -> bool:
    return len(checks) >= health.consecutive and all(check.ok for check in checks)


def _why_unhealthy(served: Served, health: HealthSettings, checks: list[HealthCheck]) -> str:
    last = next((check for check in reversed(checks) if not check.ok), checks[-1])
    answer = f"{last.status} {last.detail}".strip() if last.status is not None else last.detail or "no answer"
    return f"{served.service}: {last.url} was not healthy within {health.timeout_s:g} s; the last answer was {answer}"


def _why_not_serving(rollout: Rollout) -> str:
    """Name what went wrong by itself; what was only held back by that comes after it."""
    held_back = ("OTHER_SERVICE_REFUSED", "EARLIER_SERVICE_FAILED")
    broken = [s for s in rollout.services if s.status is not ServingStatus.SERVING and s.reason not in held_back]
    words = [f"{s.service} {s.status}: {s.reason} {s.message.partition(chr(10))[0]}".strip() for s in broken]
    return "; ".join(words) or "nothing was rolled out"
