"""Cloud Monitoring as Google's own client sees it: the figures of real processes and real requests."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from google.api import metric_pb2
from google.api_core import exceptions
from google.cloud.monitoring_v3 import Aggregation, ListTimeSeriesRequest, MetricServiceClient
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

from tests.contract.emulator_cloud import (
    PROJECT,
    WORKER,
    Cloud,
    get,
    service,
    shared,
    short,
    start,
    stop,
    unique,
    until,
)

MEMORY = "run.googleapis.com/container/memory/utilizations"
CPU = "run.googleapis.com/container/cpu/utilizations"
INSTANCES = "run.googleapis.com/container/instance_count"
COUNT = "run.googleapis.com/request_count"
LATENCIES = "run.googleapis.com/request_latencies"
Kind, ValueType = metric_pb2.MetricDescriptor.MetricKind, metric_pb2.MetricDescriptor.ValueType
Aligner, Reducer = Aggregation.Aligner, Aggregation.Reducer
FAST = ("--metrics-interval", "500ms")


@dataclass
class Site:
    """A service that was visited, and the client that asks about it."""

    cloud: Cloud
    name: str
    url: str
    revision: str

    @property
    def client(self) -> MetricServiceClient:
        return metrics(self.cloud)

    def series(self, metric: str, more: str = "", **request: Any) -> list[Any]:
        """Return the time series of this service."""
        chosen = f'metric.type = "{metric}" AND resource.labels.service_name = "{self.name}"'
        return list(self.client.list_time_series(asked(f"{chosen} {more}", **request)))

    def settled(self, metric: str, points: int = 2) -> list[Any]:
        """Return the time series once each has so many points."""
        until(lambda: bool(found := self.series(metric)) and all(len(one.points) >= points for one in found))
        return self.series(metric)


def metrics(cloud: Cloud) -> MetricServiceClient:
    return MetricServiceClient(transport=MetricServiceGrpcTransport(channel=cloud.channel))


def asked(wanted: str, seconds: float = 300, **more: Any) -> dict[str, Any]:
    now = time.time()
    interval = {"start_time": {"seconds": int(now - seconds)}, "end_time": {"seconds": int(now) + 1}}
    return {"name": f"projects/{PROJECT}", "filter": wanted, "interval": interval, **more}


def aligned(aligner: Aligner, reducer: Reducer = Reducer.REDUCE_NONE, **more: Any) -> dict[str, Any]:
    how = {"alignment_period": {"seconds": 300}, "per_series_aligner": aligner, "cross_series_reducer": reducer}
    return {"aggregation": how | more}


def visit(cloud: Cloud, **template: Any) -> Site:
    name = unique()
    state = cloud.deploy(service(name, cloud.push(WORKER), **template))
    return Site(cloud, name, state.uri, short(state.latest_ready_revision))


@pytest.fixture(scope="module")
def site() -> Site:
    """Return a service of 256 MiB that holds 100 of them and has answered seven requests."""
    site = visit(shared(*FAST), limits={"memory": "256Mi", "cpu": "1"})
    get(f"{site.url}/take?100")
    for _ in range(5):
        get(f"{site.url}/x")
    return site


SHAPES = [
    (MEMORY, Kind.DELTA, ValueType.DISTRIBUTION, {"container_name"}),
    (CPU, Kind.DELTA, ValueType.DISTRIBUTION, {"container_name"}),
    (INSTANCES, Kind.GAUGE, ValueType.INT64, {"state"}),
    (COUNT, Kind.DELTA, ValueType.INT64, {"response_code", "response_code_class"}),
    (LATENCIES, Kind.DELTA, ValueType.DISTRIBUTION, {"response_code", "response_code_class"}),
]


@pytest.mark.parametrize(("metric", "kind", "value", "labels"), SHAPES)
def test_shapes(site: Site, metric: str, kind: int, value: int, labels: set[str]) -> None:
    """Each metric has Google's kind, value type, metric labels, and resource labels, and its newest points first."""
    points = 1 if metric in (COUNT, LATENCIES) else 3
    for series in site.settled(metric, points):
        assert (series.metric_kind, series.value_type, set(series.metric.labels)) == (kind, value, labels)
        assert series.resource.type == "cloud_run_revision"
        assert dict(series.resource.labels) == {
            "project_id": PROJECT,
            "location": "moon-central1",
            "service_name": site.name,
            "configuration_name": site.name,
            "revision_name": site.revision,
        }
        ends = [point.interval.end_time for point in series.points]
        assert ends == sorted(ends, reverse=True)
        gauge = kind == Kind.GAUGE
        assert all((p.interval.start_time == p.interval.end_time) is gauge for p in series.points)


