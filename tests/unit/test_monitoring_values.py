"""How the emulator counts what was used, and what filters and periods make of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.emulator.limits import MIB, Sample, Usage
from untilgreen.emulator.monitoring_align import aggregate
from untilgreen.emulator.monitoring_filter import parse
from untilgreen.emulator.monitoring_metrics import LATENCIES, METRICS, SHARES, Point, Series, series_of
from untilgreen.emulator.monitoring_store import Answered, Figures, Row
from untilgreen.emulator.monitoring_values import Exponential, Linear, merged, spread
from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.protos import Aligner, ListTimeSeriesRequest, Reducer
from untilgreen.emulator.rpc import Refusal

SECOND = 10**9
MEMORY, COUNT = "run.googleapis.com/container/memory/utilizations", "run.googleapis.com/request_count"
VALUES = st.lists(st.floats(0, 2), min_size=1, max_size=40)


def series(revision: str = "shop-1", service: str = "shop", code: str = "200", *values: int) -> Series:
    """Return counted requests, one point a minute."""
    metric = METRICS[COUNT]
    labels = {"response_code": code, "response_code_class": f"{code[0]}xx"}
    points = [Point((n + 1) * 60 * SECOND, n * 60 * SECOND, value) for n, value in enumerate(values)]
    resource = ServiceName("moon", "here", service).resource_labels(revision)
    return Series(COUNT, metric.kind, metric.value, labels, resource, points)


SHOP = series()
SELECTED = [
    ("", True),
    ('resource.type = "cloud_run_revision"', True),
    ('resource.type="gce_instance"', False),
    ('resource.labels.service_name = "shop"', True),
    ('resource.label."service_name"=shop', True),
    ('resource.labels.service_name != "shop"', False),
    ('NOT resource.labels.service_name = "shop"', False),
    ('-resource.labels.service_name="x"', True),
    ('resource.labels.revision_name = starts_with("shop-")', True),
    ('resource.labels.revision_name = ends_with("-2")', False),
    ('resource.labels.revision_name = has_substring("op")', True),
    ('resource.labels.revision_name : "op"', True),
    ('resource.labels.service_name = one_of("x", "shop")', True),
    ('resource.labels.service_name = monitoring.regex.full_match("sh.*")', True),
    ('resource.labels.service_name = monitoring.regex.full_match("sh")', False),
    ('resource.labels.service_name = "x" OR resource.labels.service_name = "shop"', True),
    (
        '(resource.labels.service_name = "x" OR resource.labels.location = "here") metric.labels.response_code="200"',
        True,
    ),
    ('metric.label.response_code_class = "5xx"', False),
    ('project = "moon" AND resource.labels.project_id="moon"', True),
]


@pytest.mark.parametrize(("rest", "selected"), SELECTED)
def test_filters(rest: str, selected: bool) -> None:
    """Filters select as Google's do."""
    chosen = parse(f'metric.type = "{COUNT}" {rest}')
    assert (chosen.metric.type, chosen.test(SHOP)) == (COUNT, selected)


@pytest.mark.parametrize("text", ["", "metric.type", 'metric.type = "a', f'NOT metric.type = "{COUNT}"', "a = b"])
def test_filters_without_a_metric(text: str) -> None:
    """A filter that does not say of which one metric it speaks is refused."""
    with pytest.raises(Refusal):
        parse(text)


@given(VALUES, st.sampled_from([SHARES, LATENCIES, Linear(3, 0.5), Exponential(5, 2.0, 0.1)]))
def test_percentiles_lie_in_their_class(values: list[float], classes: Linear | Exponential) -> None:
    """A percentile lies in the class of the value that really is that percentile, and they only grow."""
    made = spread(classes, values)
    assert made.count == len(values)
    found = [made.percentile(percent) for percent in (5, 50, 95, 99)]
    assert found == sorted(found)
    top = classes.place(max(values))
    assert made.percentile(100) <= max(classes.edge(top), 1e-9) * (1 + 1e-9)


@given(VALUES, VALUES)
def test_merging_is_counting_together(one: list[float], other: list[float]) -> None:
    """Two distributions merged are the distribution of all their values."""
    both, whole = merged([spread(SHARES, one), spread(SHARES, other)]), spread(SHARES, one + other)
    assert both.counts == whole.counts
    assert both.total == pytest.approx(whole.total)
    shown = both.message()
    assert (shown.count, sum(shown.bucket_counts)) == (len(one + other), len(one + other))


def asked(aligner: str, reducer: str = "REDUCE_NONE", *fields: str, seconds: int = 120) -> object:
    """Return an aggregation."""
    request = ListTimeSeriesRequest()
    made = request.aggregation
    made.alignment_period.FromTimedelta(timedelta(seconds=seconds))
    made.per_series_aligner, made.cross_series_reducer = int(Aligner[aligner]), int(Reducer[reducer])
    made.group_by_fields.extend(fields)
    return made


