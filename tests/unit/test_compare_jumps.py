"""Compare: a figure that changes by an order of magnitude is a finding; smaller changes are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.compare.jumps import MEANING, Figures, jumps

USUAL = Figures(
    number=1,
    whole=True,
    collected=1000,
    executed=1000,
    suite_s=200,
    steps={"deploy": 30.0},
    tests={"a": 5.0, "b": 0.01},
    evidence={"entry": 5000},
)


@pytest.mark.parametrize(
    ("changed", "rule", "subject"),
    [
        ({"collected": 90}, "collected", ""),
        ({"collected": 100}, "collected", ""),
        ({"collected": 12000}, "collected", ""),
        ({"collected": 0}, "collected", ""),
        ({"executed": 40}, "executed", ""),
        ({"suite_s": 3.0}, "suite-time", ""),
        ({"suite_s": 2500.0}, "suite-time", ""),
        ({"steps": {"deploy": 600.0}}, "step-time", "deploy"),
        ({"tests": {"a": 0.01}}, "test-time", "a"),
        ({"evidence": {"entry": 12}}, "evidence", "entry"),
        ({"evidence": {}}, "evidence", "entry"),
    ],
)
def test_an_order_of_magnitude_is_found(changed: dict[str, object], rule: str, subject: str) -> None:
    """Ten times more or less than the median of the earlier cycles is named, with both figures and a meaning."""
    (found,) = jumps(USUAL.model_copy(update=changed), [USUAL] * 3)
    assert (found.rule, found.subject, found.cycles) == (rule, subject, 3)
    assert found.meaning == MEANING[rule, found.now > found.before]


def test_noise_is_no_finding() -> None:
    """Times too short to mean anything never jump: a hundredth of a second may become a tenth."""
    now = USUAL.model_copy(update={"tests": {"a": 5.0, "b": 0.5}})
    assert jumps(now, [USUAL]) == ()


def test_one_odd_cycle_does_not_move_the_measure() -> None:
    """The median of the newest cycles is compared with, so that one broken cycle before makes no finding."""
    odd = USUAL.model_copy(update={"collected": 5})
    assert jumps(USUAL, [USUAL, USUAL, odd]) == ()


def test_a_part_says_nothing_of_the_whole() -> None:
    """A focused or stopped run is neither judged nor compared with."""
    part = USUAL.model_copy(update={"whole": False, "collected": 9, "executed": 9})
    assert jumps(part, [USUAL]) == jumps(USUAL, [part]) == jumps(USUAL, []) == ()


@given(st.floats(0.11, 9.9))
def test_less_than_an_order_is_none(factor: float) -> None:
    """A change by less than ten times is no finding, whichever way."""
    now = USUAL.model_copy(update={"suite_s": 200 * factor, "collected": round(1000 * factor)})
    assert jumps(now, [USUAL]) == ()