def test_memory_is_the_processes_own(site: Site) -> None:
    """Memory is the share of the limit that the process really holds."""
    until(lambda: any(p.value.distribution_value.mean > 100 / 256 for p in site.series(MEMORY)[0].points))
    highest = max(point.value.distribution_value.mean for point in site.series(MEMORY)[0].points)
    assert highest < 160 / 256


def test_requests_are_counted_once(site: Site) -> None:
    """Requests are counted by their status, and their latencies add up to as many."""
    get(f"{site.url}/sicken")
    assert get(f"{site.url}/health")[0] == 503

    def total(metric: str) -> dict[str, int]:
        found = {}
        for series in site.series(metric):
            values = [point.value for point in series.points]
            found[series.metric.labels["response_code_class"]] = sum(
                value.int64_value or value.distribution_value.count for value in values
            )
        return found

    until(lambda: total(COUNT).get("5xx") == 1)
    assert total(COUNT) == total(LATENCIES) == {"2xx": 7, "5xx": 1}
    (failed,) = site.series(COUNT, 'metric.labels.response_code_class = "5xx"')
    assert failed.metric.labels["response_code"] == "503"


def test_instances_at_work_are_active() -> None:
    """An instance with a request in flight is active, and idle after it."""
    site = visit(shared(*FAST))

    def newest() -> dict[str, int]:
        return {s.metric.labels["state"]: s.points[0].value.int64_value for s in site.series(INSTANCES) if s.points}

    until(lambda: newest() == {"active": 0, "idle": 1})
    held = site.cloud.state / unique("held")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(get, f"{site.url}/hold?{held}")
        until(lambda: newest() == {"active": 1, "idle": 0})
        held.touch()
        assert waiting.result()[0] == 200
    until(lambda: newest() == {"active": 0, "idle": 1})


def test_what_ended_an_instance_is_measured() -> None:
    """The memory with which an instance broke its limit is among the samples, although it is gone."""
    site = visit(shared(*FAST), limits={"memory": "128Mi", "cpu": "1"})
    assert get(f"{site.url}/eat?200")[0] == 503

    def above() -> bool:
        spreads = [p.value.distribution_value for s in site.series(MEMORY) for p in s.points]
        return any(len(spread.bucket_counts) == 102 for spread in spreads)

    until(above)


ALIGNED = [
    (MEMORY, Aligner.ALIGN_PERCENTILE_99, "double_value"),
    (MEMORY, Aligner.ALIGN_PERCENTILE_50, "double_value"),
    (MEMORY, Aligner.ALIGN_DELTA, "distribution_value"),
    (LATENCIES, Aligner.ALIGN_PERCENTILE_95, "double_value"),
    (INSTANCES, Aligner.ALIGN_MAX, "int64_value"),
    (INSTANCES, Aligner.ALIGN_MEAN, "double_value"),
    (COUNT, Aligner.ALIGN_DELTA, "int64_value"),
    (COUNT, Aligner.ALIGN_RATE, "double_value"),
]


@pytest.mark.parametrize(("metric", "aligner", "field"), ALIGNED)
def test_alignment(site: Site, metric: str, aligner: Aligner, field: str) -> None:
    """Points of one period become one, of the type that Google gives."""
    site.settled(metric, 1)
    for series in site.series(metric, **aligned(aligner)):
        assert len(series.points) <= 2
        assert [type(p.value).pb(p.value).WhichOneof("value") for p in series.points] == [field] * len(series.points)


