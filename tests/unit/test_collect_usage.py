"""What revisions used, and how well samples of it cover the time of the tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.collect.gathered import Gathered
from untilgreen.collect.usage import usage_seen
from untilgreen.errors import CloudUnavailable
from untilgreen.model.delivery import Rollout, Served, ServingStatus
from untilgreen.model.document import Window
from untilgreen.model.evidence import Coverage, Usage
from untilgreen.model.suite import Attempt, Outcome, Result
from untilgreen.ports import Metrics, UsagePage, UsageSample
from untilgreen.testing import BEGINNING, FakeClock, FakeMetrics, usage_samples

MINUTES = timedelta(minutes=1)
WINDOW = Window(start=BEGINNING, end=BEGINNING + 10 * MINUTES)


def at(minutes: float) -> datetime:
    return BEGINNING + minutes * MINUTES


def rollout(status: ServingStatus = ServingStatus.SERVING, revision: str = "web-2") -> Rollout:
    served = Served(service="web", status=status, revision=revision)
    return Rollout(commit="c", started=at(0), finished=at(1), services=(served,))


def ran(first: float = 2, last: float = 8, outcome: Outcome = Outcome.FAILED) -> tuple[Result, ...]:
    """Return two tests of half a minute, of which the second ends at `last`."""
    attempts = [Attempt(number=1, outcome=outcome, started=at(start), duration_s=30) for start in (first, last - 0.5)]
    return tuple(
        Result(nodeid=f"t{number}", outcome=outcome, attempts=(attempt,)) for number, attempt in enumerate(attempts)
    )


def seen(metrics: Metrics | None, **more: object) -> Gathered:
    """Collect with a clock that stands at the window's end."""
    clock = more.pop("clock", FakeClock(WINDOW.end))
    assert isinstance(clock, FakeClock)
    return usage_seen(
        metrics,
        more.pop("rollout", rollout()),  # type: ignore[arg-type]  # the defaults' types are the arguments'
        more.pop("results", ran()),  # type: ignore[arg-type]  # as above
        WINDOW,
        clock=clock,
        **more,  # type: ignore[arg-type]  # as above
    )


def coverage(gathered: Gathered, resource: str = "memory") -> Coverage:
    (found,) = [c for c in gathered.coverage if c.subject == f"web {resource}"]
    return found


def test_each_resource_is_an_item() -> None:
    """A revision's memory, cpu and instances are an item each, with its figures, its samples and their window."""
    gathered = seen(FakeMetrics(usage_samples("web-2", WINDOW, (0.4, 0.2, 3))))
    items = {item.resource: item for item in gathered.items if isinstance(item, Usage)}
    assert {name: (u.utilisation, u.peak) for name, u in items.items()} == {
        "memory": (0.4, None),
        "cpu": (0.2, None),
        "instances": (None, 3),
    }
    assert (items["memory"].samples, items["memory"].period_s, items["memory"].window) == (11, 60, WINDOW)
    assert [c.complete for c in gathered.coverage] == [True] * 3


def test_the_highest_sample_counts_and_says_when() -> None:
    """Memory is judged by its highest sample, cpu by the mean of a period; the moment is kept."""
    samples = usage_samples("web-2", WINDOW)
    spike = {"low": 0.6, "high": 0.7, "mean": 0.35}
    samples = [s.model_copy(update=spike) if s.at == at(4) and s.resource != "instances" else s for s in samples]
    items = {u.resource: u for u in seen(FakeMetrics(samples)).items if isinstance(u, Usage)}
    assert (items["memory"].utilisation, items["memory"].least, items["memory"].at) == (0.7, 0.6, at(4))
    assert (items["cpu"].utilisation, items["cpu"].least) == (0.35, 0.35)


