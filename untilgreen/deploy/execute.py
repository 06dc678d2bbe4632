"""Carries out a plan: services that do not wait for one another side by side, each proven to serve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from untilgreen.clock import Clock
from untilgreen.deploy.canary import roll_out_canary
from untilgreen.deploy.contract import Observed, broken_rule, serving_revision
from untilgreen.deploy.levels import side_by_side
from untilgreen.deploy.plan import Action, PlannedService, RolloutPlan
from untilgreen.deploy.wanted import fill_urls
from untilgreen.errors import RolloutFailed
from untilgreen.model.delivery import Served, ServiceState, ServingStatus
from untilgreen.model.document import Document
from untilgreen.ports import Probe, Services

Wrong = tuple[str, str] | None
"""Reason and message, or None when nothing is wrong."""


@dataclass(frozen=True)
class Reach:
    """What a rollout works with."""

    services: Services
    probe: Probe | None
    clock: Clock


class Ending(Document):
    """How the rollout of one service ended."""

    status: ServingStatus
    reason: str = ""
    message: str = ""


def refuse(plan: RolloutPlan, services: Services) -> tuple[Served, ...]:
    """Roll nothing out, and say for each service why."""
    blamed = ", ".join(dict.fromkeys(refusal.service for refusal in plan.refusals))
    served = []
    for service in plan.services:
        own = [refusal for refusal in plan.refusals if refusal.service == service.service]
        reason = own[0].reason if own else "OTHER_SERVICE_REFUSED"
        message = "\n".join(refusal.message for refusal in own) or f"Not tried: {blamed} was refused."
        ending = Ending(status=ServingStatus.REFUSED, reason=reason, message=message)
        state = services.get(service.service)
        served.append(_served(service, state, state, ending))
    return tuple(served)


def execute(plan: RolloutPlan, reach: Reach) -> tuple[Served, ...]:
    """Roll out level by level until one service fails; what would come after it is skipped.

    Raises:
        CloudUnavailable: a transient fault, after retries; repeating it is safe.
    """
    done: dict[str, Served] = {}
    for level in plan.levels:
        failed = [s.service for s in done.values() if s.status is ServingStatus.FAILED]
        if failed:
            done |= {service.service: _skipped(service, failed, reach.services) for service in level}
            continue
        urls = {served.service: served.url for served in done.values()}
        done |= {served.service: served for served in side_by_side(partial(_roll_out, urls, reach), level)}
    return tuple(done[service.service] for service in plan.services)


def _roll_out(urls: dict[str, str], reach: Reach, service: PlannedService) -> Served:
    services = reach.services
    before = services.get(service.service)
    try:
        state, wrong = _act(service, urls, before, reach)
    except RolloutFailed as error:
        refused = ("REQUEST_REFUSED", str(error))
        return _served(service, before, services.get(service.service), _ending(refused))
    if wrong is None:
        revision = services.revision(service.service, service.revision)
        wrong = broken_rule(Observed(wanted=service, state=state, revision=revision))
    return _served(service, before, state, _ending(wrong))


def _act(
    service: PlannedService, urls: dict[str, str], before: ServiceState | None, reach: Reach
) -> tuple[ServiceState, Wrong]:
    template = fill_urls(service.template, urls)
    if service.strategy == "canary" and before and serving_revision(before) not in {"", service.revision}:
        if reach.probe is None:
            raise ValueError(f"{service.service}: a canary needs a probe; hand one to deploy().")
        return roll_out_canary(service, template, reach.services, reach.probe, reach.clock)
    if service.action is Action.TRAFFIC:
        return reach.services.route(service.service, service.revision), None
    return reach.services.apply(template, service.revision), None


def _ending(wrong: Wrong) -> Ending:
    if wrong is None:
        return Ending(status=ServingStatus.SERVING)
    return Ending(status=ServingStatus.FAILED, reason=wrong[0], message=wrong[1])


def _skipped(service: PlannedService, failed: list[str], services: Services) -> Served:
    state = services.get(service.service)
    message = f"Not tried: {', '.join(failed)} failed first."
    ending = Ending(status=ServingStatus.SKIPPED, reason="EARLIER_SERVICE_FAILED", message=message)
    return _served(service, state, state, ending)


def _served(service: PlannedService, before: ServiceState | None, after: ServiceState | None, ending: Ending) -> Served:
    tried = ending.status in {ServingStatus.SERVING, ServingStatus.FAILED}
    earlier = serving_revision(before) if before else ""
    return Served(
        service=service.service,
        status=ending.status,
        url=after.url if after else "",
        revision=service.revision if tried else "",
        serving_revision=serving_revision(after) if after else "",
        previous_revision=earlier if earlier != service.revision else "",
        digest=service.digest,
        commit=service.template.labels["commit"],
        reason=ending.reason,
        message=ending.message,
    )