def test_reduction(site: Site) -> None:
    """Series of a group become one, which keeps only the labels that it was grouped by."""
    site.settled(COUNT, 1)
    how = aligned(Aligner.ALIGN_DELTA, Reducer.REDUCE_SUM, group_by_fields=["resource.label.service_name"])
    (series,) = site.series(COUNT, **how)
    assert (dict(series.resource.labels), dict(series.metric.labels)) == ({"service_name": site.name}, {})
    assert sum(p.value.int64_value for p in series.points) >= 6
    (everything,) = site.series(LATENCIES, **aligned(Aligner.ALIGN_DELTA, Reducer.REDUCE_PERCENTILE_99))
    assert everything.points[0].value.double_value > 0


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    (aligned(Aligner.ALIGN_MEAN), exceptions.InvalidArgument, "with kind DELTA and value type DISTRIBUTION"),
    (aligned(Aligner.ALIGN_MAX), exceptions.InvalidArgument, r'"ALIGN_MAX": The aligner cannot be applied to metrics'),
    (aligned(Aligner.ALIGN_STDDEV), exceptions.MethodNotImplemented, "The aligner ALIGN_STDDEV is not emulated"),
    (
        aligned(Aligner.ALIGN_DELTA, Reducer.REDUCE_STDDEV),
        exceptions.MethodNotImplemented,
        "The reducer REDUCE_STDDEV is not emulated",
    ),
    (
        aligned(Aligner.ALIGN_DELTA, alignment_period={"seconds": 5}),
        exceptions.InvalidArgument,
        "alignmentPeriod had an invalid value",
    ),
    (
        {"aggregation": {"cross_series_reducer": Reducer.REDUCE_SUM}},
        exceptions.InvalidArgument,
        "missing field aggregation.perSeriesAligner",
    ),
    (
        {"secondary_aggregation": {"per_series_aligner": Aligner.ALIGN_MAX}},
        exceptions.MethodNotImplemented,
        "secondary_aggregation is not emulated",
    ),
    ({"order_by": "metric.type"}, exceptions.InvalidArgument, "orderBy"),
    ({"page_token": "x"}, exceptions.InvalidArgument, "pageToken"),
    ({"interval": {}}, exceptions.InvalidArgument, "interval.endTime"),
]


@pytest.mark.parametrize(("request_", "error", "words"), REFUSED)
def test_refusals(site: Site, request_: dict[str, Any], error: type[Exception], words: str) -> None:
    """What Google refuses is refused in its words, and what is not emulated is refused by name."""
    site.settled(MEMORY)
    with pytest.raises(error, match=words):
        site.series(MEMORY, **request_)


FILTERS = [
    ('resource.type = "cloud_run_revision"', exceptions.InvalidArgument, "metric.type"),
    (f'metric.type = "{MEMORY}" OR metric.type = "{CPU}"', exceptions.InvalidArgument, "metric.type"),
    ('metric.type = "custom.googleapis.com/x"', exceptions.NotFound, "Cannot find metric"),
    (
        'metric.type = "run.googleapis.com/container/billable_instance_time"',
        exceptions.MethodNotImplemented,
        "The metric run.googleapis.com/container/billable_instance_time is not emulated",
    ),
    (f'metric.type = "{MEMORY}" AND resource.labels.zone = "a"', exceptions.InvalidArgument, "valid combination"),
    (f'metric.type = "{MEMORY}" AND metric.labels.state = "a"', exceptions.InvalidArgument, "valid combination"),
    (f'metric.type = "{MEMORY}" AND', exceptions.InvalidArgument, "syntax error"),
    (f'metric.type = "{MEMORY}" AND group.id = "7"', exceptions.MethodNotImplemented, "group.id"),
    (f'metric.type = "{MEMORY}" AND project > "7"', exceptions.MethodNotImplemented, "operator >"),
]


@pytest.mark.parametrize(("wanted", "error", "words"), FILTERS)
def test_filters_that_mean_nothing(wanted: str, error: type[Exception], words: str) -> None:
    """A filter that names no metric, an unknown one, or what is not known here, is refused."""
    with pytest.raises(error, match=words):
        list(metrics(shared(*FAST)).list_time_series(asked(wanted)))


