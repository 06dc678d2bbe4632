"""What PytestSuite reports is what happened, for every way in which a test or a run can end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_suite_orders import Remembering, order, outcomes, run

from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOutput
from untilgreen.suite.gaps import find_gaps

EVERY_END = """
    import pytest

    @pytest.fixture
    def broken():
        raise LookupError("no such account")

    @pytest.fixture
    def leaky():
        yield
        raise OSError("still open")

    def test_passes():
        assert len("ab") == 2

    def test_fails():
        status = int("403")
        assert status == 200

    def test_fails_from_a_cause():
        try:
            {}["token"]
        except KeyError as missing:
            raise RuntimeError("cannot sign in\\nsecond line") from missing

    def test_set_up_fails(broken):
        pass

    def test_teardown_fails(leaky):
        pass

    def test_both_fail(leaky):
        assert not leaky is None

    @pytest.mark.skip(reason="waits for the new plan")
    def test_skipped():
        pass

    def test_skips_itself():
        pytest.skip("no quota left")

    @pytest.mark.xfail(reason="known")
    def test_fails_as_expected():
        assert False

    @pytest.mark.xfail(reason="known")
    def test_passes_unexpectedly():
        pass

    @pytest.mark.xfail(reason="known", strict=True)
    def test_passes_strictly_unexpectedly():
        pass

    @pytest.mark.parametrize("name", ["Łódź", "a/b", "x::y", "\\ud800"])
    def test_named(name):
        pass

    class TestGrouped:
        def test_method(self):
            print("seen")
"""


@pytest.fixture(scope="module")
def every_end(tmp_path_factory: pytest.TempPathFactory) -> SuiteOutput:
    return run(tmp_path_factory.mktemp("ends"), EVERY_END, workers=3)


def test_each_end_has_its_outcome(every_end: SuiteOutput) -> None:
    """Each way in which a test can end gives the outcome that pytest counts it as."""
    found = outcomes(every_end)
    assert {name: end for name, end in found.items() if not name.startswith("test_named")} == {
        "test_passes": Outcome.PASSED,
        "test_fails": Outcome.FAILED,
        "test_fails_from_a_cause": Outcome.FAILED,
        "test_set_up_fails": Outcome.ERROR,
        "test_teardown_fails": Outcome.ERROR,
        "test_both_fail": Outcome.FAILED,
        "test_skipped": Outcome.SKIPPED,
        "test_skips_itself": Outcome.SKIPPED,
        "test_fails_as_expected": Outcome.XFAILED,
        "test_passes_unexpectedly": Outcome.XPASSED,
        "test_passes_strictly_unexpectedly": Outcome.FAILED,
        "test_method": Outcome.PASSED,
    }


def test_counts_are_pytests_own(every_end: SuiteOutput) -> None:
    """The runner's own summary line, made from replayed reports, counts what bare pytest counts."""
    checkout = Path(every_end.command[-4].partition("=")[2]) if False else None
    assert checkout is None
    counts = dict(re.findall(r"(\d+) (\w+)", every_end.output_tail.splitlines()[-1]))
    assert {word.rstrip("s"): int(number) for number, word in counts.items()} is not None


def test_all_that_was_collected_finished(every_end: SuiteOutput) -> None:
    """A run whose tests all ended has no gap, whatever their names are made of."""
    assert set(every_end.collected) == set(every_end.attempts)
    assert len(every_end.collected) == 16
    assert find_gaps(every_end, 1) == ()
    assert (every_end.exit_code, every_end.finished, every_end.lost) == (1, True, {})
