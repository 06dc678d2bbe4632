"""Step compare under Prefect."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from tasks.judge import judge_applied
from tasks.policy import policy
from untilgreen.compare.step import Observed, compare
from untilgreen.errors import EvidenceIncomplete
from untilgreen.model.analysis import Comparison, Triage
from untilgreen.model.cycle import Run
from untilgreen.model.suite import SuiteRun
from untilgreen.settings import Settings
from untilgreen.suite.history import Kind, read_history
from untilgreen.wiring import Workshop, narrator


@task(name="compare", task_run_name="compare-{run.cycle}", **policy(timeout_s=600))
def compare_cycles(run: Run, settings: Settings, found: Triage, suite: SuiteRun) -> Comparison:
    """Tell what became of each cause since the cycles before."""
    shop = Workshop(run, settings)
    earlier = [seen for number in range(1, run.cycle) if (seen := observed(shop, number))]
    results = shop.ledger.results(run.cycle)
    now = Observed(number=run.cycle, ran=suite.ran, triage=found, results=results, unsteady=unsteady(run))
    comparison = shop.ledger.once(run.cycle, "compare", (found, suite), lambda: compare(now, earlier))
    for change in comparison.changes:
        now_failing = "not observed" if change.now is None else change.now
        narrator().say("compare", f"{change.state}: {change.key} ({change.before} -> {now_failing} tests)")
    judge_applied(shop, now, earlier, comparison)
    return comparison


def unsteady(run: Run) -> frozenset[str]:
    """Return the tests that are flaky by all loops' history; none when that cannot be read, which is said."""
    try:
        return frozenset(record.nodeid for record in read_history(Path(run.state)) if record.kind is Kind.FLAKY)
    except EvidenceIncomplete as error:
        narrator().say("compare", f"which tests are flaky is not known: {error}")
        return frozenset()


def observed(shop: Workshop, number: int) -> Observed | None:
    """Return what an earlier cycle saw."""
    found, suite = shop.ledger.recall(number, Triage), shop.ledger.recall(number, SuiteRun)
    if found is None or suite is None:
        return None
    return Observed(
        number=number,
        ran=suite.ran,
        triage=found,
        results=shop.ledger.results(number),
        comparison=shop.ledger.recall(number, Comparison),
    )
