"""Step report under Prefect."""

from __future__ import annotations

from prefect import task
from prefect.artifacts import create_markdown_artifact

from tasks.policy import policy
from untilgreen.green import judge
from untilgreen.model.analysis import Comparison, Reviews
from untilgreen.model.cycle import Cycle, Loop, Run
from untilgreen.model.delivery import Health, Images, Rollout
from untilgreen.model.suite import ProofSummary, SuiteRun
from untilgreen.report.brief import render_cycle
from untilgreen.report.step import write
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator


@task(name="report", task_run_name="report-{run.cycle}", **policy(timeout_s=600))
def report_cycle(run: Run, settings: Settings, proof: ProofSummary, reviews: Reviews, comparison: Comparison) -> Cycle:
    """Judge the cycle line by line."""
    shop = Workshop(run, settings)
    kept = shop.ledger
    verdict = kept.once(
        run.cycle,
        "verdict",
        (proof, reviews, comparison),
        lambda: judge(
            kept.recall(run.cycle, Images),
            kept.recall(run.cycle, Rollout),
            kept.recall(run.cycle, Health),
            kept.recall(run.cycle, SuiteRun),
            proof,
            kept.results(run.cycle),
            settings.suite.minimum,
            proofs=kept.proofs(run.cycle),
            flaky_budget=settings.suite.flaky_budget,
        ),
    )
    cycle = kept.read_cycle(run.cycle)
    if cycle is None:
        raise AssertionError("a cycle with a verdict can be read")
    narrator().say("report", f"cycle {run.cycle} is {verdict.color}")
    return cycle


def show_cycle(cycle: Cycle) -> None:
    """Keep a cycle's report as an artifact of the run that calls it: the loop's, which is what people open."""
    create_markdown_artifact(render_cycle(cycle), key=f"cycle-{cycle.number}", description=f"Cycle {cycle.number}")


@task(name="report-loop", **policy(timeout_s=600))
def report_loop(run: Run, settings: Settings) -> Loop:
    """Write the reports of the whole loop."""
    kept = Workshop(run, settings).ledger
    loop = kept.read()
    files = write(loop, kept.folder / "report", kept.results, proofs_of=kept.proofs)
    narrator().say("report", "\n".join(str(file) for file in files.values()))
    return loop
