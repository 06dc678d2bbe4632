"""Step compare under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.compare.step import Observed, compare
from untilgreen.model.analysis import Comparison, Triage
from untilgreen.model.cycle import Run
from untilgreen.model.suite import SuiteRun
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator


@task(name="compare", task_run_name="compare-{run.cycle}", **policy(timeout_s=600))
def compare_cycles(run: Run, settings: Settings, found: Triage, suite: SuiteRun) -> Comparison:
    """Tell what became of each cause since the cycles before."""
    shop = Workshop(run, settings)
    earlier = [seen for number in range(1, run.cycle) if (seen := observed(shop, number))]
    now = Observed(number=run.cycle, ran=suite.ran, triage=found, results=shop.ledger.results(run.cycle))
    comparison = shop.ledger.once(run.cycle, "compare", (found, suite), lambda: compare(now, earlier))
    for change in comparison.changes:
        now_failing = "not observed" if change.now is None else change.now
        narrator().say("compare", f"{change.state}: {change.key} ({change.before} -> {now_failing} tests)")
    return comparison


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
