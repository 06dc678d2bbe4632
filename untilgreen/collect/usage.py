"""What revisions used of memory, CPU and instances, and whether samples of it cover the time that matters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from untilgreen.clock import Clock
from untilgreen.collect.gathered import Gathered
from untilgreen.errors import UntilgreenError
from untilgreen.model.delivery import Rollout, Served
from untilgreen.model.document import Window
from untilgreen.model.evidence import AT_LIMIT, Usage
from untilgreen.model.suite import Result
from untilgreen.ports import Metrics, UsagePage, UsageSample

RESOURCES = ("memory", "cpu", "instances")
_HOLE = 2
"""Periods without a sample from which on something may have happened unseen."""
_SHORTEST_S = 0.2


def usage_seen(
    metrics: Metrics | None,
    rollout: Rollout,
    results: Sequence[Result],
    window: Window,
    *,
    clock: Clock,
    wait_s: float = 0,
) -> Gathered:
    """Collect what every revision used in the window, with one coverage record for each resource of each service.

    A record is complete when the samples of the revision under test leave no hole of more than two periods from the
    first test's start to the last one's end; of a revision that no test reached, when there is any sample. Where no
    revision was made nothing was used.

    Args:
        metrics: Cloud Monitoring; None when nobody can be asked.
        rollout: what was deployed.
        results: one for each collected test.
        window: when.
        clock: lets time pass.
        wait_s: how long to wait at most, when something failed, for samples that cannot be seen yet.
    """
    span = tested(results) if rollout.serving else None
    failed = not rollout.serving or any(result.outcome.bad for result in results)
    until = clock.now() + timedelta(seconds=wait_s if failed else 0)
    page = _settled(metrics, rollout, span, window, clock, until)
    gathered = Gathered(window)
    for served in rollout.services:
        for resource in RESOURCES:
            _add(gathered, page, served, resource, span)
    return gathered


def tested(results: Iterable[Result]) -> Window | None:
    """Return the time from the first execution's start to the last one's end; None when there was none."""
    runs = [attempt for result in results for attempt in result.attempts]
    ends = [run.started + timedelta(seconds=run.duration_s) for run in runs]
    return Window(start=min(run.started for run in runs), end=max(ends)) if runs else None


def _settled(
    metrics: Metrics | None, rollout: Rollout, span: Window | None, window: Window, clock: Clock, until: datetime
) -> UsagePage:
    """Read until the last moment that matters is seen, or until it should have been, or patience ends."""
    services = [served.service for served in rollout.services if served.revision]
    last = span.end if span else rollout.finished
    while True:
        page = _read(metrics, services, window)
        late = page.complete and any(_late(page, served, last) for served in rollout.services if served.revision)
        due = last + timedelta(seconds=page.delay_s + _HOLE * page.period_s)
        if not late or clock.now() >= min(until, due):
            return page
        clock.sleep(max(_SHORTEST_S, page.period_s / 4))
        window = Window(start=window.start, end=max(window.end, clock.now()))


def _read(metrics: Metrics | None, services: Sequence[str], window: Window) -> UsagePage:
    if metrics is None or not services:
        return UsagePage(samples=(), period_s=0, delay_s=0, complete=False, gap="nobody was asked for it")
    try:
        return metrics.usage(services, window)
    except UntilgreenError as error:
        return UsagePage(samples=(), period_s=0, delay_s=0, complete=False, gap=str(error))


def _late(page: UsagePage, served: Served, last: datetime) -> bool:
    """Tell whether samples of the last moment that matters may still come."""
    newest = [max((s.at for s in _of(page, served.revision, r)), default=None) for r in RESOURCES]
    slack = timedelta(seconds=_HOLE * page.period_s)
    return any(at is None or at < last - slack for at in newest)


def _of(page: UsagePage, revision: str, resource: str) -> list[UsageSample]:
    return [sample for sample in page.samples if (sample.revision, sample.resource) == (revision, resource)]


def _add(gathered: Gathered, page: UsagePage, served: Served, resource: str, span: Window | None) -> None:
    """Take in one resource of a service: an item for each of its revisions, and how well the one under test is seen."""
    subject = f"{served.service} {resource}"
    if not served.revision:
        gathered.add([], kind=Usage, subject=subject, query="no revision was made, so nothing was used")
        return
    samples = [s for s in page.samples if (s.service, s.resource) == (served.service, resource)]
    items = [
        usage([s for s in samples if s.revision == r], page.period_s) for r in sorted({s.revision for s in samples})
    ]
    query = f"{resource} of {served.revision}, every {page.period_s:g} s"
    gathered.add(items, kind=Usage, subject=subject, query=query, gap=_gap(page, served.revision, resource, span))


def usage(samples: Sequence[UsageSample], period_s: float) -> Usage:
    """Make one item of the samples of one resource of one revision.

    Args:
        samples: one at least, in any order.
        period_s: how far apart the platform takes them.
    """
    one, counted = samples[0], samples[0].resource == "instances"
    figures = [(s.mean, s.mean) if s.resource == "cpu" else (s.low, s.high) for s in samples]
    top = max(zip(figures, samples, strict=True), key=lambda pair: (pair[0][1], pair[1].at))[1]
    full = [s for s, (low, _) in zip(samples, figures, strict=True) if not counted and low >= AT_LIMIT]
    return Usage(
        at=top.at,
        service=one.service,
        revision=one.revision,
        resource=one.resource,
        utilisation=None if counted else round(max(high for _, high in figures), 4),
        least=None if counted else round(max(low for low, _ in figures), 4),
        peak=max(high for _, high in figures) if counted else None,
        samples=len({s.at for s in samples}),
        period_s=period_s,
        window=Window(start=min(s.at for s in samples), end=max(s.at for s in samples)),
        full=tuple(_joined(full)),
    )


def _joined(samples: Iterable[UsageSample]) -> Iterator[Window]:
    """Make one window of samples whose periods touch."""
    start: datetime | None = None
    end: datetime | None = None
    for sample in sorted(samples, key=lambda s: s.at):
        if start is not None and end is not None and sample.start > end:
            yield Window(start=start, end=end)
            start = None
        start, end = start or sample.start, sample.at
    if start is not None and end is not None:
        yield Window(start=start, end=end)


def _gap(page: UsagePage, revision: str, resource: str, span: Window | None) -> str:
    """Return why the samples do not cover the time that matters; empty when they do."""
    if not page.complete:
        return page.gap or "the metrics were not read to their end"
    moments = sorted({sample.at for sample in _of(page, revision, resource)})
    if not moments:
        return f"there is no sample of {revision}"
    if span is None:
        return ""
    # Where nobody runs nobody uses anything.
    nobody = {s.at for s in _of(page, revision, "instances") if s.high == 0}
    hole = _hole(sorted({*moments, *nobody}), span, timedelta(seconds=_HOLE * page.period_s))
    return f"there is no sample of {revision} from {_clock(hole.start)} to {_clock(hole.end)}" if hole else ""


def _hole(moments: Sequence[datetime], span: Window, widest: timedelta) -> Window | None:
    """Return the first time inside a span that is too long without a moment."""
    inside = [at for at in moments if span.contains(at)]
    before = max((at for at in moments if at < span.start), default=span.start)
    after = min((at for at in moments if at > span.end), default=span.end)
    known = [before, *inside, after]
    for start, end in pairwise(known):
        if end - start > widest:
            return Window(start=start, end=end)
    return None


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}"
