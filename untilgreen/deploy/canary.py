"""The careful way: a new revision answers under a URL of its own, and gets traffic only when it is well there."""

from __future__ import annotations

from untilgreen.clock import Clock
from untilgreen.deploy.contract import CANDIDATE_RULES, Observed, broken_rule
from untilgreen.deploy.plan import PlannedService
from untilgreen.model.delivery import HealthCheck, ServiceState, Template
from untilgreen.ports import Probe, Services
from untilgreen.wait.watch import Watch, told

TAG = "candidate"
"""Under which a canary answers; it is taken away when the canary gets all the traffic."""


def roll_out_canary(
    service: PlannedService, template: Template, services: Services, probe: Probe, clock: Clock
) -> tuple[ServiceState, tuple[str, str] | None]:
    """Make a revision without traffic, ask it how it is, and give it all the traffic only then.

    Returns:
        The last state, and reason and message of what is wrong with the canary, or None when it has the traffic. A
        canary that is not well keeps its URL and none of the traffic.
    """
    state = services.apply(template, service.revision, TAG)
    revision = services.revision(service.service, service.revision)
    wrong = broken_rule(Observed(wanted=service, state=state, revision=revision), CANDIDATE_RULES)
    if wrong:
        return state, wrong
    url = next((share.url for share in state.traffic if share.revision == service.revision and share.tag == TAG), "")
    bad = _unwell(service, url, probe, clock)
    if bad:
        return state, ("CANARY_FAILED", f"{bad}. {service.revision} keeps 0 % of the traffic; its logs tell more.")
    return services.route(service.service, service.revision), None


def _unwell(service: PlannedService, url: str, probe: Probe, clock: Clock) -> str:
    """Say what is wrong with a canary; empty when all its paths answer well."""
    if not url:
        return f"{service.service}: the platform gives the canary no URL"
    health = service.health
    watch = Watch(service.service, health.consecutive, health.timeout_s, probe, clock)
    checks = watch.path(url, health.path)
    if not watch.enough(checks):
        return _answer(checks[-1])
    once = Watch(service.service, 1, 0, probe, clock)
    smoked = [once.path(url, path)[-1] for path in service.smoke]
    return next((_answer(check) for check in smoked if not check.ok), "")


def _answer(check: HealthCheck) -> str:
    return f"{check.service}: the canary answers {told(check)} at {check.url}"
