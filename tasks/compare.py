"""Step compare under Prefect."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from tasks.judge import judge_applied
from tasks.policy import policy
from untilgreen.compare.memory import observe
from untilgreen.compare.retrospect import look_back
from untilgreen.compare.show import lines
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
    told = shop.ledger.once(
        run.cycle,
        "retrospect",
        (comparison,),
        lambda: look_back(Path(run.state), shop.ledger, now, settings.suite, settings.value),
    )
    for line in lines(told):
        narrator().say("compare", line)
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
    return observe(shop.ledger, number)
