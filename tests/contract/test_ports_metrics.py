"""The port Metrics, over the emulator and over the fake; over Google Cloud when a project is named."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from google.api import distribution_pb2
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.emulator_cloud import Cloud, start, stop
from tests.contract.moon import PROJECT, REGION, Moon
from untilgreen.adapters.cloud_monitoring import CloudMonitoring, bounds
from untilgreen.adapters.cloud_run import CloudRunServices
from untilgreen.emulator.monitoring_values import Exponential, Linear, spread
from untilgreen.errors import CloudUnavailable
from untilgreen.model.delivery import Template
from untilgreen.model.document import Window
from untilgreen.ports import Metrics, UsagePage
from untilgreen.testing import FakeMetrics, usage_samples

REAL = os.environ.get("UNTILGREEN_TEST_PROJECT", "")
"""A Google Cloud project; test_ports_services.py names the other variables. Its samples take five minutes to come."""


@dataclass
class World:
    """Metrics, and a service that runs since a moment and was asked something."""

    metrics: Metrics
    small: Metrics
    """The same, read in pages of three points."""
    service: str
    revision: str
    since: datetime
    patience_s: float = 30

    def window(self) -> Window:
        return Window(start=self.since, end=datetime.now(UTC) + timedelta(seconds=5))

    def seen(self, enough: Callable[[UsagePage], bool]) -> UsagePage:
        """Return a page once there is enough on it."""
        deadline = time.monotonic() + self.patience_s
        page = self.metrics.usage([self.service], self.window())
        while not enough(page) and time.monotonic() < deadline:
            time.sleep(0.2)
            page = self.metrics.usage([self.service], self.window())
        return page


def deployed(project: str, region: str, endpoint: str, template: Template, patience_s: float) -> World:
    """Deploy a service and ask it something."""
    revision, since = f"{template.service}-1", datetime.now(UTC)
    url = CloudRunServices(project, region, endpoint).apply(template, revision).url
    for _ in range(3):
        httpx.get(url)
    small = CloudMonitoring(project, endpoint, page=3)
    return World(CloudMonitoring(project, endpoint), small, template.service, revision, since, patience_s)


@pytest.fixture(scope="module", params=["emulator", "fake", *(["gcp"] if REAL else [])])
def world(request: pytest.FixtureRequest) -> World:
    """Return metrics of a service that runs."""
    if request.param == "fake":
        start = datetime.now(UTC) - timedelta(minutes=2)
        samples = usage_samples("web-1", Window(start=start, end=start + timedelta(minutes=1)), period_s=2)
        fake = FakeMetrics(samples, period_s=2)
        return World(fake, fake, "web", "web-1", start)
    account = f"app@{PROJECT}.iam.gserviceaccount.com"
    if request.param == "gcp":
        region, account, image = (os.environ[f"UNTILGREEN_TEST_{name}"] for name in ("REGION", "ACCOUNT", "GOOD"))
        template = Template(service=f"untilgreen-test-{uuid4().hex[:8]}", image=image, account=account, health_path="/")
        return deployed(REAL, region, "", template, 420)
    moon: Moon = request.getfixturevalue("moon")
    template = Template(service=moon.name(), image=moon.good, account=account, health_path="/", startup_seconds=10)
    return deployed(PROJECT, REGION, moon.endpoint, template, 30)


def test_every_resource_is_read(world: World) -> None:
    """Memory and CPU are shares of the limit, instances are counted, each with its revision and its period."""
    page = world.seen(lambda page: {s.resource for s in page.samples} == {"memory", "cpu", "instances"})
    assert (page.complete, page.gap) == (True, "")
    by_resource = {sample.resource: sample for sample in page.samples}
    assert set(by_resource) == {"memory", "cpu", "instances"}
    assert {(s.service, s.revision) for s in page.samples} == {(world.service, world.revision)}
    assert all(0 <= s.low <= s.high for s in page.samples)
    assert 0 < by_resource["memory"].high < 1
    assert by_resource["instances"].low == 1
    assert all(s.start <= s.at for s in page.samples)


def test_the_pace_is_told(world: World) -> None:
    """Samples come at the interval that is told."""
    page = world.seen(lambda page: len({s.at for s in page.samples if s.resource == "memory"}) >= 2)
    moments = sorted({s.at for s in page.samples if s.resource == "memory"})
    assert page.period_s > 0
    assert page.delay_s >= 0
    assert len(moments) >= 2
    assert max(b - a for a, b in pairwise(moments)) >= timedelta(seconds=page.period_s / 2)


def test_samples_come_in_order(world: World) -> None:
    """The oldest sample comes first."""
    page = world.seen(lambda page: len(page.samples) >= 4)
    assert [s.at for s in page.samples] == sorted(s.at for s in page.samples)


def test_others_are_not_read(world: World) -> None:
    """Only samples of the services and the window that were asked for come; none is no gap."""
    long_ago = Window(start=world.since - timedelta(days=1), end=world.since - timedelta(hours=23))
    for services, window in (("nobody",), world.window()), ((world.service,), long_ago):
        page = world.metrics.usage(services, window)
        assert (page.samples, page.complete) == ((), True)


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    """Return an emulator of one's own."""
    return start(tmp_path, "--with-parent")


