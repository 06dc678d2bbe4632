"""Step wait: every service answers 2xx several times in a row, and is who it should be, before a test may begin."""

from __future__ import annotations

from collections.abc import Mapping

from untilgreen.clock import Clock, SystemClock
from untilgreen.deploy.levels import levels, side_by_side
from untilgreen.model.delivery import Health, HealthCheck, Rollout, Served, ServingStatus
from untilgreen.model.document import Document
from untilgreen.ports import Logs, Probe
from untilgreen.settings import HealthSettings, Settings, in_order
from untilgreen.wait.identity import doubt, identities
from untilgreen.wait.watch import Watch, told

HELD_BACK = ("OTHER_SERVICE_REFUSED", "EARLIER_SERVICE_FAILED", "OTHER_SERVICE_FAILED")
"""Reasons of services with which nothing is wrong by itself."""


class Looked(Document):
    """What was seen of one service."""

    health: tuple[HealthCheck, ...] = ()
    ready: tuple[HealthCheck, ...] = ()
    reason: str = ""
    """Why it may not be tested; empty when it may."""


def wait(settings: Settings, rollout: Rollout, probe: Probe, logs: Logs, clock: Clock | None = None) -> Health:
    """Wait until every service is healthy and known to be the deployed one, or say which is not.

    Services that do not depend on one another are watched side by side; those that depend on a sick one are looked at
    once.

    Returns:
        The last checks of each service, and who answered them. A rollout that does not serve is not waited for.
    """
    if not rollout.serving:
        return Health(healthy=False, checks=(), reason=_why_not_serving(rollout))
    clock = clock or SystemClock()
    looked = _look_at_all(settings, rollout, probe, clock)
    well = {name: look.health for name, look in looked.items() if not look.reason}
    patience_s = max(settings.services[served.service].health.identity_s for served in rollout.services)
    known = identities(rollout.services, well, logs, patience_s, clock)
    reasons = [look.reason for look in looked.values()] + [doubt(identity, patience_s) for identity in known]
    return Health(
        healthy=not any(reasons),
        checks=tuple(check for look in looked.values() for check in (*look.health, *look.ready)),
        reason="; ".join(filter(None, reasons)),
        identities=known,
    )


def _look_at_all(settings: Settings, rollout: Rollout, probe: Probe, clock: Clock) -> dict[str, Looked]:
    """Look at the services in the order of their dependencies; return them in the rollout's order."""
    served = {s.service: s for s in rollout.services}
    depends_on = {name: settings.services[name].depends_on for name in in_order(settings) if name in served}
    looked: dict[str, Looked] = {}
    for level in levels(depends_on):
        asked = [(served[name], settings.services[name].health, _sick(depends_on[name], looked)) for name in level]
        found = side_by_side(lambda one: _look(*one, probe, clock), asked)
        looked |= dict(zip(level, found, strict=True))
    return {name: looked[name] for name in served}


def _sick(names: tuple[str, ...], looked: Mapping[str, Looked]) -> str:
    return ", ".join(name for name in names if name in looked and looked[name].reason)


def _look(served: Served, health: HealthSettings, sick: str, probe: Probe, clock: Clock) -> Looked:
    if not served.url:
        return Looked(reason=f"{served.service}: NO_URL: the platform gave it no URL, so nobody can ask it anything")
    watch = Watch(served.service, health.consecutive, 0 if sick else health.timeout_s, probe, clock)
    alive = watch.path(served.url, health.path)
    able = watch.path(served.url, health.ready, "ready") if health.ready else ()
    if sick:
        reason = f"{served.service}: not waited for, because it depends on {sick}"
    elif not watch.enough(alive):
        reason = _why_unhealthy(served, health, alive)
    elif health.ready and not watch.enough(able):
        reason = f"{_why_unhealthy(served, health, able)}; its health answers {told(alive[-1])}"
    else:
        reason = ""
    return Looked(health=alive, ready=able, reason=reason)


def _why_unhealthy(served: Served, health: HealthSettings, checks: tuple[HealthCheck, ...]) -> str:
    last = next((check for check in reversed(checks) if not check.ok), checks[-1])
    state = "ready" if last.kind == "ready" else "healthy"
    return (
        f"{served.service}: {last.url} was not {state} within {health.timeout_s:g} s; the last answer was {told(last)}"
    )


def _why_not_serving(rollout: Rollout) -> str:
    """Name what went wrong by itself; what was only held back by that comes after it."""
    broken = [s for s in rollout.services if s.status is not ServingStatus.SERVING and s.reason not in HELD_BACK]
    return "; ".join(_words(served) for served in broken) or "nothing was rolled out"


def _words(served: Served) -> str:
    said = f"{served.service} {served.status}: {served.reason} {served.message.partition(chr(10))[0]}".strip()
    ended = f" It ended with exit code {served.exit_code}." if served.exit_code is not None else ""
    last = f" Its last line: {served.last_words[-1]}" if served.last_words else ""
    return f"{said}{ended}{last}"
