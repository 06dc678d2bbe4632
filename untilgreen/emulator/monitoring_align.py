"""Alignment and reduction: points of a period become one, series of a group become one.

Which aligner suits which metric is Google's own table: a distribution has no maximum and no mean, it has percentiles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

from untilgreen.emulator.monitoring_metrics import RESOURCE_LABELS, Kind, Point, Series, Value, ValueType
from untilgreen.emulator.monitoring_values import Spread, merged
from untilgreen.emulator.protos import Aligner, Message, MetricDescriptor, Reducer
from untilgreen.emulator.rpc import invalid, not_emulated

_SHORTEST_S = 60
Join = Callable[[Sequence[Value]], Value]


@dataclass(frozen=True)
class _Way:
    """How values become one.

    Args:
        join: does it.
        kinds: of metrics that it is for.
        spreads: whether it is for distributions.
        numbers: whether it is for numbers.
        gauge: whether what comes out is a gauge.
        double: whether what comes out is a DOUBLE.
    """

    join: Join
    kinds: tuple[int, ...] = (Kind.GAUGE, Kind.DELTA)
    spreads: bool = False
    numbers: bool = True
    gauge: bool = True
    double: bool = False


def _numbers(values: Iterable[Value]) -> list[float]:
    return [cast("float", value) for value in values]


def _sum(values: Sequence[Value]) -> Value:
    if isinstance(values[0], Spread):
        return merged(cast("Sequence[Spread]", values))
    return sum(_numbers(values))


def _mean(values: Sequence[Value]) -> Value:
    return sum(_numbers(values)) / len(values)


def _percentile(percent: float) -> Join:
    return lambda values: merged(cast("Sequence[Spread]", values)).percentile(percent)


_PERCENTILES = {
    f"PERCENTILE_{percent:02}": _Way(_percentile(percent), spreads=True, numbers=False, double=True)
    for percent in (99, 95, 50, 5)
}
_COMMON = {
    "SUM": _Way(_sum, spreads=True, gauge=False),
    "MEAN": _Way(_mean, double=True),
    "MIN": _Way(lambda values: min(_numbers(values))),
    "MAX": _Way(lambda values: max(_numbers(values))),
    "COUNT": _Way(len),
    **_PERCENTILES,
}
_ALIGNERS = {
    **_COMMON,
    "DELTA": _Way(_sum, (Kind.DELTA,), spreads=True, gauge=False),
    "RATE": _Way(_sum, (Kind.DELTA,), double=True),
}


def aggregate(series: list[Series], aggregation: Message, end: int) -> list[Series]:
    """Return the series as an aggregation asks for them.

    Args:
        series: as they were measured.
        aggregation: what to make of them.
        end: of the interval that was asked for, in nanoseconds since 1970; periods are counted back from there.

    Raises:
        Refusal: it does not suit the metric, or is not emulated.
    """
    aligner = Aligner(aggregation.per_series_aligner).name.removeprefix("ALIGN_")
    reducer = Reducer(aggregation.cross_series_reducer).name.removeprefix("REDUCE_")
    period = aggregation.alignment_period.ToNanoseconds()
    if aligner == "NONE":
        if reducer != "NONE" or period:
            raise invalid("The request was missing field aggregation.perSeriesAligner.")
        return series
    if period < _SHORTEST_S * 10**9:
        raise invalid(
            f'Field aggregation.alignmentPeriod had an invalid value of "{period / 1e9:g}s": It must be at least 60s.'
        )
    aligned = [_aligned(one, aligner, period, end) for one in series]
    return aligned if reducer == "NONE" else _reduced(aligned, reducer, _keys(aggregation.group_by_fields))


def _aligned(series: Series, aligner: str, period: int, end: int) -> Series:
    way = _way(_ALIGNERS, "ALIGN_", aligner, series)
    periods: dict[int, list[Value]] = {}
    for point in series.points:
        periods.setdefault(end - (end - point.at) // period * period, []).append(point.value)
    per_second = period / 1e9 if aligner == "RATE" else 1
    made = _typed(series, way)
    gauge = made.kind == Kind.GAUGE
    made.points = [
        Point(at, at if gauge else at - period, _per(way.join(values), per_second))
        for at, values in sorted(periods.items())
    ]
    return made


def _per(value: Value, seconds: float) -> Value:
    return value if isinstance(value, Spread) or math.isclose(seconds, 1) else value / seconds


def _reduced(series: list[Series], reducer: str, keys: tuple[tuple[str, str], ...]) -> list[Series]:
    """Make one series of each group. What is not grouped by is no label of it any more."""
    groups: dict[tuple[str, ...], list[Series]] = {}
    for one in series:
        groups.setdefault(tuple(_labels(one, owner).get(label, "") for owner, label in keys), []).append(one)
    return [_joined(groups[key], reducer, keys) for key in sorted(groups)]


def _joined(group: list[Series], reducer: str, keys: tuple[tuple[str, str], ...]) -> Series:
    way = _way(_COMMON, "REDUCE_", reducer, group[0])
    made = _typed(group[0], way)
    made.kind = group[0].kind
    kept = {owner: {label: _labels(group[0], owner).get(label, "") for o, label in keys if o == owner}
            for owner in ("metric", "resource")}  # fmt: skip
    made.metric_labels, made.resource_labels = kept["metric"], kept["resource"]
    moments: dict[tuple[int, int], list[Value]] = {}
    for one in group:
        for point in one.points:
            moments.setdefault((point.at, point.since), []).append(point.value)
    made.points = [Point(at, since, way.join(values)) for (at, since), values in sorted(moments.items())]
    return made


def _way(ways: dict[str, _Way], prefix: str, name: str, series: Series) -> _Way:
    what = ("aligner", "perSeriesAligner") if prefix == "ALIGN_" else ("reducer", "crossSeriesReducer")
    if name not in ways:
        raise not_emulated(f"The {what[0]} {prefix}{name}")
    way = ways[name]
    is_spread = series.type == ValueType.DISTRIBUTION
    if series.kind not in way.kinds or not (way.spreads if is_spread else way.numbers):
        kind, value = MetricDescriptor.MetricKind.Name(series.kind), MetricDescriptor.ValueType.Name(series.type)
        raise invalid(
            f'Field aggregation.{what[1]} had an invalid value of "{prefix}{name}": '
            f"The {what[0]} cannot be applied to metrics with kind {kind} and value type {value}."
        )
    return way


def _typed(series: Series, way: _Way) -> Series:
    """Return a series without points, of the kind and type that come out."""
    kind = Kind.GAUGE if way.gauge else series.kind
    count = way.join is len
    value = ValueType.DOUBLE if way.double else ValueType.INT64 if count else series.type
    return replace(series, kind=kind, type=value, points=[])


def _keys(fields: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(_key(field) for field in fields)


def _key(field: str) -> tuple[str, str]:
    owner, _, rest = field.partition(".")
    label = rest.partition(".")[2].strip("\"'")
    if owner == "resource" and label in RESOURCE_LABELS:
        return owner, label
    if owner == "metric" and label:
        return owner, label
    if field == "resource.type":
        return owner, ""
    raise not_emulated(f"Grouping by {field}")


def _labels(series: Series, owner: str) -> dict[str, str]:
    return series.metric_labels if owner == "metric" else series.resource_labels
