"""Step deploy: everything is checked and planned before anything moves; what moves is proven to serve."""

from __future__ import annotations

from untilgreen.clock import Clock, SystemClock
from untilgreen.deploy.execute import execute, refuse
from untilgreen.deploy.plan import RolloutPlan, plan
from untilgreen.deploy.wanted import Wanted, WantedService, wanted
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import (
    Images,
    Rollout,
    SecretBinding,
    SecretProblem,
    SecretStatus,
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
    """
    clock = clock or SystemClock()
    started = clock.now()
    planned = dry_run(run, settings, images, services, secrets)
    served = refuse(planned, services) if planned.refusals else execute(planned, services)
    return Rollout(
        commit=planned.commit, started=started, finished=clock.now(), services=served, secrets=planned.secrets
    )


def dry_run(run: Run, settings: Settings, images: Images, services: Services, secrets: Secrets) -> RolloutPlan:
    """Look at everything and change nothing: the plan that `deploy` carries out.

    Raises:
        ConfigError: an env value refers to a service that is not deployed before.
        CloudUnavailable: a transient fault, after retries.
    """
    asked = wanted(run, settings, images)
    actual = {service.service: services.get(service.service) for service in asked.services}
    return plan(asked, actual, check_secrets(asked, secrets), images.findings)


def check_secrets(wanted: Wanted, secrets: Secrets) -> tuple[SecretStatus, ...]:
    """Check every binding of every service, and report what a service needs and nothing binds."""
    checked: list[SecretStatus] = []
    for service in wanted.services:
        template = service.template
        checked += [secrets.check(service.service, bound, template.account) for bound in template.secrets]
        checked += [_unbound(service, env) for env in service.unbound]
    return tuple(checked)


def _unbound(service: WantedService, env: str) -> SecretStatus:
    return SecretStatus(
        service=service.service,
        binding=SecretBinding(env=env, secret="", version=""),
        account=service.template.account,
        problem=SecretProblem.NOT_BOUND,
        message=f"{FILE}: services.{service.service}.needs names {env}, and neither env nor secrets binds it. "
        f"Add it to services.{service.service}.secrets.",
    )