def test_pages_of_few_points(world: World) -> None:
    """All pages are read, and each sample comes once."""
    whole = world.seen(lambda page: len(page.samples) >= 8)
    window = Window(start=world.since, end=max(s.at for s in whole.samples))
    pages = world.small.usage([world.service], window)
    keys = [(s.resource, s.at) for s in pages.samples]
    assert len(keys) == len(set(keys))
    assert set(pages.samples) == set(world.metrics.usage([world.service], window).samples)


def test_transient_faults_are_repeated_and_then_told(cloud: Cloud) -> None:
    """A fault that passes is not seen; one that stays is said to be the cloud's."""
    window = Window(start=datetime.now(UTC) - timedelta(minutes=1), end=datetime.now(UTC))
    faults = cloud.state / "faults.json"
    try:
        faults.write_text(json.dumps({"fault": ["ListTimeSeries:UNAVAILABLE:2x"]}))
        assert CloudMonitoring(PROJECT, cloud.endpoint).usage(["web"], window).complete
        faults.write_text(json.dumps({"fault": ["ListTimeSeries:RESOURCE_EXHAUSTED"]}))
        with pytest.raises(CloudUnavailable, match=r"Cloud Monitoring does not answer: .*Quota exceeded"):
            CloudMonitoring(PROJECT, cloud.endpoint, patience_s=0.5).usage(["web"], window)
        faults.write_text(json.dumps({"fault": ["ListTimeSeries:PERMISSION_DENIED"]}))
        page = CloudMonitoring(PROJECT, cloud.endpoint).usage(["web"], window)
        assert not page.complete
        assert page.gap.startswith("Cloud Monitoring refuses: 403")
        faults.write_text(json.dumps({"fault": ["GetMetricDescriptor:NOT_FOUND", "ListTimeSeries:NOT_FOUND"]}))
        page = CloudMonitoring(PROJECT, cloud.endpoint).usage(["web"], window)
        assert (page.samples, page.complete, page.period_s, page.delay_s) == ((), True, 60, 240)
    finally:
        stop(cloud)


def test_nobody_answers() -> None:
    """An address at which nobody listens is the cloud's fault, not an empty answer."""
    now = datetime.now(UTC)
    with pytest.raises(CloudUnavailable):
        CloudMonitoring(PROJECT, "127.0.0.1:1", patience_s=0.3).usage(["web"], Window(start=now, end=now))


VALUES = st.lists(st.floats(0, 1.5), min_size=1, max_size=30)
CLASSES = st.sampled_from([Linear(100, 0.01), Linear(4, 0.25), Exponential(10, 1.4, 0.01)])


@given(values=VALUES, classes=CLASSES)
def test_bounds_hold_the_highest_value(values: list[float], classes: Linear | Exponential) -> None:
    """Whatever the classes are, the highest value lies between the two bounds."""
    low, high = bounds(spread(classes, values).message())
    assert low - 1e-9 <= max(values) <= high + 1e-9


@given(values=VALUES, edges=st.lists(st.floats(0, 1), min_size=1, max_size=5, unique=True))
def test_bounds_of_listed_classes(values: list[float], edges: list[float]) -> None:
    """Classes whose bounds are listed are understood as well, and a range that is told is taken."""
    edges.sort()
    counts = [0] * (len(edges) + 1)
    for value in values:
        counts[sum(edge <= value for edge in edges)] += 1
    made = distribution_pb2.Distribution(count=len(values), mean=sum(values) / len(values), bucket_counts=counts)
    made.bucket_options.explicit_buckets.bounds.extend(edges)
    low, high = bounds(made)
    assert low - 1e-9 <= max(values) <= high + 1e-9
    made.range.max = max(values)
    assert bounds(made) == (max(values), max(values))


def test_one_value_is_exact() -> None:
    """Of a single value, or of none in any class, the mean says everything."""
    assert bounds(spread(Linear(4, 0.25), [0.3]).message()) == (0.3, 0.3)
    assert bounds(distribution_pb2.Distribution(count=2, mean=0.2)) == (0.2, 0.4)