@pytest.mark.parametrize(
    ("aligner", "values"),
    [
        ("ALIGN_DELTA", [3, 7, 5]),
        ("ALIGN_SUM", [3, 7, 5]),
        ("ALIGN_MAX", [2, 4, 5]),
        ("ALIGN_MIN", [1, 3, 5]),
        ("ALIGN_MEAN", [1.5, 3.5, 5]),
        ("ALIGN_COUNT", [2, 2, 1]),
        ("ALIGN_RATE", [3 / 120, 7 / 120, 5 / 120]),
    ],
)
def test_periods_are_counted_back_from_the_end(aligner: str, values: list[float]) -> None:
    """All points of a period become one at its end; the last period ends where the interval does."""
    (made,) = aggregate([series("r", "s", "200", 1, 2, 3, 4, 5)], asked(aligner), 6 * 60 * SECOND)
    assert [point.value for point in made.points] == values
    assert [point.at // SECOND for point in made.points] == [120, 240, 360]


def test_groups() -> None:
    """Series with the same labels to group by become one, point by point."""
    many = [series("a-1", "a", "200", 1, 1), series("a-2", "a", "500", 2, 2), series("b-1", "b", "200", 5, 5)]
    how = asked("ALIGN_DELTA", "REDUCE_SUM", "resource.labels.service_name", seconds=60)
    made = aggregate(many, how, 120 * SECOND)
    assert [(s.resource_labels, [p.value for p in s.points]) for s in made] == [
        ({"service_name": "a"}, [3, 3]),
        ({"service_name": "b"}, [5, 5]),
    ]
    (whole,) = aggregate(many, asked("ALIGN_DELTA", "REDUCE_MAX", seconds=60), 120 * SECOND)
    assert [p.value for p in whole.points] == [5, 5]
    codes = aggregate(many, asked("ALIGN_DELTA", "REDUCE_COUNT", "metric.labels.response_code"), 120 * SECOND)
    assert [(s.metric_labels, [p.value for p in s.points]) for s in codes] == [
        ({"response_code": "200"}, [2]),
        ({"response_code": "500"}, [1]),
    ]


def test_series_of_rows() -> None:
    """Rows of one revision are one series for each set of labels, and what was not measured is no point."""
    name = ServiceName("moon", "here", "shop")
    answered = {200: Answered(3, 30.0, 300.0, {10: 3}), 500: Answered(1, 5.0, 25.0, {8: 1})}
    rows = [
        Row(2 * SECOND, 0, name, "shop-1", "app-1", Figures((0.5,), (0.1,), 1, 0, answered)),
        Row(4 * SECOND, 2 * SECOND, name, "shop-1", "app-1", Figures(answered={200: answered[200]})),
    ]
    counted = series_of(METRICS[COUNT], rows)
    assert [(s.metric_labels["response_code"], [p.value for p in s.points]) for s in counted] == [
        ("200", [3, 3]),
        ("500", [1]),
    ]
    (memory,) = series_of(METRICS[MEMORY], rows)
    assert [(point.since, point.at) for point in memory.points] == [(0, 2 * SECOND)]


def test_a_look_at_usage() -> None:
    """A look tells every sample since the last one, the share of processor time between the two, and who works."""
    usage = Usage(100 * MIB, 2.0)
    usage.began("a")
    usage.began("b")
    begun = usage._before["a"].at
    usage.add(Sample(begun + 1, "a", 10 * MIB, 1.0, 3))
    usage.add(Sample(begun + 2, "a", 50 * MIB, 3.0, 3))
    usage.add(Sample(begun + 2, "b", 20 * MIB, 0.0, 0))
    look = usage.look()
    assert look
    assert look.memory == (0.1, 0.5, 0.2)
    assert look.cpu == pytest.approx((0.75, 0.0), abs=1e-3)
    assert (look.active, look.idle) == (1, 1)
    usage.add(Sample(begun + 4, "b", 30 * MIB, 4.0, 0))
    usage.ended("a")
    look = usage.look()
    assert look
    assert (look.memory, look.active, look.idle) == ((0.3,), 0, 1)
    assert usage.look() is not None, "an instance without a new sample still holds what it held"
    usage.ended("b")
    assert usage.look() is None


def test_an_instance_that_ended_is_seen_once() -> None:
    """The samples of an instance that has ended since the last look are told; then it is forgotten."""
    usage = Usage(100 * MIB, 1.0)
    usage.began("a")
    usage.add(Sample(usage._before["a"].at + 0.1, "a", 150 * MIB, 0.05, 1))
    usage.ended("a")
    look = usage.look()
    assert look
    assert (look.memory, look.cpu, look.active, look.idle) == ((1.5,), (), 0, 0)
    assert usage.look() is None
