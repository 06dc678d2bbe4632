"""Step prove under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Rollout
from untilgreen.model.suite import ProofSummary, SuiteRun
from untilgreen.prove.step import prove_run
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator


@task(name="prove", task_run_name="prove-{run.cycle}", **policy(timeout_s=1800))
def prove_tests(run: Run, settings: Settings, rollout: Rollout, suite: SuiteRun) -> ProofSummary:
    """Join what each passed test says it did with what the deployed revisions' request log says."""
    shop = Workshop(run, settings)

    def work() -> ProofSummary:
        return prove_run(shop.ledger.results(run.cycle), rollout, suite, shop.logs, shop.folder)

    proof = shop.ledger.once(run.cycle, "prove", (rollout, suite), work)
    counts = ", ".join(f"{number} {reality}" for reality, number in sorted(proof.counts.items()))
    narrator().say("prove", f"{counts or 'nothing to prove'}, by {proof.request_rows} rows of the request log")
    return proof
