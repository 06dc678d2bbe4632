"""What an order asks for beside "all of it": every suite does it alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.pytest_suite_orders import Remembering, order, run
from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.model.suite import Outcome
from untilgreen.ports import Suite, SuiteOrder
from untilgreen.suite.outcomes import conclude
from untilgreen.testing import FakeSuite

TESTS = {
    "test_a.py": """
        import pytest

        @pytest.mark.parametrize("n", range(4))
        def test_quick(n):
            pass

        def test_fails():
            assert int("1") == 2
    """,
    "test_b.py": "def test_quick(): pass",
}
ALL = (*(f"e2e/test_a.py::test_quick[{n}]" for n in range(4)), "e2e/test_a.py::test_fails", "e2e/test_b.py::test_quick")

Asked = Callable[..., tuple[Suite, SuiteOrder]]


@pytest.fixture(params=["pytest", "fake"])
def asked(request: pytest.FixtureRequest, tmp_path: Path) -> Asked:
    """Return a suite of six tests and an order for it."""

    def make(**changes: Any) -> tuple[Suite, SuiteOrder]:
        wanted = order(tmp_path, TESTS, workers=1, **changes)
        scripted = {name: [Outcome.FAILED if "fails" in name else Outcome.PASSED] for name in ALL}
        return (PytestSuite() if request.param == "pytest" else FakeSuite(scripted)), wanted

    return make


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ((), ALL),
        (("e2e/test_b.py::*",), ALL[5:]),
        (("*quick?[13]*", "*fails"), (ALL[1], ALL[3], ALL[4])),
        ((ALL[2],), ALL[2:3]),
        (("nothing*",), ()),
    ],
    ids=["all", "file", "several", "itself", "nothing"],
)
def test_only_what_a_pattern_matches_is_collected(
    asked: Asked, select: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """A node id is wanted when one of the patterns matches it, or is it, brackets and all; the rest is left out."""
    suite, wanted = asked(select=select)
    watcher = Remembering()
    output = suite.run(wanted, watcher)
    assert output.collected == tuple(output.attempts) == expected
    assert (watcher.total, output.finished) == ([len(expected)], True)


def test_some_tests_come_first(asked: Asked) -> None:
    """Tests that are wanted first are run first, in that order, and change nothing about what is collected."""
    suite, wanted = asked(first=(ALL[5], "e2e/test_c.py::test_gone", ALL[4]))
    watcher = Remembering()
    output = suite.run(wanted, watcher)
    assert list(watcher.ended) == [ALL[5], ALL[4], *ALL[:4]]
    assert output.collected == ALL


def test_collecting_runs_nothing(asked: Asked) -> None:
    """An order to collect tells what is there, reaches its end, and has run nothing."""
    suite, wanted = asked(collect_only=True)
    output = suite.run(wanted, Remembering())
    assert (output.collected, output.attempts, output.lost) == (ALL, {}, {})
    assert (output.exit_code, output.finished, output.stopped) == (0, True, "")


def test_a_halt_leaves_the_rest_over(asked: Asked) -> None:
    """When somebody halts a run, what has not ended was not run, for that reason; what has ended stays."""
    suite, wanted = asked()
    watcher = Remembering()
    output = suite.run(wanted, watcher, lambda: "backend is gone" if watcher.ended else "")
    assert output.stopped == "backend is gone"
    assert output.lost == {}
    results = conclude([output])
    assert tuple(result.nodeid for result in results) == ALL
    assert results[0].outcome is Outcome.PASSED
    assert {result.reason for result in results if result.outcome is Outcome.NOT_RUN} <= {"backend is gone"}


SLOW = """
    import time, pytest

    def test_quick():
        pass

    @pytest.mark.parametrize("n", range(4))
    def test_slow(n):
        time.sleep(60)
"""


def test_a_halt_does_not_wait_for_tests(tmp_path: Path) -> None:
    """Tests that hang when a run is halted do not keep it from ending, and count as not run."""
    watcher, halted = Remembering(), []

    def halt() -> str:
        if watcher.ended and not halted:
            halted.append(time.monotonic())
        return "backend is gone" if halted else ""

    output = PytestSuite().run(order(tmp_path, SLOW), watcher, halt)
    assert time.monotonic() - halted[0] < 10, "far less than any of the tests takes"
    counted = [result.outcome for result in conclude([output])]
    assert counted == [Outcome.PASSED] + [Outcome.NOT_RUN] * 4


def test_a_halt_before_anything_is_collected_is_no_crash(tmp_path: Path) -> None:
    """Whoever halts a run while it still collects gets an output that says why it is empty."""
    output = PytestSuite().run(order(tmp_path, "import time; time.sleep(60)"), Remembering(), lambda: "gone")
    assert (output.collected, output.stopped, output.finished) == ((), "gone", False)


def test_leaving_tests_out_is_reported_to_pytest(tmp_path: Path) -> None:
    """Tests that no pattern matches are deselected as pytest knows it, so its own summary counts them."""
    output = run(tmp_path, TESTS, select=("*fails",))
    assert "5 deselected" in output.output_tail
