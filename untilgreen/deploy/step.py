"""Step deploy: everything is checked and planned before anything moves; what moves is proven to serve."""

from __future__ import annotations

from untilgreen.clock import Clock, SystemClock
from untilgreen.deploy.execute import Reach, execute, refuse
from untilgreen.deploy.last_words import with_last_words
from untilgreen.deploy.plan import RolloutPlan, plan
from untilgreen.deploy.rollback import after_going_back, send_back_others
from untilgreen.deploy.secrets import check_secrets, warnings
from untilgreen.deploy.secrets_reads import needed_by_source, source_texts
from untilgreen.deploy.wanted import wanted
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import (
    Images,
    Rollout,
    Served,
    ServingStatus,
)
from untilgreen.model.document import Window
from untilgreen.ports import History, Logs, Probe, Secrets, Services
from untilgreen.settings import Settings


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
    history: History | None = None,
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
        history: the repository, for what the sources read from their environment; without it nobody looks.
        clock: tells the time.

    Raises:
        ConfigError: an env value refers to a service that is not deployed before.
        CloudUnavailable: a transient fault, after retries; repeating the step is safe.
    """
    clock = clock or SystemClock()
    started = clock.now()
    planned = dry_run(run, settings, images, services, secrets, history)
    served = refuse(planned, services) if planned.refusals else execute(planned, Reach(services, probe, clock))
    back = send_back_others(served, services, good) if settings.rollback.on_failure else ()
    window = Window(start=started, end=clock.now())
    explained = _with_last_words(served, logs, window, clock) if logs else served
    return Rollout(
        commit=planned.commit,
        started=started,
        finished=window.end,
        services=tuple(after_going_back(s, back) for s in explained),
        secrets=planned.secrets,
        rolled_back=back,
        notes=_notes(planned),
    )


def dry_run(  # noqa: PLR0917 - what it looks at, as `deploy` takes it
    run: Run,
    settings: Settings,
    images: Images,
    services: Services,
    secrets: Secrets,
    history: History | None = None,
) -> RolloutPlan:
    """Look at everything and change nothing: the plan that `deploy` carries out.

    Raises:
        ConfigError: an env value refers to a service that is not deployed before.
        CloudUnavailable: a transient fault, after retries.
    """
    asked = wanted(run, settings, images)
    actual = {service.service: services.get(service.service) for service in asked.services}
    sources = {name: service.source for name, service in settings.services.items()}
    texts = source_texts(history, run.commit, sources) if history else {}
    reads = {name: needed_by_source(own) for name, own in texts.items()}
    made = [s.revision for s in asked.services if actual[s.service] and services.revision(s.service, s.revision)]
    return plan(asked, actual, check_secrets(asked, secrets, settings.secrets, reads), images.findings, made)


def _with_last_words(served: tuple[Served, ...], logs: Logs, window: Window, clock: Clock) -> tuple[Served, ...]:
    failed = ServingStatus.FAILED
    return tuple(with_last_words(s, logs, window, clock) if s.status is failed else s for s in served)


def _notes(planned: RolloutPlan) -> tuple[str, ...]:
    notes = (f"{service.service}: {note}" for service in planned.services for note in service.notes)
    return (*notes, *warnings(planned.secrets))
