"""The suite runs once, its few failures again, and every result is written down."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.unit.suite_outputs import order, output
from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOrder, SuiteOutput, Watcher
from untilgreen.settings import SuiteSettings
from untilgreen.suite.step import not_run, read_results, record, run_suite


class Scripted:
    """A suite that answers each order with the next output, or fails to start when there is none."""

    def __init__(self, *outputs: SuiteOutput) -> None:
        self.outputs = list(outputs)
        self.orders: list[SuiteOrder] = []

    def run(self, order: SuiteOrder, watcher: Watcher) -> SuiteOutput:
        """Answer with the next output."""
        self.orders.append(order)
        if not self.outputs:
            raise SuiteCrashed("there is no interpreter any more\nhere is its output")
        answer = self.outputs.pop(0)
        watcher.collected(len(answer.collected))
        for nodeid, attempt in answer.attempts.items():
            watcher.finished(nodeid, attempt.outcome)
        return answer


class Counting:
    """A watcher that counts."""

    def __init__(self) -> None:
        self.total = self.ended = 0

    def collected(self, total: int) -> None:
        """Add to the total."""
        self.total += total

    def finished(self, nodeid: str, outcome: Outcome) -> None:
        """Count an end."""
        assert nodeid
        assert outcome
        self.ended += 1


FIRST = {"good": Outcome.PASSED, "flaky": Outcome.FAILED, "bad": Outcome.ERROR, "skipped": Outcome.SKIPPED}


def test_failures_are_run_again_on_the_same_order(tmp_path: Path) -> None:
    """Only failures run again, as a later attempt in a folder of its own, and the watcher counts each test once."""
    suite = Scripted(output(FIRST), output({"flaky": Outcome.PASSED, "bad": Outcome.FAILED}, number=2))
    watcher = Counting()
    summary = run_suite(order(), SuiteSettings(reruns=1), suite, watcher, tmp_path)
    assert [(o.only, o.attempt, o.folder) for o in suite.orders] == [
        ((), 1, "/suite"),
        (("flaky", "bad"), 2, "/suite/rerun-1"),
    ]
    assert summary.counts == {Outcome.PASSED: 2, Outcome.FAILED: 1, Outcome.SKIPPED: 1}
    assert (summary.complete, summary.collected, summary.gaps) == (True, 4, ())
    assert (watcher.total, watcher.ended) == (4, 4)


def test_results_can_be_read_back(tmp_path: Path) -> None:
    """What is written, one result a line, is what was concluded, names with line breaks included."""
    names = {"a\nb": Outcome.PASSED, "c\u2028d": Outcome.FAILED, "ż": Outcome.XFAILED}
    summary = run_suite(order(), SuiteSettings(reruns=0), Scripted(output(names)), Counting(), tmp_path)
    results = read_results(tmp_path / summary.results_file)
    assert {result.nodeid: result.outcome for result in results} == names


def test_a_mass_failure_is_not_run_again(tmp_path: Path) -> None:
    """When hundreds fail, something happened to the environment: they are no flakes, and the note says so."""
    suite = Scripted(output({f"t{n}": Outcome.FAILED for n in range(400)}))
    summary = run_suite(order(), SuiteSettings(reruns=1), suite, Counting(), tmp_path)
    assert len(suite.orders) == 1
    assert summary.notes == ("400 failures are too many for flakes, so they were not run again",)


def test_reruns_end_when_nothing_fails_any_more(tmp_path: Path) -> None:
    """A failure that passes is not run a third time."""
    suite = Scripted(output(FIRST), output({"flaky": Outcome.PASSED, "bad": Outcome.PASSED}, number=2))
    run_suite(order(), SuiteSettings(reruns=5), suite, Counting(), tmp_path)
    assert len(suite.orders) == 2


def test_a_rerun_that_cannot_start_loses_nothing(tmp_path: Path) -> None:
    """The first run's results stand when the second one crashes."""
    summary = run_suite(order(), SuiteSettings(reruns=1), Scripted(output(FIRST)), Counting(), tmp_path)
    assert summary.counts[Outcome.FAILED] == 1
    assert "there is no interpreter any more" in summary.notes[0]


def test_an_incomplete_run_has_gaps(tmp_path: Path) -> None:
    """Too few tests make a run incomplete however they ended."""
    summary = run_suite(
        order(), SuiteSettings(minimum=9), Scripted(output({"t": Outcome.PASSED})), Counting(), tmp_path
    )
    assert not summary.complete


def test_an_interrupted_run_can_be_recorded(tmp_path: Path) -> None:
    """What an interrupted run left behind becomes results as well."""
    partial = output({"a": Outcome.PASSED}, collected=("a", "b"), exit_code=None, finished=False, stopped="interrupted")
    summary = record([partial], order(), 1, datetime.now(UTC), tmp_path)
    assert summary.counts == {Outcome.PASSED: 1, Outcome.NOT_RUN: 1}
    assert len(read_results(tmp_path / summary.results_file)) == 2
    assert summary.gaps


def test_nothing_healthy_means_not_run(tmp_path: Path) -> None:
    """A suite that had nothing to test is not run, not green, and names the tests that it would have run."""
    summary = not_run(["a", "b"], "auth is not ready", tmp_path)
    assert (summary.ran, summary.complete, summary.exit_code) == (False, False, None)
    assert summary.counts == {Outcome.NOT_RUN: 2}
    assert [result.reason for result in read_results(tmp_path / summary.results_file)] == ["auth is not ready"] * 2
