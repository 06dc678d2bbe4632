"""Cloud Monitoring by Google's own client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from google.api_core import exceptions
from google.cloud.monitoring_v3.services.metric_service import MetricServiceClient
from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport
from google.cloud.monitoring_v3.types import ListTimeSeriesRequest, TimeInterval

from untilgreen.adapters.google_connection import TRANSIENT, connect, patient
from untilgreen.errors import CloudUnavailable
from untilgreen.model.document import Window
from untilgreen.ports import UsagePage, UsageSample

MEMORY = "run.googleapis.com/container/memory/utilizations"
CPU = "run.googleapis.com/container/cpu/utilizations"
INSTANCES = "run.googleapis.com/container/instance_count"
PERIOD_S, DELAY_S = 60.0, 240.0
"""What Google says of Cloud Run's metrics, for the case that the descriptor does not."""


class CloudMonitoring:
    """The metrics of one project.

    Args:
        project: Google Cloud project id.
        endpoint: host:port of an emulator; empty for Google Cloud.
        patience_s: how long one page may be asked for again.
        page: points a call; the API gives no more than 100,000.
    """

    def __init__(self, project: str, endpoint: str = "", patience_s: float = 60, page: int = 10_000) -> None:
        self._project = project
        self._client = connect(MetricServiceClient, MetricServiceGrpcTransport, endpoint)
        self._retry = patient(patience_s)
        self._page = page

    def usage(self, services: Sequence[str], window: Window) -> UsagePage:
        """Read what every revision of these services used of memory, cpu and instances, as far as it is seen now.

        Returns:
            What came, in time order. A refusal, for example of a missing permission, is a gap.

        Raises:
            CloudUnavailable: a transient fault, after retries.
        """
        try:
            period_s, delay_s = self._pace()
            samples = [*self._shares(MEMORY, services, window), *self._shares(CPU, services, window)]
            samples += _counted(self._series(INSTANCES, services, window))
        except (*TRANSIENT, exceptions.RetryError) as error:
            raise CloudUnavailable(f"Cloud Monitoring does not answer: {error}") from error
        except exceptions.GoogleAPICallError as error:
            gap = f"Cloud Monitoring refuses: {error}"
            return UsagePage(samples=(), period_s=PERIOD_S, delay_s=DELAY_S, complete=False, gap=gap)
        found = tuple(sorted(samples, key=lambda s: (s.at, s.service, s.revision, s.resource)))
        return UsagePage(samples=found, period_s=period_s, delay_s=delay_s, complete=True)

    def _pace(self) -> tuple[float, float]:
        """Return how far apart samples are, and how much later they are seen, as the metric itself says."""
        name = f"projects/{self._project}/metricDescriptors/{MEMORY}"
        try:
            found = self._client.get_metric_descriptor(name=name, retry=self._retry).metadata
        except exceptions.NotFound:  # a project in which nothing has run yet
            return PERIOD_S, DELAY_S
        known = found.HasField("sample_period")
        period_s = found.sample_period.ToTimedelta().total_seconds() if known else PERIOD_S
        return period_s, found.ingest_delay.ToTimedelta().total_seconds() if known else DELAY_S

    def _shares(self, metric: str, services: Sequence[str], window: Window) -> Iterator[UsageSample]:
        resource = "memory" if metric == MEMORY else "cpu"
        for series in self._series(metric, services, window):
            for point in series.points:
                spread = point.value.distribution_value
                if spread.count:
                    low, high = bounds(spread)
                    yield _sample(series, point, resource, (low, high, spread.mean))

    def _series(self, metric: str, services: Sequence[str], window: Window) -> Iterator[Any]:
        """Go through the time series of all pages; one that goes on in the next page comes twice, with other points."""
        names = ", ".join(f'"{name}"' for name in sorted(services))
        wanted = (
            f'metric.type = "{metric}" AND resource.type = "cloud_run_revision" '
            f"AND resource.labels.service_name = one_of({names})"
        )
        end = min(window.end, datetime.now(UTC))
        request = ListTimeSeriesRequest(
            name=f"projects/{self._project}",
            filter=wanted,
            interval=TimeInterval(start_time=min(window.start, end), end_time=end),
            view=ListTimeSeriesRequest.TimeSeriesView.FULL,
            page_size=self._page,
        )
        try:
            for page in self._client.list_time_series(request=request, retry=self._retry).pages:
                yield from type(page).pb(page).time_series
        except exceptions.NotFound:  # Google knows a metric only once something was measured
            return


def bounds(spread: Any) -> tuple[float, float]:
    """Return what the highest of a distribution's values reached at least, and what it was not above.

    Args:
        spread: `google.api.Distribution` with a count, of values that are not negative.
    """
    if spread.HasField("range"):
        return spread.range.max, spread.range.max
    highest, total = spread.mean, spread.mean * spread.count
    place = max((number for number, count in enumerate(spread.bucket_counts) if count), default=None)
    if place is None:
        return highest, total
    low, high = _edges(spread.bucket_options, place)
    # The highest is not below the mean, and with nothing below zero not above the sum.
    return max(low, highest), max(highest, min(high, total))


def _edges(options: Any, place: int) -> tuple[float, float]:
    """Return where a class begins and ends; class 0 lies below all bounds and the last one above them."""
    count, edge = _classes(options)
    low = edge(place - 1) if place else 0.0
    return low, edge(place) if place <= count else float("inf")


def _classes(options: Any) -> tuple[int, Callable[[int], float]]:
    """Return the number of classes with two bounds, and what gives the bound of a number."""
    kind = options.WhichOneof("options")
    if kind == "linear_buckets":
        linear = options.linear_buckets
        return linear.num_finite_buckets, lambda number: linear.offset + linear.width * number
    if kind == "exponential_buckets":
        growing = options.exponential_buckets
        return growing.num_finite_buckets, lambda number: growing.scale * growing.growth_factor**number
    listed = options.explicit_buckets.bounds
    return len(listed) - 1, lambda number: listed[number] if 0 <= number < len(listed) else float("inf")


def _counted(series: Iterator[Any]) -> Iterator[UsageSample]:
    """Add up the instances of all states of a revision at one moment."""
    totals: dict[tuple[str, str, int, int], int] = {}
    first: dict[tuple[str, str, int, int], tuple[Any, Any]] = {}
    for one in series:
        for point in one.points:
            end = point.interval.end_time
            key = (*_whose(one), end.seconds, end.nanos)
            totals[key] = totals.get(key, 0) + point.value.int64_value
            first.setdefault(key, (one, point))
    for key, total in totals.items():
        yield _sample(*first[key], "instances", (total, total, total))


def _whose(series: Any) -> tuple[str, str]:
    labels = series.resource.labels
    return labels["service_name"], labels["revision_name"]


def _sample(series: Any, point: Any, resource: Any, figures: tuple[float, float, float]) -> UsageSample:
    (service, revision), (low, high, mean) = _whose(series), figures
    interval = point.interval
    end = interval.end_time.ToDatetime(tzinfo=UTC)
    start = interval.start_time.ToDatetime(tzinfo=UTC) if interval.HasField("start_time") else end
    return UsageSample(
        service=service, revision=revision, resource=resource, start=start, at=end, low=low, high=high, mean=mean
    )
