"""The scorer of benchmarks/faults on cases made by hand, whose figures anybody can work out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.faults import truth
from benchmarks.faults.fault import Cause, Stage, sign
from benchmarks.faults.score import (
    Candidate,
    Labelled,
    accuracy_at,
    average_at,
    bootstrap,
    mean,
    pairs,
    rank,
    share,
    v_measure,
)
from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Analysis, Citation, Why
from untilgreen.model.claims import Claim, ErrorRaised, HttpFailure, RegressedBy, Unknown
from untilgreen.model.document import Window
from untilgreen.model.evidence import Case, Entry, Hunk, Item, Manifest, Stream
from untilgreen.model.suite import Outcome, Result

NOW = datetime(2026, 5, 1, tzinfo=UTC)
COMMITS = {"bad": "b" * 40, "innocent": "1" * 40}
CAUSE = Cause(
    "sum",
    ("t.py::test_sum*",),
    right=(sign("regressed_by", commit="@bad", path="shop/sum.py"),),
    path=((sign("error_raised", exception="*TypeError"), sign("http_failure", status="500")),),
    services=("shop",),
    files=("shop/sum.py",),
)
HUNK = Hunk(commit=COMMITS["bad"], path="shop/sum.py", line=3, added=("return a + None",))
OTHER = Hunk(commit=COMMITS["innocent"], path="shop/sum.py", line=9, added=("pass",))
CASE = Case(nodeid="t.py::test_sum", outcome=Outcome.FAILED, trace="a" * 32)


def entry(trace: str = "", service: str = "shop") -> Entry:
    return Entry(
        at=NOW,
        service=service,
        revision="r",
        stream=Stream.STDERR,
        severity="ERROR",
        message="TypeError: no",
        trace=trace,
        insert_id="1",
        log_name="run",
    )


def bundle(*items: Item) -> Bundle:
    window = Window(start=NOW, end=NOW)
    manifest = Manifest(
        loop="l", cycle=1, commit="c", window=window, revisions={}, coverage=(), counts={}, folder="bundle"
    )
    return Bundle(manifest, items)


def chain(*links: tuple[Claim, tuple[Citation, ...]]) -> Analysis:
    whys = tuple(
        Why(number=number, question="Why?", answer="So.", claim=claim, citations=citations)
        for number, (claim, citations) in enumerate(links, 1)
    )
    return Analysis(id="a", author="me", group="g", cases=(), whys=whys)


def cites(item: Item, quote: str = "") -> tuple[Citation, ...]:
    return (Citation(evidence=item.id, quote=quote or item.text[:20]),)


BLAME = RegressedBy(commit=COMMITS["bad"], path="shop/sum.py")
RAISED = ErrorRaised(service="shop", exception="builtins.TypeError")


@pytest.mark.parametrize(
    ("merits", "place"),
    [
        ([(3, True), (2, False)], 1),
        ([(2, True), (3, False)], 2),
        ([(2, True), (2, False)], 2),
        ([(2, True), (2, False), (2, False), (1, True)], 3),
        ([(2, True), (1, True)], 1),
        ([(1, False)], None),
        ([], None),
    ],
)
def test_rank(merits: list[tuple[int, bool]], place: int | None) -> None:
    """A right candidate stands behind every wrong one of equal merit."""
    assert rank(Candidate((merit,), right) for merit, right in merits) == place


def test_accuracy() -> None:
    """Accuracy at k counts what is among the first k; Avg@5 is the mean of the five accuracies."""
    ranks = [1, 2, None, 4]
    assert [accuracy_at(ranks, k).value for k in (1, 3, 5)] == [0.25, 0.5, 0.75]
    assert average_at(ranks, 5).value == pytest.approx((0.25 + 0.5 + 0.5 + 0.75 + 0.75) / 5)


def test_interval_of_a_share() -> None:
    """A share has Wilson's interval, which knows that one of one proves little."""
    found = share([True] * 8 + [False] * 2)
    assert (found.value, round(found.low, 3), round(found.high, 3)) == (0.8, 0.49, 0.943)
    assert share([True]).low == pytest.approx(0.2065, abs=1e-4)
    assert share([]).count == 0


def test_bootstrap_is_the_same_twice() -> None:
    """The interval of a mean encloses it and is the same whenever it is asked for."""
    values = [0.0, 0.5, 1.0, 1.0]
    assert mean(values) == bootstrap(values, lambda drawn: sum(drawn) / len(drawn))
    assert mean(values).low <= mean(values).value <= mean(values).high


def labelled(*rows: tuple[str, str, str]) -> list[Labelled]:
    return [Labelled(*row) for row in rows]


def test_clusters_of_known_figures() -> None:
    """V-measure and pairs agree with what the literature's example gives."""
    found = labelled(("f", "a", "1"), ("f", "a", "1"), ("f", "b", "2"), ("f", "b", "3"))
    assert v_measure(found) == pytest.approx(0.8)
    assert (pairs(found).precision, pairs(found).recall) == (1.0, 0.5)