def test_times_at_the_limit_are_kept() -> None:
    """Samples at the limit that touch are one window; a sample that only may be at the limit is none."""
    shares = {3: (0.97, 0.99), 4: (1.0, 1.0), 6: (0.96, 1.0), 8: (0.9, 1.0)}
    samples = [
        s.model_copy(update=dict(zip(("low", "high"), shares.get((s.at - at(0)) // MINUTES, (0.1, 0.1)), strict=True)))
        for s in usage_samples("web-2", WINDOW)
        if s.resource == "memory"
    ]
    (item,) = [u for u in seen(FakeMetrics(samples)).items if isinstance(u, Usage)]
    assert [(w.start, w.end) for w in item.full] == [(at(2), at(4)), (at(5), at(6))]


def test_other_revisions_are_there_too() -> None:
    """What an older revision used in the window is evidence; whether it is complete is asked of the one under test."""
    older = usage_samples("web-1", Window(start=at(0), end=at(1)))
    gathered = seen(FakeMetrics([*usage_samples("web-2", WINDOW), *older]))
    assert {u.revision for u in gathered.items if isinstance(u, Usage)} == {"web-1", "web-2"}
    assert coverage(gathered).complete
    assert coverage(seen(FakeMetrics(older))).gap == "there is no sample of web-2"


@pytest.mark.parametrize(
    ("missing", "gap"),
    [
        ((5, 5), ""),
        ((4, 5), "there is no sample of web-2 from 00:03:00 to 00:06:00"),
        ((0, 4), "there is no sample of web-2 from 00:02:00 to 00:05:00"),
        ((7, 10), ""),
        ((6, 10), "there is no sample of web-2 from 00:05:00 to 00:08:00"),
        ((8, 10), ""),
    ],
)
def test_holes(missing: tuple[float, float], gap: str) -> None:
    """More than two periods without a sample while tests ran are a gap, at both ends as well; less is none."""
    lost = Window(start=at(missing[0]), end=at(missing[1]))
    samples = [s for s in usage_samples("web-2", WINDOW) if not lost.contains(s.at)]
    found = coverage(seen(FakeMetrics(samples)))
    assert (found.complete, found.gap) == (not gap, gap)


def test_nobody_runs_and_nobody_uses() -> None:
    """A time in which there was no instance at all is no hole in the samples of memory."""
    idle = Window(start=at(4), end=at(7))
    samples = [
        s.model_copy(update={"low": 0, "high": 0, "mean": 0}) if idle.contains(s.at) else s
        for s in usage_samples("web-2", WINDOW)
        if s.resource == "instances" or not idle.contains(s.at)
    ]
    assert coverage(seen(FakeMetrics(samples))).complete


@given(st.sets(st.integers(min_value=0, max_value=10)))
def test_complete_means_no_hole(kept: set[int]) -> None:
    """Samples are complete exactly when no moment of the tests is further than two periods from one to the next."""
    samples = [s for s in usage_samples("web-2", WINDOW) if (s.at - at(0)) // MINUTES in kept]
    inside = [2, *(m for m in sorted(kept) if 2 <= m <= 8), 8]
    before, after = max((m for m in kept if m < 2), default=2), min((m for m in kept if m > 8), default=8)
    steps = [before, *inside[1:-1], after]
    whole = bool(kept) and all(b - a <= 2 for a, b in pairwise(steps))
    assert coverage(seen(FakeMetrics(samples))).complete is whole


def test_nobody_to_ask() -> None:
    """Without metrics there is a gap and no item."""
    gathered = seen(None)
    assert gathered.items == []
    assert coverage(gathered).gap == "nobody was asked for it"


def test_what_cannot_be_read_is_a_gap() -> None:
    """Metrics that break off or do not answer make nothing complete, and say why."""
    assert coverage(seen(FakeMetrics(usage_samples("web-2", WINDOW), gap="403 no"))).gap == "403 no"

    class Down:
        def usage(self, services: object, window: object) -> UsagePage:
            raise CloudUnavailable(f"down for {services} in {window}")

    assert coverage(seen(Down())).gap.startswith("down for ['web']")


def test_no_revision_used_nothing() -> None:
    """Where a check refused the rollout nothing ran: that is known completely, and nobody needs to be asked."""
    gathered = seen(None, rollout=rollout(ServingStatus.REFUSED, ""), results=())
    assert coverage(gathered).complete
    assert "no revision was made" in coverage(gathered).query


def test_a_revision_that_never_served() -> None:
    """Of a revision that did not become ready one sample is enough, and none is a gap."""
    failed, short = rollout(ServingStatus.FAILED), usage_samples("web-2", Window(start=at(1), end=at(1)))
    assert coverage(seen(FakeMetrics(short), rollout=failed, results=())).complete
    assert coverage(seen(FakeMetrics(), rollout=failed, results=())).gap == "there is no sample of web-2"


def late(delay_s: float, clock: FakeClock) -> FakeMetrics:
    return FakeMetrics(usage_samples("web-2", WINDOW), delay_s=delay_s, now=clock.now)


@pytest.mark.parametrize(("wait_s", "whole"), [(600, True), (30, False), (0, False)])
def test_late_samples_are_waited_for(wait_s: float, whole: bool) -> None:
    """After a failure step collect waits until the last test's samples are seen, but not longer than it may."""
    clock = FakeClock(at(8))
    gathered = seen(late(240, clock), clock=clock, wait_s=wait_s)
    assert coverage(gathered).complete is whole
    waited = (clock.now() - at(8)).total_seconds()
    assert waited <= min(wait_s + 15, 240)


def test_nobody_waits_when_all_is_well() -> None:
    """When no test failed there is nothing to explain, and no time is spent on it."""
    clock = FakeClock(at(8))
    gathered = seen(late(240, clock), clock=clock, results=ran(outcome=Outcome.PASSED), wait_s=600)
    assert clock.now() == at(8)
    assert not coverage(gathered).complete


def test_what_will_never_come_is_not_waited_for() -> None:
    """A hole stays a hole: waiting ends when the platform has had its time."""
    clock = FakeClock(at(8))
    seen(FakeMetrics(delay_s=60, now=clock.now), clock=clock, wait_s=3600)
    assert clock.now() - at(8) <= timedelta(seconds=60 + 120 + 15)


def test_samples_may_come_in_any_order() -> None:
    """The order in which samples come changes nothing."""
    samples: list[UsageSample] = usage_samples("web-2", WINDOW)
    assert seen(FakeMetrics(samples)).items == seen(FakeMetrics(samples[::-1])).items
