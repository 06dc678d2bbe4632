"""Options that a suite sets for itself: they work as under bare pytest, and blind nobody."""

from __future__ import annotations

from pathlib import Path

from tests.contract.pytest_suite_orders import outcomes, run
from untilgreen.adapters.pytest_launch import OUTPUT
from untilgreen.model.suite import Outcome

SKIPS = """
    import unittest
    import pytest

    @pytest.mark.skip(reason="not here")
    def test_marked(): pass

    def test_inside(): pytest.skip("not now")

    @pytest.fixture
    def gone(): pytest.skip("not there")

    def test_by_a_fixture(gone): pass

    @pytest.mark.xfail(reason="known")
    def test_known(record_property):
        record_property("key", "value")
        print("said")
        assert not 1
"""


def test_a_suite_that_lists_its_skips_does(tmp_path: Path) -> None:
    """`-rsxX` prints each skip with its place and reason, as bare pytest does: reports come back as they were made."""
    output = run(tmp_path, {"test_it.py": SKIPS, "pytest.ini": "[pytest]\naddopts = -rsxX\n"})
    assert (output.exit_code, output.finished, output.stopped) == (0, True, "")
    assert list(outcomes(output).values()) == [Outcome.SKIPPED] * 3 + [Outcome.XFAILED]
    printed = (tmp_path / "suite" / OUTPUT).read_text()
    assert "SKIPPED [1] " in printed
    assert all(why in printed for why in ("not here", "not now", "not there", "known"))


def test_plain_asserts_blind_nobody(tmp_path: Path) -> None:
    """A suite that turns pytest's rewriting off, wherever it says so, still has its assertions counted."""
    tests = {
        "test_it.py": "def test_one(): assert [int(n) for n in '12'] == [1, 2]",
        "pytest.ini": "[pytest]\naddopts = --assert=plain\n",
    }
    output = run(tmp_path, tests, args=("--assert=plain",), env={"PYTEST_ADDOPTS": "--assert=plain"})
    (attempt,) = output.attempts.values()
    assert attempt.sighting is not None
    assert (attempt.outcome, attempt.sighting.assertions) == (Outcome.PASSED, 1)
