"""Runs the suite once, its failures again, and writes the results down."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Outcome, Result, SuiteRun
from untilgreen.ports import Halt, Suite, SuiteOrder, SuiteOutput, Watcher, never
from untilgreen.redaction import LAST_NET
from untilgreen.settings import SuiteSettings
from untilgreen.suite.focus import told
from untilgreen.suite.gaps import expectation_gaps, run_gaps, some
from untilgreen.suite.outcomes import conclude, is_flaky
from untilgreen.suite.watchers import UNHEARD

RESULTS = "results.jsonl"

FEW = 20
FEW_SHARE = 0.05
"""Flakes are few. When more tests fail than this, something happened to the environment: running hundreds of failures
again takes as long as the suite and tells nothing new."""


def run_suite(  # noqa: PLR0917 - what is run, by whom, watched by whom, written where
    order: SuiteOrder,
    settings: SuiteSettings,
    suite: Suite,
    watcher: Watcher,
    folder: Path,
    halt: Halt = never,
    *,
    index: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> SuiteRun:
    """Run an order, run its failures again on the same revision, and leave the results in the folder.

    Args:
        order: what to run.
        settings: how, and what is expected.
        suite: runs it.
        watcher: is told of each test once; reruns go unheard.
        folder: the cycle's.
        halt: says why the run should end now. What failed before is not run again then.
        index: node ids of all expected tests (`untilgreen.suite.index.expected`).
        notes: what a reader should know beforehand.

    Raises:
        SuiteCrashed: the first run could not even start.
    """
    started = datetime.now(UTC)
    runs, told_by_reruns = [_begun(suite.run(order, watcher, halt))], list(notes)
    for number in range(1, settings.reruns + 1):
        failed = _failed(runs)
        if not failed:
            break
        if why := _no_rerun(runs[0], failed):
            told_by_reruns.append(why)
            break
        spent = (datetime.now(UTC) - started).total_seconds()
        again = _rerun(order, failed, number, order.deadline_s - spent)
        try:
            runs.append(suite.run(again, UNHEARD, halt))
        except SuiteCrashed as error:
            told_by_reruns.append(f"rerun {number} did not start, so first failures stand: {_headline(error)}")
            break
    return record(
        runs, order, settings.minimum, started, folder, tuple(told_by_reruns), index=index, asked=told(settings)
    )


def record(  # noqa: PLR0917 - everything that a summary is made of
    runs: Sequence[SuiteOutput],
    order: SuiteOrder,
    minimum: int,
    started: datetime,
    folder: Path,
    notes: tuple[str, ...] = (),
    *,
    index: Sequence[str] = (),
    asked: str = "",
) -> SuiteRun:
    """Write one result a line and return the summary; also for a run that was interrupted.

    Args:
        runs: the first run and its reruns.
        order: of the first run. One that selects asks for a part, whatever `asked` says.
        minimum: fewer collected tests are a gap.
        started: when the first run began.
        folder: the cycle's.
        notes: what a reader should know beside what the runner noted.
        index: node ids of all expected tests.
        asked: which part was asked for, in words (`untilgreen.suite.focus.told`).
    """
    results = conclude(runs)
    _write(results, folder)
    first = runs[0]
    part = asked or _part(order)
    within = run_gaps(first)
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
        gaps=(*within, *expectation_gaps(first.collected, minimum, index, part)),
        whole=bool(first.collected) and not within and not part,
        notes=(*first.notes, *notes, *_flaky_note(results)),
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


def _begun(output: SuiteOutput) -> SuiteOutput:
    """Return an output that says anything at all about tests, be it that there are none.

    Raises:
        SuiteCrashed: it does not: whatever it printed, and whatever its exit code, that was no run.
    """
    if output.finished or output.collected or output.collection_errors or output.stopped:
        return output
    command = " ".join(output.command)
    raise SuiteCrashed(
        f"{command} ended with exit code {output.exit_code} and said nothing about tests. Its last words:\n"
        f"{output.output_tail or '(none)'}"
    )


def _failed(runs: Sequence[SuiteOutput]) -> tuple[str, ...]:
    return tuple(result.nodeid for result in conclude(runs) if result.outcome in (Outcome.FAILED, Outcome.ERROR))


def _no_rerun(first: SuiteOutput, failed: Sequence[str]) -> str:
    """Say why failures are not run again; empty when they are."""
    if first.stopped:
        return f"{len(failed)} failures were not run again, because the run was stopped"
    if too_many(len(failed), len(first.collected)):
        return f"{len(failed)} failures are too many for flakes, so they were not run again"
    return ""


def too_many(failed: int, tests: int) -> bool:
    """Tell whether more tests fail than could be flaky."""
    return failed > max(FEW, FEW_SHARE * tests)


def _flaky_note(results: Iterable[Result]) -> tuple[str, ...]:
    names = [result.nodeid for result in results if is_flaky(result)]
    return (f"{len(names)} tests are flaky, they failed and passed on this revision: {some(names)}",) if names else ()


def _part(order: SuiteOrder) -> str:
    if order.only:
        return f"{len(order.only)} tests by name"
    return f"what matches {' or '.join(order.select)}" if order.select else ""


def _headline(error: Exception) -> str:
    return str(error).splitlines()[0]


def _rerun(order: SuiteOrder, failed: tuple[str, ...], number: int, left_s: float) -> SuiteOrder:
    folder = str(Path(order.folder, f"rerun-{number}"))
    attempt = order.attempt + number
    return order.model_copy(
        update={"only": failed, "attempt": attempt, "folder": folder, "deadline_s": max(left_s, 1.0)}
    )


def _write(results: Iterable[Result], folder: Path) -> None:
    """Write them whole or not at all: half a file would pass for a smaller suite."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{RESULTS}.{os.getpid()}"
    with draft.open("w", encoding="utf-8") as file:
        file.writelines(LAST_NET.mask(result.model_dump_json()) + "\n" for result in results)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / RESULTS)
