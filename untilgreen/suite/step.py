"""Runs the suite once, its failures again, and writes the results down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Outcome, Result, SuiteRun
from untilgreen.ports import Suite, SuiteOrder, SuiteOutput, Watcher
from untilgreen.redaction import LAST_NET
from untilgreen.settings import SuiteSettings
from untilgreen.suite.gaps import find_gaps
from untilgreen.suite.outcomes import conclude

RESULTS = "results.jsonl"

FEW = 20
FEW_SHARE = 0.05
"""Flakes are few. When more tests fail than this, something happened to the environment: running hundreds of failures
again takes as long as the suite and tells nothing new."""


def run_suite(order: SuiteOrder, settings: SuiteSettings, suite: Suite, watcher: Watcher, folder: Path) -> SuiteRun:
    """Run an order, run its failures again on the same revision, and leave the results in the folder.

    Raises:
        SuiteCrashed: the first run could not even start.
    """
    started = datetime.now(UTC)
    runs, notes = [suite.run(order, watcher)], []
    for number in range(1, settings.reruns + 1):
        failed = _failed(runs)
        if not failed:
            break
        if len(failed) > max(FEW, FEW_SHARE * len(runs[0].collected)):
            notes.append(f"{len(failed)} failures are too many for flakes, so they were not run again")
            break
        spent = (datetime.now(UTC) - started).total_seconds()
        again = _rerun(order, failed, number, order.deadline_s - spent)
        try:
            runs.append(suite.run(again, _Unheard()))
        except SuiteCrashed as error:
            notes.append(f"rerun {number} did not start, so first failures stand: {str(error).splitlines()[0]}")
            break
    return record(runs, order, settings.minimum, started, folder, tuple(notes))


def record(  # noqa: PLR0917 - everything that a summary is made of
    runs: Sequence[SuiteOutput],
    order: SuiteOrder,
    minimum: int,
    started: datetime,
    folder: Path,
    notes: tuple[str, ...] = (),
) -> SuiteRun:
    """Write one result a line and return the summary; also for a run that was interrupted."""
    results = conclude(runs)
    _write(results, folder)
    first = runs[0]
    return SuiteRun(
        started=started,
        finished=datetime.now(UTC),
        ran=True,
        command=first.command,
        python=first.python,
        workers=order.workers,
        collected=len(first.collected),
        counts=dict(Counter(result.outcome for result in results)),
        exit_code=first.exit_code,
        gaps=find_gaps(first, minimum),
        notes=(*first.notes, *notes),
        results_file=RESULTS,
    )


def not_run(expected: Iterable[str], reason: str, folder: Path) -> SuiteRun:
    """Return what stands for a suite that had nothing healthy to test.

    Args:
        expected: node ids known from an earlier cycle; each becomes NOT_RUN with the reason.
        reason: why nothing was run.
        folder: the cycle's folder.
    """
    results = tuple(Result(nodeid=nodeid, outcome=Outcome.NOT_RUN, reason=reason) for nodeid in expected)
    _write(results, folder)
    now = datetime.now(UTC)
    return SuiteRun(
        started=now,
        finished=now,
        ran=False,
        command=(),
        python="",
        workers=0,
        collected=0,
        counts={Outcome.NOT_RUN: len(results)},
        exit_code=None,
        gaps=(f"the suite was not run: {reason}",),
        results_file=RESULTS,
    )


def read_results(file: Path) -> list[Result]:
    """Read one result a line."""
    return [Result.model_validate_json(line) for line in file.read_bytes().splitlines()]


class _Unheard:
    """Watches a rerun: whoever counts tests has counted these already."""

    def collected(self, total: int) -> None:
        pass

    def finished(self, nodeid: str, outcome: Outcome) -> None:
        pass


def _failed(runs: Sequence[SuiteOutput]) -> tuple[str, ...]:
    return tuple(result.nodeid for result in conclude(runs) if result.outcome in (Outcome.FAILED, Outcome.ERROR))


def _rerun(order: SuiteOrder, failed: tuple[str, ...], number: int, left_s: float) -> SuiteOrder:
    folder = str(Path(order.folder, f"rerun-{number}"))
    attempt = order.attempt + number
    return order.model_copy(
        update={"only": failed, "attempt": attempt, "folder": folder, "deadline_s": max(left_s, 1.0)}
    )


def _write(results: Iterable[Result], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / RESULTS).open("w", encoding="utf-8") as file:
        file.writelines(LAST_NET.mask(result.model_dump_json()) + "\n" for result in results)
