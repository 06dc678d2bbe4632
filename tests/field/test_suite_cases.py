"""What really went wrong with test runs, reconstructed: each test is named after its row."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.pytest_suite_orders import Remembering, order
from tests.unit.report_story import Story, health_of, images_of, proof_of, rollout_of
from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.errors import SuiteCrashed
from untilgreen.green import exit_code, judge
from untilgreen.model.cycle import Color, Loop, Stop, Verdict
from untilgreen.model.suite import Outcome, Result, SuiteRun
from untilgreen.settings import SuiteSettings
from untilgreen.suite.history import read_history
from untilgreen.suite.step import read_results, run_suite

GOOD = "def test_good():\n    assert True\n"
DOCKER = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


def ran(folder: Path, tests: dict[str, str]) -> tuple[SuiteRun, dict[str, Outcome], Verdict]:
    """Run a suite as a cycle does, everything else of the cycle being as it should; return what is said of it."""
    summary = run_suite(order(folder, tests), SuiteSettings(reruns=0), PytestSuite(), Remembering(), folder / "cycle")
    results = read_results(folder / "cycle" / summary.results_file)
    return summary, {result.nodeid: result.outcome for result in results}, judged(summary, results)


def judged(summary: SuiteRun, results: list[Result]) -> Verdict:
    """Judge a cycle in which all but the suite is proven."""
    return judge(images_of(1), rollout_of(1), health_of(1), summary, proof_of(results), results, 1)


def code(verdict: Verdict) -> int:
    """Return what a loop ends with whose last cycle was judged so."""
    cycle = Story(100).cycles[0].model_copy(update={"verdict": verdict})
    return exit_code(Loop(id="l", started=cycle.started, stop=Stop.MAX_CYCLES, cycles=(cycle,)))


@pytest.mark.parametrize(
    "text", ["X = 1\n", "", "class Helper:\n    def test_not_collected(self):\n        assert False\n"]
)
def test_c20_no_tests_is_not_passed(tmp_path: Path, text: str) -> None:
    """C20: 0 tests are never PASSED: the gap is named, nothing is green, exit 4."""
    summary, outcomes, verdict = ran(tmp_path, {"test_it.py": text})
    assert (outcomes, summary.collected) == ({}, 0)
    assert "0 tests were collected; at least 1 are expected" in summary.gaps
    assert (verdict.color, code(verdict)) == (Color.UNPROVEN, 4)
    assert "0 tests were collected" in verdict.lines[4].proof


def test_c20_a_module_that_cannot_be_imported_does_not_vanish(tmp_path: Path) -> None:
    """C20: one module of two fails to import: the other one's passes make nothing green, exit 4, and it is named."""
    summary, outcomes, verdict = ran(tmp_path, {"test_good.py": GOOD, "test_bad.py": "import nowhere_to_be_found\n"})
    assert list(outcomes.values()) == [Outcome.PASSED]
    (gap,) = summary.gaps
    assert "1 modules could not be collected: e2e/test_bad.py" in gap
    assert (verdict.color, code(verdict)) == (Color.UNPROVEN, 4)


def test_c20_a_conftest_that_raises_is_no_run(tmp_path: Path) -> None:
    """C20: when collecting dies at once, there is no run that anybody could take for one, exit 4."""
    files = {"conftest.py": "raise RuntimeError('no database')\n", "test_good.py": GOOD}
    with pytest.raises(SuiteCrashed, match="no database") as caught:
        ran(tmp_path, files)
    assert caught.value.exit_code == 4
    assert not (tmp_path / "cycle").exists()


def test_c20_set_up_errors_and_skips_are_counted(tmp_path: Path) -> None:
    """C20: a test whose fixture raises is an error, one whose fixture skips is a skip: none vanishes, each is named."""
    text = """
        import pytest

        @pytest.fixture
        def database():
            raise ConnectionError("refused")

        @pytest.fixture
        def region():
            pytest.skip()

        def test_reads(database):
            pass

        def test_writes(region):
            pass

        def test_good():
            assert True
    """
    summary, outcomes, verdict = ran(tmp_path, {"test_it.py": text})
    assert summary.collected == 3
    assert outcomes == {
        "e2e/test_it.py::test_reads": Outcome.ERROR,
        "e2e/test_it.py::test_writes": Outcome.SKIPPED,
        "e2e/test_it.py::test_good": Outcome.PASSED,
    }
    assert (verdict.color, code(verdict)) == (Color.RED, 1)
    assert "1 error: e2e/test_it.py::test_reads" in verdict.lines[0].proof
    assert "1 skipped without a written reason: e2e/test_it.py::test_writes" in verdict.lines[0].proof


@pytest.mark.parametrize("status", [0, 1, 5, 125])
def test_c21_a_runner_that_never_started_is_no_run(tmp_path: Path, status: int) -> None:
    """C21: whatever it exits with, a runner that only printed why it cannot start is a crash with its words, no run."""
    runner = tmp_path / "python"
    runner.write_text(f"#!/bin/sh\necho '{DOCKER}'\nexit {status}\n")
    runner.chmod(0o755)
    wanted = order(tmp_path, GOOD, python=str(runner))
    cycle = tmp_path / "loops" / "l" / "cycle-01"
    for _ in range(2):  # the next try files no run either
        with pytest.raises(SuiteCrashed, match="Cannot connect to the Docker daemon") as caught:
            run_suite(wanted, SuiteSettings(), PytestSuite(), Remembering(), cycle)
        assert caught.value.exit_code == 4
    assert not list(tmp_path.rglob("results.jsonl"))
    assert read_history(tmp_path) == ()


def test_c21_text_that_was_filed_as_a_run_is_found_out(tmp_path: Path) -> None:
    """C21: text where results should be is an error with the file's name, and neither a run nor a pass."""
    file = tmp_path / "loops" / "full_466_tests_run" / "cycle-01" / "results.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(DOCKER + "\n")
    with pytest.raises(Exception, match="full_466_tests_run") as caught:
        read_history(tmp_path)
    assert caught.value.exit_code == 4


def test_c21_a_run_without_its_end_is_not_complete(tmp_path: Path) -> None:
    """C21: a runner that leaves with exit code 0 in the middle said nothing of its end, so its passes are no run."""
    text = "import os\ndef test_a():\n    assert True\ndef test_b():\n    os._exit(0)\ndef test_c():\n    assert True\n"
    summary, outcomes, verdict = ran(tmp_path, {"test_it.py": text})
    assert outcomes["e2e/test_it.py::test_b"] is not Outcome.PASSED
    assert len(outcomes) == 3
    assert verdict.color is not Color.GREEN
    assert code(verdict) in (1, 4)
    assert summary.collected == 3
