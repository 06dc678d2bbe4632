"""Step deploy: every secret is checked before anything moves; then service by service, each proven to serve."""

from __future__ import annotations

from untilgreen.clock import Clock, SystemClock
from untilgreen.deploy.contract import Observed, broken_rule, serving_revision
from untilgreen.deploy.plan import PlannedService, RolloutPlan, fill_urls, plan
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import (
    Images,
    Rollout,
    SecretBinding,
    SecretProblem,
    SecretStatus,
    Served,
    ServiceState,
    ServingStatus,
)
from untilgreen.ports import Secrets, Services
from untilgreen.settings import FILE, Settings


def deploy(
    run: Run, settings: Settings, images: Images, services: Services, secrets: Secrets, *, clock: Clock | None = None
) -> Rollout:
    """Roll all services out.

    A service that does not start is a result: the platform keeps its old revision serving, and the services after it
    are skipped. The same call repeated finds what it rolled out before.

    Raises:
        ConfigError: an env value refers to a service that is not deployed before.
        CloudUnavailable: a transient fault, after retries; repeating the step is safe.
        RolloutFailed: the platform refuses a request itself.
    """
    clock = clock or SystemClock()
    started = clock.now()
    wanted = plan(run, settings, images)
    checked = check_secrets(wanted, secrets)
    refused = not all(status.usable for status in checked)
    served = _refuse(wanted, checked, services) if refused else _execute(wanted, services)
    return Rollout(commit=wanted.commit, started=started, finished=clock.now(), services=served, secrets=checked)


def check_secrets(wanted: RolloutPlan, secrets: Secrets) -> tuple[SecretStatus, ...]:
    """Check every binding of every service, and report what a service needs and nothing binds."""
    checked: list[SecretStatus] = []
    for service in wanted.services:
        template = service.template
        checked += [secrets.check(service.service, bound, template.account) for bound in template.secrets]
        checked += [_unbound(service, env) for env in service.unbound]
    return tuple(checked)


def _unbound(service: PlannedService, env: str) -> SecretStatus:
    return SecretStatus(
        service=service.service,
        binding=SecretBinding(env=env, secret="", version=""),
        account=service.template.account,
        problem=SecretProblem.NOT_BOUND,
        message=f"{FILE}: services.{service.service}.needs names {env}, and neither env nor secrets binds it. "
        f"Add it to services.{service.service}.secrets.",
    )


def _refuse(wanted: RolloutPlan, checked: tuple[SecretStatus, ...], services: Services) -> tuple[Served, ...]:
    """Roll nothing out: half a rollout of services that trust one another is worse than none."""
    problems = [status for status in checked if not status.usable]
    blamed = ", ".join(sorted({status.service for status in problems}))
    served = []
    for service in wanted.services:
        own = [status for status in problems if status.service == service.service]
        reason = f"SECRET_{own[0].problem}".upper() if own else "OTHER_SERVICE_REFUSED"
        message = "\n".join(f"{s.binding.env}: {s.message}" for s in own) or f"Not tried: secrets of {blamed} fail."
        before = services.get(service.service)
        served.append(_served(service, before, before, (ServingStatus.REFUSED, reason, message)))
    return tuple(served)


def _execute(wanted: RolloutPlan, services: Services) -> tuple[Served, ...]:
    """Roll out one after the other until one fails."""
    served: list[Served] = []
    urls: dict[str, str] = {}
    failed = ""
    for service in wanted.services:
        if failed:
            before = services.get(service.service)
            ending = (ServingStatus.SKIPPED, "EARLIER_SERVICE_FAILED", f"Not tried: {failed} failed first.")
            served.append(_served(service, before, before, ending))
            continue
        served.append(_roll_out(service, urls, services))
        urls[service.service] = served[-1].url
        failed = "" if served[-1].status is ServingStatus.SERVING else service.service
    return tuple(served)


def _roll_out(service: PlannedService, urls: dict[str, str], services: Services) -> Served:
    before = services.get(service.service)
    state = services.apply(fill_urls(service.template, urls), service.revision)
    seen = Observed(wanted=service, state=state, revision=services.revision(service.service, service.revision))
    wrong = broken_rule(seen)
    ending = (ServingStatus.FAILED, *wrong) if wrong else (ServingStatus.SERVING, "", "")
    return _served(service, before, state, ending)


def _served(
    service: PlannedService,
    before: ServiceState | None,
    after: ServiceState | None,
    ending: tuple[ServingStatus, str, str],
) -> Served:
    status, reason, message = ending
    tried = status in {ServingStatus.SERVING, ServingStatus.FAILED}
    earlier = serving_revision(before) if before else ""
    return Served(
        service=service.service,
        status=status,
        url=after.url if after else "",
        revision=service.revision if tried else "",
        serving_revision=serving_revision(after) if after else "",
        previous_revision=earlier if earlier != service.revision else "",
        digest=service.digest,
        commit=service.template.labels["commit"],
        reason=reason,
        message=message,
    )