def test_methods_that_are_not_emulated() -> None:
    """Whatever else the API has is refused by name."""
    with pytest.raises(exceptions.MethodNotImplemented, match="ListMonitoredResourceDescriptors is not emulated"):
        metrics(shared(*FAST)).list_monitored_resource_descriptors(name=f"projects/{PROJECT}")


def test_pages_hold_every_point_once(site: Site) -> None:
    """Pages of a few points hold together what one page holds, although more is measured meanwhile."""
    site.settled(INSTANCES, 4)
    wanted = asked(f'metric.type = "{INSTANCES}" AND resource.labels.service_name = "{site.name}"')
    pages = list(site.client.list_time_series({**wanted, "page_size": 3}).pages)
    assert all(sum(len(s.points) for s in page.time_series) == 3 for page in pages[:-1])
    points = [
        (s.metric.labels["state"], p.interval.end_time) for page in pages for s in page.time_series for p in s.points
    ]
    assert len(points) == len(set(points)) >= 8
    whole = {
        (s.metric.labels["state"], p.interval.end_time) for s in site.client.list_time_series(wanted) for p in s.points
    }
    assert set(points) <= whole


def test_headers_have_no_points(site: Site) -> None:
    """A view of headers counts its pages in series."""
    site.settled(INSTANCES)
    headers = ListTimeSeriesRequest.TimeSeriesView.HEADERS
    found = site.series(INSTANCES, view=headers, page_size=1)
    assert [(s.metric.labels["state"], len(s.points)) for s in found] == [("active", 0), ("idle", 0)]


def test_only_the_interval(site: Site) -> None:
    """Points that end before the interval or after it do not come."""
    ends = [point.interval.end_time for point in site.settled(INSTANCES, 4)[0].points]
    inside = site.series(INSTANCES, interval={"start_time": ends[-2], "end_time": ends[1]})[0].points
    assert [point.interval.end_time for point in inside] == ends[1:-2]


def test_descriptors_say_how_often(tmp_path: Path) -> None:
    """Descriptors tell the interval and the delay that hold now, and the file of faults changes both."""
    cloud = start(tmp_path, "--metrics-interval", "60s", "--metrics-delay", "60s-240s")
    try:
        client, name = metrics(cloud), f"projects/{PROJECT}/metricDescriptors/{MEMORY}"
        metadata = client.get_metric_descriptor(name=name).metadata
        assert (metadata.sample_period.seconds, metadata.ingest_delay.seconds) == (60, 240)
        (tmp_path / "faults.json").write_text(json.dumps({"metrics_interval": "500ms"}))
        metadata = client.get_metric_descriptor(name=name).metadata
        assert (metadata.sample_period.ToMilliseconds(), metadata.ingest_delay.seconds) == (500, 0)
        run = 'metric.type = starts_with("run.googleapis.com/container")'
        found = client.list_metric_descriptors({"name": f"projects/{PROJECT}", "filter": run})
        assert {d.type for d in found} == {MEMORY, CPU, INSTANCES}
        with pytest.raises(exceptions.NotFound):
            client.get_metric_descriptor(name=f"{name}/x")
    finally:
        stop(cloud)


def test_samples_outlive_the_emulator_and_come_late(tmp_path: Path) -> None:
    """What was measured is there after a restart; what is delayed is measured and not seen yet."""
    cloud = start(tmp_path, *FAST)
    site = visit(cloud)
    before = {p.interval.end_time for p in site.settled(INSTANCES)[0].points}
    (tmp_path / "faults.json").write_text(json.dumps({"metrics_delay": "10m", "metrics_interval": "200ms"}))
    until(lambda: len(site.series(INSTANCES)) > 0)
    stop(cloud)
    cloud = start(tmp_path)
    try:
        again = Site(cloud, site.name, site.url, site.revision)
        seen = {p.interval.end_time for s in again.series(INSTANCES) for p in s.points}
        assert before <= seen
        (tmp_path / "faults.json").unlink()
        newest = max(seen)
        until(lambda: max(p.interval.end_time for s in again.series(INSTANCES) for p in s.points) > newest)
    finally:
        stop(cloud)
