"""The value ledger: money is credited from proven passes only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report_story import result
from tests.unit.test_compare_ages import seen
from untilgreen.model.retrospect import Value
from untilgreen.model.suite import Outcome, Result
from untilgreen.settings import FeatureValue, ValueSettings
from untilgreen.value.account import account

SEEN = seen("monday", 1, 0)


def worth(minimum: int = 1) -> ValueSettings:
    """Return settings with one feature of 1,200 a month."""
    return ValueSettings(features={"pay": FeatureValue(per_month=1200, tests=("e2e/pay.py::*",), minimum=minimum)})


def made(*outcomes: Outcome) -> list[Result]:
    """Return one test of the feature for each outcome, and one of another feature."""
    return [*(result(f"e2e/pay.py::t{n}", o) for n, o in enumerate(outcomes)), result("e2e/x.py::t", Outcome.PASSED)]


def value(results: list[Result], *real: str, minimum: int = 1, first: Value | None = None) -> Value:
    """Return the ledger in which these tests are real."""
    told = account(worth(minimum), results, {f"e2e/pay.py::{test}": ("r1",) for test in real}, SEEN, first)
    assert told is not None
    return told


def test_no_money_without_settings() -> None:
    """Where the settings name no money, there is no value ledger."""
    assert account(ValueSettings(), made(Outcome.PASSED), {}, SEEN) is None


def test_credited_debited_unobserved() -> None:
    """A proven pass credits its share, a failure debits it, and an unproven pass leaves it unobserved."""
    told = value(made(Outcome.PASSED, Outcome.PASSED, Outcome.FAILED, Outcome.NOT_RUN), "t0")
    (line,) = told.lines
    assert (line.credited, line.debited, line.unobserved) == (300, 300, 600)
    assert (told.credited, told.at_risk) == (300, 900)
    assert (line.proofs, line.debits, line.revisions) == (("e2e/pay.py::t0",), ("e2e/pay.py::t2",), ("r1",))
    assert line.seen == SEEN


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.PASSED])
def test_nothing_but_a_pass_is_credited(outcome: Outcome) -> None:
    """An outcome that is no pass credits nothing, even beside a proof."""
    assert value(made(outcome), "t0").credited == 0


def test_missing_tests_are_unobserved() -> None:
    """Tests that vanished take their money with them, and none at all is said."""
    assert value(made(Outcome.PASSED), "t0", minimum=4).at_risk == 900
    (line,) = value([]).lines
    assert (line.unobserved, line.note) == (1200, "no collected test matches its patterns")


def test_recovered_since_the_loop_began() -> None:
    """Recovered is what is credited now and was not in the loop's first cycle; a loss recovers nothing."""
    first = value(made(Outcome.PASSED, Outcome.FAILED), "t0")
    assert value(made(Outcome.PASSED, Outcome.PASSED), "t0", "t1", first=first).recovered == 600
    assert value(made(Outcome.FAILED, Outcome.FAILED), first=first).recovered == 0
    assert first.recovered == 0


def test_patterns_of_the_suites_features() -> None:
    """A feature without tests of its own takes the patterns of the same name from the suite's settings."""
    settings = ValueSettings(features={"pay": FeatureValue(per_month=10)})
    told = account(settings, made(Outcome.FAILED), {}, SEEN, features={"pay": ("*pay*",)})
    assert told is not None
    assert told.lines[0].debited == 10


@given(st.lists(st.sampled_from(list(Outcome)), max_size=9), st.floats(0, 1e7), st.sets(st.integers(0, 8)))
def test_the_money_adds_up(outcomes: list[Outcome], money: float, real: set[int]) -> None:
    """Credited, debited and unobserved are the feature's money, to the cent, and never negative."""
    settings = ValueSettings(features={"pay": FeatureValue(per_month=money, tests=("e2e/pay.py::*",))})
    told = account(settings, made(*outcomes), {f"e2e/pay.py::t{n}": () for n in real}, SEEN)
    assert told is not None
    (line,) = told.lines
    assert min(line.credited, line.debited, line.unobserved) >= 0
    assert abs(line.credited + line.debited + line.unobserved - money) <= 0.02
