"""Step collect: everything that happened becomes evidence, with a record of how completely it was looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from untilgreen.clock import Clock, SystemClock
from untilgreen.collect.blame import blames
from untilgreen.collect.bundle import Bundle
from untilgreen.collect.cases import cases
from untilgreen.collect.changes import changes, old_commits
from untilgreen.collect.gathered import Gathered
from untilgreen.collect.health import health_seen, health_timeline
from untilgreen.collect.log_evidence import log_evidence
from untilgreen.collect.runtime import ask_last, expected_in, revisions, secrets_seen
from untilgreen.collect.sources import gate_seen, image_contents, sources
from untilgreen.collect.usage import usage_seen
from untilgreen.deploy.wanted import wanted
from untilgreen.knowledge import read as read_knowledge
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, HealthCheck, Images, Rollout
from untilgreen.model.document import Window
from untilgreen.model.evidence import Manifest
from untilgreen.model.suite import Result
from untilgreen.ports import History, Logs, Metrics, Probe, Services
from untilgreen.settings import Settings

FOLDER = "bundle"
SKEW = timedelta(seconds=5)
"""How far the cloud's clock may be behind ours."""


def collect(
    run: Run,
    settings: Settings,
    images: Images,
    rollout: Rollout,
    health: Health | None,
    results: Iterable[Result],
    *,
    logs: Logs,
    services: Services,
    history: History,
    metrics: Metrics | None = None,
    probe: Probe | None = None,
    looks: Callable[[], tuple[list[HealthCheck], int]] = lambda: ([], 0),
    good: Rollout | None = None,
    clock: Clock | None = None,
    until: datetime | None = None,
) -> Bundle:
    """Collect a cycle's evidence.

    Args:
        run: which loop, cycle and commit.
        settings: of that commit.
        images: what was built.
        rollout: what was deployed, or was not.
        health: what step wait saw; None when it was not reached.
        results: one for each collected test.
        logs: Cloud Logging.
        services: Cloud Run.
        history: the user's repository.
        metrics: Cloud Monitoring; None leaves a gap where usage would be.
        probe: asks each service once more, so that it is known when the log has caught up; None does without.
        looks: gives every look at a service's health that was taken, and how many of them cannot be read.
        good: the last rollout that served, which a broken one is compared with.
        clock: tells when the window ends.
        until: when it ended, for a cycle of the past.

    Returns:
        The bundle, not yet saved. What could not be read is a gap in its coverage, not an exception.

    Raises:
        RepositoryError: the tested commit itself cannot be read.
    """
    results = tuple(results)
    clock = clock or SystemClock()
    window = window_of(rollout, until or clock.now())
    paths = {name: service.health.path for name, service in settings.services.items()}
    last = ask_last(None if until else probe, rollout, health, paths)
    expected = expected_in(results, rollout, health, last, settings.cloud.log_entries)
    gathered = cases(results, window)
    gathered.merge(log_evidence(logs, settings.services, window, expected))
    gathered.merge(revisions(services, rollout, wanted(run, settings, images), good, window))
    gathered.merge(secrets_seen(rollout, window))
    gathered.merge(_source(history, settings, run.commit, good, gathered))
    gathered.merge(image_contents(images, window))
    gathered.merge(gate_seen(images, window))
    gathered.merge(health_seen(rollout, health, window))
    seen, broken = looks()
    gathered.merge(health_timeline(rollout, seen, window, broken=broken))
    wait_s = settings.cloud.metrics_wait_s
    gathered.merge(usage_seen(metrics, rollout, results, window, clock=clock, wait_s=wait_s))
    return Bundle.counted(_manifest(run, settings, rollout, good, history, gathered), gathered.items)


def _source(history: History, settings: Settings, commit: str, good: Rollout | None, gathered: Gathered) -> Gathered:
    """Collect what the repository says: what changed, what is there, and from which commit the failing lines are."""
    found = changes(history, commit, good.commit if good else "", gathered.window)
    old = old_commits(found)
    found.merge(sources(history, settings, commit, gathered.window))
    found.merge(blames(history, commit, [*gathered.items, *found.items], old, gathered.window))
    return found


def _manifest(
    run: Run, settings: Settings, rollout: Rollout, good: Rollout | None, history: History, gathered: Gathered
) -> Manifest:
    return Manifest(
        loop=run.loop,
        cycle=run.cycle,
        commit=run.commit,
        good_commit=good.commit if good else "",
        window=gathered.window,
        revisions={served.service: served.revision for served in rollout.services if served.revision},
        urls={served.service: served.url for served in rollout.services if served.url},
        sources={service: wanted.source for service, wanted in settings.services.items()},
        knowledge=read_knowledge(history, run.commit, settings.knowledge),
        coverage=tuple(gathered.coverage),
        counts={},
        folder=FOLDER,
    )


def window_of(rollout: Rollout, now: datetime) -> Window:
    """Return the time that a cycle's evidence comes from: from just before its rollout until now."""
    return Window(start=rollout.started - SKEW, end=now + SKEW)
