"""Step deploy: everything is checked and planned before anything moves; what moves is proven to serve."""

from __future__ import annotations

from untilgreen.clock import Clock, SystemClock
from untilgreen.deploy.execute import Reach, execute, refuse
from untilgreen.deploy.last_words import with_last_words
from untilgreen.deploy.plan import RolloutPlan, plan
from untilgreen.deploy.rollback import after_going_back, send_back_others
from untilgreen.deploy.wanted import Wanted, WantedService, wanted
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import (
    Images,
    Rollout,
    SecretBinding,
    SecretProblem,
    SecretStatus,
    Served,
    ServingStatus,
)
from untilgreen.model.document import Window
from untilgreen.ports import Logs, Probe, Secrets, Services
from untilgreen.settings import FILE, Settings


def deploy(
    run: Run,
    settings: Settings,
    images: Images,
    services: Services,
    secrets: Secrets,
    *,
    probe: Probe | None = None,
    logs: Logs | None = None,
    good: Rollout | None = None,
    clock: Clock | None = None,
) -> Rollout:
    """Roll all services out.

    A service that does not start is a result: the platform keeps its old revision serving, the services after it are
    skipped, and those before it go back if the settings say so. The same call repeated finds what it did before.

    Args:
        run: which loop, cycle and commit.
        settings: of that commit.
        images: what was built.
        services: Cloud Run.
        secrets: Secret Manager.
        probe: asks canaries how they are; without one no service may have that strategy.
        logs: Cloud Logging, for what a failed container said last; without it nobody knows.
        good: the last rollout that was proven good, for going back; without one, whatever served before.
        clock: tells the time.

    Raises:
        ConfigError: an env value refers to a service that is not deployed before.
        CloudUnavailable: a transient fault, after retries; repeating the step is safe.
    """
    clock = clock or SystemClock()
    started = clock.now()
    planned = dry_run(run, settings, images, services, secrets)
    served = refuse(planned, services) if planned.refusals else execute(planned, Reach(services, probe, clock))
    back = send_back_others(served, services, good) if settings.rollback.on_failure else ()
    finished = clock.now()
    if logs:
        window = Window(start=started, end=finished)
        served = tuple(with_last_words(s, logs, window, clock) if _failed(s) else s for s in served)
    return Rollout(
        commit=planned.commit,
        started=started,
        finished=finished,
        services=tuple(after_going_back(s, back) for s in served),
        secrets=planned.secrets,
        rolled_back=back,
        notes=tuple(f"{service.service}: {note}" for service in planned.services for note in service.notes),
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


def _failed(served: Served) -> bool:
    return served.status is ServingStatus.FAILED


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
