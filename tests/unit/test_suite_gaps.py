"""A run is complete only if every collected test finished and the runner agrees with its results."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.suite_outputs import output
from untilgreen.model.suite import Outcome
from untilgreen.suite.gaps import find_gaps

PASSED = {f"t{n}": Outcome.PASSED for n in range(5)}


@pytest.mark.parametrize("ended", [PASSED, {**PASSED, "bad": Outcome.FAILED}, {"bad": Outcome.ERROR}])
def test_a_complete_run_has_no_gap(ended: dict[str, Outcome]) -> None:
    """Failing tests are results, not gaps."""
    assert find_gaps(output(ended), 1) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"finished": False}, "did not report its own end"),
        ({"finished": False, "exit_code": 0}, "exit code 0"),
        ({"exit_code": 3}, "exit code is 3, and its results mean 0"),
        ({"exit_code": 1}, "exit code is 1, and its results mean 0"),
        ({"collected": (*PASSED, "x", "y", "z", "w")}, "4 of 9 collected tests did not run: x, y, z and 1 more"),
        (
            {"lost": {"gone": "SIGKILL"}, "collected": (*PASSED, "gone")},
            "1 tests started and did not end: gone (SIGKILL)",
        ),
        (
            {"collection_errors": ("e2e/a.py: E\ntrace",), "exit_code": 1},
            "1 modules could not be collected: e2e/a.py: E",
        ),
        ({"stopped": "the deadline of 9 s was over"}, "the run was stopped: the deadline of 9 s was over"),
        ({"collected": ("t0", "t1", "t2", "t3")}, "1 tests finished without having been collected: t4"),
        ({"collection_errors": ("",), "exit_code": 1}, "1 modules could not be collected: (it gave no reason)"),
        (
            {"skipped_modules": {"e2e/ws.py": "could not import 'websockets': No module named 'websockets'"}},
            "1 modules left themselves out: e2e/ws.py (could not import 'websockets'",
        ),
        ({"collected": (*PASSED, "t1")}, "1 names stand for more than one test: t1"),
    ],
)
def test_each_way_of_being_incomplete_is_a_gap(changes: dict[str, Any], words: str) -> None:
    """Whatever is missing or contradicts itself is said in words."""
    (gap,) = find_gaps(output(PASSED, **changes), 1)
    assert words in gap


def test_too_few_tests_are_a_gap() -> None:
    """An empty or shrunken suite is never complete."""
    assert find_gaps(output(PASSED), 6) == ("5 tests were collected; at least 6 are expected",)
    assert find_gaps(output({}, exit_code=5), 1) == ("0 tests were collected; at least 1 are expected",)


def test_a_missing_expected_test_is_a_gap() -> None:
    """Each test of the committed list must be there, whatever other tests came instead of it."""
    index = [f"t{n}" for n in range(12)]
    assert find_gaps(output(PASSED), 1, index=index) == ("7 of 12 expected tests are not there: t5, t6, t7 and 4 more",)
    assert find_gaps(output(PASSED), 1, index=list(PASSED)) == ()


def test_a_part_is_a_gap() -> None:
    """A part is never complete, and nothing more can be expected of it than a test."""
    assert find_gaps(output(PASSED), 900, index=["gone"], asked="--focus x") == (
        "only a part was asked for: --focus x",
    )
    assert find_gaps(output({}, exit_code=5), 900, asked="--focus x") == (
        "0 tests were collected; at least 1 are expected",
        "only a part was asked for: --focus x",
    )


def test_a_module_that_an_author_left_out_is_no_gap() -> None:
    """A written reason is enough for a module, as it is for a test."""
    assert find_gaps(output(PASSED, skipped_modules={"e2e/a.py": "needs a second region, see ticket 7"}), 1) == ()


def test_many_names_that_stand_for_two_tests_are_counted_at_once() -> None:
    """Twenty thousand of them are no more work than twenty thousand names."""
    twice = tuple(f"t{n}" for n in range(20_000)) * 2
    assert (
        "20000 names stand for more than one test"
        in find_gaps(output(dict.fromkeys(twice, Outcome.PASSED), collected=twice), 1)[0]
    )


@given(st.sets(st.integers(0, 30), min_size=1), st.integers(0, 30), st.integers(0, 5))
def test_a_missing_test_is_always_noticed(numbers: set[int], chosen: int, code: int) -> None:
    """Whichever test vanishes, and whatever the exit code says, the run is not complete."""
    names = sorted(f"t{n}" for n in numbers)
    gone = names[chosen % len(names)]
    left = {name: Outcome.PASSED for name in names if name != gone}
    assert find_gaps(output(left, collected=tuple(names), exit_code=code), 1)
