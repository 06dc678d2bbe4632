"""The metrics of Cloud Run that are measured here: Google's types, kinds, values and labels.

How Google divides the classes of its distributions is not published; shares of a limit are counted by the percent here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from untilgreen.emulator.monitoring_store import Figures, Row
from untilgreen.emulator.monitoring_values import Exponential, Linear, Spread, spread
from untilgreen.emulator.protos import Message, MetricDescriptor

RESOURCE = "cloud_run_revision"
RESOURCE_LABELS = ("project_id", "service_name", "revision_name", "location", "configuration_name")
SHARES = Linear(100, 0.01)
LATENCIES = Exponential(100, 1.15)

Kind = MetricDescriptor.MetricKind
ValueType = MetricDescriptor.ValueType
Value = int | float | Spread
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Args:
        type: its name.
        kind: GAUGE or DELTA.
        value: INT64 or DISTRIBUTION.
        unit: of its values.
        title: its display name.
        labels: names of its labels.
        values: gives the values of a row, each with the labels that it has besides the container's name.
    """

    type: str
    kind: int
    value: int
    unit: str
    title: str
    labels: tuple[str, ...]
    values: Callable[[Figures], Iterable[tuple[Labels, Value]]]

    def descriptor(self, project: str, interval: float, delay: float) -> Message:
        """Return the metric as the API describes it.

        Args:
            project: whose.
            interval: seconds from one sample to the next.
            delay: seconds after which a sample is seen at the latest.
        """
        name = f"projects/{project}/metricDescriptors/{self.type}"
        made = MetricDescriptor(name=name, type=self.type, metric_kind=self.kind, value_type=self.value, unit=self.unit)
        made.display_name = made.description = self.title
        made.monitored_resource_types.append(RESOURCE)
        made.metadata.sample_period.FromNanoseconds(int(interval * 1e9))
        made.metadata.ingest_delay.FromNanoseconds(int(delay * 1e9))
        for label in self.labels:
            made.labels.add(key=label)
        return made


@dataclass(frozen=True, slots=True)
class Point:
    """A value from one moment to another, in nanoseconds since 1970; of a gauge both are the same."""

    at: int
    since: int
    value: Value


@dataclass
class Series:
    """The points of one thing, oldest first."""

    metric: str
    kind: int
    type: int
    metric_labels: dict[str, str]
    resource_labels: dict[str, str]
    points: list[Point] = field(default_factory=list)


def _memory(figures: Figures) -> Iterator[tuple[Labels, Value]]:
    if figures.memory:
        yield (), spread(SHARES, figures.memory)


def _cpu(figures: Figures) -> Iterator[tuple[Labels, Value]]:
    if figures.cpu:
        yield (), spread(SHARES, figures.cpu)


def _instances(figures: Figures) -> Iterator[tuple[Labels, Value]]:
    if figures.active is not None and figures.idle is not None:
        yield (("state", "active"),), figures.active
        yield (("state", "idle"),), figures.idle


def _requests(figures: Figures) -> Iterator[tuple[Labels, Value]]:
    for status, answered in (figures.answered or {}).items():
        yield _status(status), answered.number


def _latencies(figures: Figures) -> Iterator[tuple[Labels, Value]]:
    for status, answered in (figures.answered or {}).items():
        yield _status(status), Spread(LATENCIES, answered.classes, answered.total_ms, answered.squares)


def _status(status: int) -> Labels:
    return ("response_code", str(status)), ("response_code_class", f"{status // 100}xx")


_CODES = ("response_code", "response_code_class")
METRICS = {
    metric.type: metric
    for metric in (
        Metric(
            "run.googleapis.com/container/memory/utilizations",
            Kind.DELTA,
            ValueType.DISTRIBUTION,
            "10^2.%",
            "Container Memory Utilization",
            ("container_name",),
            _memory,
        ),
        Metric(
            "run.googleapis.com/container/cpu/utilizations",
            Kind.DELTA,
            ValueType.DISTRIBUTION,
            "10^2.%",
            "Container CPU Utilization",
            ("container_name",),
            _cpu,
        ),
        Metric(
            "run.googleapis.com/container/instance_count",
            Kind.GAUGE,
            ValueType.INT64,
            "1",
            "Instance Count",
            ("state",),
            _instances,
        ),
        Metric(
            "run.googleapis.com/request_count", Kind.DELTA, ValueType.INT64, "1", "Request Count", _CODES, _requests
        ),
        Metric(
            "run.googleapis.com/request_latencies",
            Kind.DELTA,
            ValueType.DISTRIBUTION,
            "ms",
            "Request Latency",
            _CODES,
            _latencies,
        ),
    )
}
"""All that is measured, by type."""


def series_of(metric: Metric, rows: Iterable[Row]) -> list[Series]:
    """Return the time series of a metric, in the order of their labels."""
    found: dict[tuple[Labels, Labels], Series] = {}
    for row in rows:
        resource = row.service.resource_labels(row.revision)
        own = (("container_name", row.container),) if "container_name" in metric.labels else ()
        since = row.since if metric.kind == Kind.DELTA else row.at
        for labels, value in metric.values(row.figures):
            key = tuple(sorted(resource.items())), (*own, *labels)
            if key not in found:
                found[key] = Series(metric.type, metric.kind, metric.value, dict(key[1]), resource)
            found[key].points.append(Point(row.at, since, value))
    return [found[key] for key in sorted(found)]
