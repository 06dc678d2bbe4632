"""Figures that change by an order of magnitude: each is a finding of its own, and none is a verdict.

Duration alone proves nothing, so a jump never makes a cycle green or keeps it from being green; docs/why.md says more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

from untilgreen.model.document import Document
from untilgreen.model.retrospect import Jump

FACTOR = 10
"""An order of magnitude."""
NEWEST = 5
"""Earlier cycles that a figure is held against: older ones tell of another suite."""
_SHOWN = 20
"""Tests that are named one by one."""
_MIN_SUITE_S = 10.0
"""Both figures below it are noise: processes start, connections open."""
_MIN_STEP_S = 10.0
_MIN_TEST_S = 1.0
_MIN_TESTS = 10
_MIN_ROWS = 100


class Figures(Document):
    """What one cycle measured."""

    number: int
    whole: bool
    """Whether the whole suite was asked for and ran: a part says nothing of the whole."""
    collected: int
    executed: int
    suite_s: float
    steps: Mapping[str, float] = {}
    """Step -> seconds; the suite's own is `suite_s`."""
    tests: Mapping[str, float] = {}
    """Passed test -> seconds of the attempt that decided."""
    evidence: Mapping[str, int] = {}
    """Kind of evidence -> rows."""


def jumps(now: Figures, earlier: Sequence[Figures]) -> tuple[Jump, ...]:
    """Return the figures of a cycle that changed by an order of magnitude.

    Args:
        now: the cycle.
        earlier: those before it, of this loop and of earlier ones, the oldest first.
    """
    alike = [figures for figures in earlier if figures.whole][-NEWEST:]
    if not now.whole or not alike:
        return ()
    return tuple(jump for rule in RULES for jump in rule(now, alike))


def collected(now: Figures, earlier: Sequence[Figures]) -> Iterator[Jump]:
    """The number of collected tests."""
    yield from _jump("collected", "", "tests", now.collected, [f.collected for f in earlier], least=_MIN_TESTS)


def executed(now: Figures, earlier: Sequence[Figures]) -> Iterator[Jump]:
    """The number of executed tests."""
    yield from _jump("executed", "", "tests", now.executed, [f.executed for f in earlier], least=_MIN_TESTS)


def suite_time(now: Figures, earlier: Sequence[Figures]) -> Iterator[Jump]:
    """How long the suite ran."""
    yield from _jump("suite-time", "", "s", now.suite_s, [f.suite_s for f in earlier], least=_MIN_SUITE_S)


def step_time(now: Figures, earlier: Sequence[Figures]) -> Iterator[Jump]:
    """How long each other step took."""
    for step, seconds in sorted(now.steps.items()):
        known = [figures.steps[step] for figures in earlier if step in figures.steps]
        yield from _jump("step-time", step, "s", seconds, known, least=_MIN_STEP_S)


def test_time(now: Figures, earlier: Sequence[Figures]) -> Iterator[Jump]:
    """How long tests took that passed then and now: the greatest change first."""
    found = list[Jump]()
    for test, seconds in now.tests.items():
        known = [figures.tests[test] for figures in earlier if test in figures.tests]
        found += _jump("test-time", test, "s", seconds, known, least=_MIN_TEST_S)
    yield from sorted(found, key=lambda jump: (-_ratio(jump.before, jump.now), jump.subject))[:_SHOWN]


def evidence(now: Figures, earlier: Sequence[Figures]) -> Iterator[Jump]:
    """How much of each kind of evidence was collected."""
    for kind in sorted({*now.evidence, *(kind for figures in earlier for kind in figures.evidence)}):
        known = [figures.evidence.get(kind, 0) for figures in earlier]
        yield from _jump("evidence", kind, "rows", now.evidence.get(kind, 0), known, least=_MIN_ROWS)


RULES: tuple[Callable[[Figures, Sequence[Figures]], Iterator[Jump]], ...] = (
    collected,
    executed,
    suite_time,
    step_time,
    test_time,
    evidence,
)

MEANING: Mapping[tuple[str, bool], str] = {
    ("collected", True): "the suite grew; see that `suite.minimum` grows with it",
    ("collected", False): "the suite shrank: look for tests that were deleted or are not collected any more, and set "
    "`suite.minimum` or `suite.index` so that such a suite is never green",
    ("executed", True): "many more tests run than before",
    ("executed", False): "most tests did not run: look for skips, a stopped suite or services that were down",
    ("suite-time", True): "the suite got slow: look for waits, retries and time-outs",
    ("suite-time", False): "tests may not run for real: look at what the proof says of those that passed",
    ("step-time", True): "the step got slow: look at what it waited for",
    ("step-time", False): "the step may have had nothing to do, or not done it",
    ("test-time", True): "the test got slow: look at the service that answers it",
    ("test-time", False): "the test may not run for real any more: look at its proof",
    ("evidence", True): "something repeats itself: volume is no cause, and it may hide one",
    ("evidence", False): "evidence is missing, or the services were hardly asked: look at the coverage records",
}
"""Rule, and whether the figure grew -> what that may mean, and what to do."""


def _jump(rule: str, subject: str, unit: str, now: float, known: Sequence[float], *, least: float) -> Iterator[Jump]:
    before = float(median(known)) if known else 0.0
    if not known or max(before, now) < least or _ratio(before, now) < FACTOR:
        return
    told = MEANING[rule, now > before]
    yield Jump(rule=rule, subject=subject, unit=unit, before=before, now=float(now), cycles=len(known), meaning=told)


def _ratio(before: float, now: float) -> float:
    """Return the greater by the smaller; infinite when one of them is nothing."""
    low, high = sorted((before, now))
    if high <= 0:
        return 1.0
    return high / low if low > 0 else float("inf")