def test_two_causes_in_one_group() -> None:
    """Putting two causes together costs precision, and leaves nothing homogeneous."""
    found = labelled(("f", "a", "1"), ("f", "b", "1"))
    assert v_measure(found) == 0.0
    assert pairs(found).precision == 0.0


def test_pairs_of_two_faults_count_nothing() -> None:
    """That two faults are kept apart is no merit: they never met."""
    apart = labelled(("f", "a", "1"), ("g", "a", "1"))
    assert (pairs(apart).together, pairs(apart).belonging) == (0, 0)


_rows = st.lists(st.tuples(st.sampled_from("fg"), st.sampled_from("abc"), st.sampled_from("123")), max_size=30)


@given(_rows, st.permutations("123"))
def test_names_of_groups_do_not_matter(rows: list[tuple[str, str, str]], names: list[str]) -> None:
    """Every figure lies between 0 and 1, and renaming the groups changes none."""
    renamed = dict(zip("123", names, strict=True))
    one, two = labelled(*rows), labelled(*((f, c, renamed[g]) for f, c, g in rows))
    for figure in (v_measure, lambda t: pairs(t).precision, lambda t: pairs(t).f1):
        measure: Callable[[list[Labelled]], float] = figure
        assert -1e-9 <= measure(one) <= 1 + 1e-9
        assert measure(one) == pytest.approx(measure(two))


@given(_rows)
def test_the_truth_is_perfect(rows: list[tuple[str, str, str]]) -> None:
    """Grouping by the true cause has every figure at 1."""
    found = labelled(*((f, c, c) for f, c, _ in rows))
    assert v_measure(found) == pytest.approx(1)
    assert pairs(found).f1 == 1


def test_a_sign_names_a_commit() -> None:
    """A commit is right only if it is the faulty one: another that touches the same file is not."""
    assert truth.names(BLAME, CAUSE, COMMITS)
    assert not truth.names(RegressedBy(commit=COMMITS["innocent"], path="shop/sum.py"), CAUSE, COMMITS)
    assert not truth.names(RAISED, CAUSE, COMMITS)


def test_the_right_path() -> None:
    """A chain takes the right path if it has one claim of each group, and not by its last claim alone."""
    assert truth.goes_through(chain((RAISED, ()), (BLAME, ())), CAUSE, COMMITS)
    failed = HttpFailure(service="shop", method="GET", path="/", status=500)
    assert truth.goes_through(chain((failed, ()), (BLAME, ())), CAUSE, COMMITS)
    assert not truth.goes_through(chain((BLAME, ())), CAUSE, COMMITS)


def test_support_is_verbatim() -> None:
    """A why without evidence, with an invented id or with other words has no support; an honest unknown needs none."""
    held = bundle(HUNK)
    assert truth.supported(chain((BLAME, cites(HUNK))), held)
    assert truth.supported(chain((BLAME, cites(HUNK)), (Unknown(missing=("a log",)), ())), held)
    assert not truth.supported(chain((BLAME, ())), held)
    assert not truth.supported(chain((BLAME, cites(OTHER))), held)
    assert not truth.supported(chain((BLAME, cites(HUNK, "return a + 1"))), held)


@pytest.mark.parametrize(
    ("item", "about"),
    [
        (HUNK, True),
        (OTHER, False),
        (CASE, True),
        (Case(nodeid="t.py::test_else", outcome=Outcome.FAILED), False),
        (entry("a" * 32, "another"), True),
        (entry("c" * 32), False),
        (entry(), True),
        (entry(service="another"), False),
    ],
)
def test_relevant_evidence(item: Item, *, about: bool) -> None:
    """Evidence is about a cause by its tests, their traces, the faulty commit, or without a trace by its service."""
    held = bundle(CASE, item)
    assert truth.relevant(cites(item)[0], held, CAUSE, {CASE.nodeid}, COMMITS) is about


def result(nodeid: str, outcome: Outcome = Outcome.FAILED) -> Result:
    return Result(nodeid=nodeid, outcome=outcome)


def test_what_a_fault_must_break() -> None:
    """A fault that breaks too little or too much is no measurement, and says which test."""
    stage = Stage((), causes=(CAUSE,), collateral=("t.py::test_near*",))
    good = [result("t.py::test_sum"), result("t.py::test_near"), result("t.py::test_far", Outcome.PASSED)]
    assert truth.surprises(stage, good) == []
    assert truth.labels(stage, good) == {"t.py::test_sum": "sum", "t.py::test_near": "sum"}
    assert truth.surprises(stage, [result("t.py::test_sum", Outcome.PASSED)]) == ["t.py::test_sum did not fail for sum"]
    assert truth.surprises(stage, [*good, result("t.py::test_far")]) == ["t.py::test_far failed and should not"]


def test_what_cannot_run_is_labelled_only_where_nothing_can() -> None:
    """Tests that did not run belong to a cause only in a stage in which no test can run."""
    missed = [result("t.py::test_sum", Outcome.NOT_RUN)]
    assert truth.labels(Stage((), causes=(CAUSE,)), missed) == {}
    assert truth.labels(Stage((), causes=(CAUSE,), runs=False), missed) == {"t.py::test_sum": "sum"}
