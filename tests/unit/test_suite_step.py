"""The suite runs once, its few failures again, and every result is written down."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.suite_outputs import order, output
from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Outcome
from untilgreen.ports import Halt, SuiteOrder, SuiteOutput, Watcher, never
from untilgreen.settings import SuiteSettings
from untilgreen.suite.step import not_run, read_results, record, run_suite


class Scripted:
    """A suite that answers each order with the next output, or fails to start when there is none."""

    def __init__(self, *outputs: SuiteOutput) -> None:
        self.outputs = list(outputs)
        self.orders: list[SuiteOrder] = []

    def run(self, order: SuiteOrder, watcher: Watcher, halt: Halt = never) -> SuiteOutput:
        """Answer with the next output."""
        assert halt() == ""
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

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        """Count an end."""
        assert nodeid
        assert outcome
        assert outcome.bad or not why
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
    assert summary.notes == ("1 tests are flaky, they failed and passed on this revision: flaky",)
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


def test_a_stopped_run_is_not_run_again(tmp_path: Path) -> None:
    """When the run was stopped, for example since the service is gone, a rerun would tell nothing; the note says so."""
    stopped = output({"a": Outcome.FAILED}, collected=("a", "b"), stopped="api does not answer")
    suite = Scripted(stopped, output({"a": Outcome.PASSED}))
    summary = run_suite(order(), SuiteSettings(), suite, Counting(), tmp_path, notes=["known before"])
    assert len(suite.orders) == 1
    assert summary.notes == ("known before", "1 failures were not run again, because the run was stopped")


def test_whoever_halts_is_asked_by_every_run(tmp_path: Path) -> None:
    """A reason to end is handed on to the runner, for reruns too."""
    asked = []

    def halt() -> str:
        asked.append(1)
        return ""

    suite = Scripted(output(FIRST), output({"flaky": Outcome.PASSED, "bad": Outcome.FAILED}, number=2))
    run_suite(order(), SuiteSettings(reruns=1), suite, Counting(), tmp_path, halt)
    assert len(asked) == 2


def test_expected_tests_that_are_missing_leave_the_run_whole(tmp_path: Path) -> None:
    """The run did what it could: the list of expected tests may be written again from it."""
    summary = run_suite(
        order(), SuiteSettings(), Scripted(output({"a": Outcome.PASSED})), Counting(), tmp_path, index=["a", "b"]
    )
    assert summary.gaps == ("1 of 2 expected tests are not there: b",)
    assert (summary.complete, summary.whole) == (False, True)


@pytest.mark.parametrize(
    ("changes", "focus", "words"),
    [
        ({}, "smoke", "--focus smoke"),
        ({"only": ("a",)}, "", "1 tests by name"),
        ({"select": ("a*",)}, "", "matches a*"),
    ],
)
def test_a_part_is_never_complete(tmp_path: Path, changes: dict[str, Any], focus: str, words: str) -> None:
    """However a part was selected: it is a gap, and neither a complete nor a whole run."""
    suite = Scripted(output({"a": Outcome.PASSED}))
    summary = run_suite(order(**changes), SuiteSettings(focus=focus), suite, Counting(), tmp_path)
    (gap,) = summary.gaps
    assert gap.startswith("only a part was asked for: ")
    assert words in gap
    assert (summary.complete, summary.whole) == (False, False)


def test_results_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A write that fails half-way leaves what was there before: half a file would pass for a smaller suite."""
    record([output({"a": Outcome.PASSED})], order(), 1, datetime.now(UTC), tmp_path)
    before = (tmp_path / "results.jsonl").read_text()
    with pytest.raises(ValueError, match="surrogates"):
        record([output({"b": Outcome.PASSED, "\ud800": Outcome.PASSED})], order(), 1, datetime.now(UTC), tmp_path)
    assert (tmp_path / "results.jsonl").read_text() == before


def test_a_runner_that_says_nothing_about_tests_is_no_run(tmp_path: Path) -> None:
    """Whatever its exit code: without a test, an error of collection or its own end there was no run to file."""
    silent = output({}, exit_code=5, finished=False, output_tail="Docker is not running")
    with pytest.raises(SuiteCrashed, match="Docker is not running"):
        run_suite(order(), SuiteSettings(), Scripted(silent), Counting(), tmp_path / "cycle")
    assert not (tmp_path / "cycle").exists()
