"""Cloud Monitoring v3, as far as it shows Cloud Run's metrics: `google.monitoring.v3.MetricService`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from untilgreen.emulator import protos
from untilgreen.emulator.faults import Faults
from untilgreen.emulator.logs_store import project_of
from untilgreen.emulator.monitoring_align import aggregate
from untilgreen.emulator.monitoring_filter import parse
from untilgreen.emulator.monitoring_metrics import METRICS, RESOURCE, Point, Series, series_of
from untilgreen.emulator.monitoring_store import MonitoringStore
from untilgreen.emulator.monitoring_values import Spread
from untilgreen.emulator.protos import Message, TimeSeriesView
from untilgreen.emulator.rpc import Caller, Method, invalid, not_emulated, not_found, page

SERVICE = "/google.monitoring.v3.MetricService/"
_LARGEST_PAGE = 100_000


class CloudMonitoring:
    """Answers the methods that read metrics.

    Args:
        store: where samples are kept.
        faults: gives what holds now of intervals and delays.
    """

    def __init__(self, store: MonitoringStore, faults: Callable[[], Faults]) -> None:
        self._store = store
        self._faults = faults

    def methods(self) -> dict[str, Method]:
        """Return the methods by name."""
        return {
            SERVICE + "ListTimeSeries": Method(protos.ListTimeSeriesRequest, self.list_time_series),
            SERVICE + "GetMetricDescriptor": Method(protos.GetMetricDescriptorRequest, self.get_descriptor),
            SERVICE + "ListMetricDescriptors": Method(protos.ListMetricDescriptorsRequest, self.list_descriptors),
        }

    async def list_time_series(self, request: Message, _: Caller) -> Message:
        """Return a page of time series, each with its newest points first; FULL pages are counted in points."""
        project = _project(request.name)
        if request.order_by:
            raise invalid("Field orderBy had an invalid value: ordering is not supported.")
        if request.HasField("secondary_aggregation"):
            raise not_emulated("secondary_aggregation")
        selection = parse(request.filter)
        start, end = _interval(request.interval)
        offset, as_of = _place(request.page_token)
        rows = self._store.read(project, start, end, as_of)
        measured = [series for series in series_of(selection.metric, rows) if selection.test(series)]
        found = aggregate(measured, request.aggregation, end)
        return _page(request, found, offset, as_of)

    async def get_descriptor(self, request: Message, _: Caller) -> Message:
        """Return what a metric is, with the interval and the delay that hold now."""
        name = request.name.partition("/metricDescriptors/")[2]
        if name not in METRICS:
            raise not_found(f"Could not find descriptor for metric '{name}'.")
        return self._descriptor(name, _project(request.name))

    async def list_descriptors(self, request: Message, _: Caller) -> Message:
        """Return what is measured; a filter may ask for types by their names' beginning or for one type."""
        project, test = _project(request.name), _by_type(request.filter)
        found = [self._descriptor(name, project) for name in sorted(METRICS) if test(name)]
        rows, token = page(found, request.page_size, request.page_token)
        return protos.ListMetricDescriptorsResponse(metric_descriptors=rows, next_page_token=token)

    def _descriptor(self, name: str, project: str) -> Message:
        faults = self._faults()
        return METRICS[name].descriptor(project, faults.metrics_interval, faults.metrics_delay.longest)


def _project(name: str) -> str:
    project = project_of(name)
    if not project:
        raise invalid(f'Field name had an invalid value of "{name}": must be of the form projects/PROJECT_ID.')
    return project


def _by_type(text: str) -> Callable[[str], bool]:
    """Return the test of a filter of metric types."""
    for name in METRICS:
        if text.replace(" ", "") == f'metric.type="{name}"':
            return lambda other: other == name
    wanted = text.replace(" ", "")
    opening = 'metric.type=starts_with("'
    if wanted.startswith(opening) and wanted.endswith('")'):
        return lambda name: name.startswith(wanted.removeprefix(opening)[:-2])
    if wanted:
        raise not_emulated(f"The filter {text} of metric descriptors")
    return lambda _: True


def _interval(interval: Message) -> tuple[int, int]:
    """Return the nanoseconds after which points are wanted, and up to which."""
    if not interval.HasField("end_time"):
        raise invalid("Field interval.endTime had an invalid value: it is required.")
    end = interval.end_time.ToNanoseconds()
    start = interval.start_time.ToNanoseconds() if interval.HasField("start_time") else end - 1
    if start > end:
        raise invalid("Field interval.startTime had an invalid value: it is later than the end time.")
    return start, end


def _place(token: str) -> tuple[int, int]:
    """Return where a page begins, and as of which moment its points are told, so that none moves between two pages."""
    if not token:
        return 0, time.time_ns()
    offset, dash, as_of = token.partition("-")
    if not dash or not offset.isdigit() or not as_of.isdigit():
        raise invalid("Field pageToken had an invalid value.")
    return int(offset), int(as_of)


def _page(request: Message, found: list[Series], offset: int, as_of: int) -> Message:
    """Return so many points from an offset on, counted over all series, or so many series without points."""
    response = protos.ListTimeSeriesResponse()
    headers = request.view == TimeSeriesView.HEADERS
    size = min(request.page_size or _LARGEST_PAGE, _LARGEST_PAGE)
    seen, last = 0, None
    for series, point in _flat(found, headers=headers):
        seen += 1
        if seen <= offset:
            continue
        if seen > offset + size:
            response.next_page_token = f"{offset + size}-{as_of}"
            break
        if series is not last:
            shown, last = _header(response.time_series.add(), series), series
        if point:
            _write(shown.points.add(), point)
    return response


def _flat(found: list[Series], *, headers: bool) -> Iterator[tuple[Series, Point | None]]:
    for series in found:
        if headers:
            yield series, None
        else:
            yield from ((series, point) for point in reversed(series.points))


def _header(shown: Message, series: Series) -> Message:
    shown.metric.type = series.metric
    shown.metric.labels.update(series.metric_labels)
    shown.resource.type = RESOURCE
    shown.resource.labels.update(series.resource_labels)
    shown.metric_kind, shown.value_type = series.kind, series.type
    shown.unit = METRICS[series.metric].unit
    return shown


def _write(shown: Message, point: Point) -> None:
    shown.interval.start_time.FromNanoseconds(point.since)
    shown.interval.end_time.FromNanoseconds(point.at)
    if isinstance(point.value, Spread):
        shown.value.distribution_value.CopyFrom(point.value.message())
    elif isinstance(point.value, int):
        shown.value.int64_value = point.value
    else:
        shown.value.double_value = point.value
