"""Step prove under Prefect."""

from __future__ import annotations

from prefect import task

from tasks.policy import policy
from untilgreen.controls import control
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Rollout
from untilgreen.model.suite import ProofSummary, Reality, SuiteRun
from untilgreen.prove.step import NO_TRIALS, prove_run
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator

NAMED = 5
"""Tests that pass whatever the service answers, named while it happens; the report names all."""


@task(name="prove", task_run_name="prove-{run.cycle}", **policy(timeout_s=7200))
def prove_tests(run: Run, settings: Settings, rollout: Rollout, suite: SuiteRun) -> ProofSummary:
    """Show that passed tests fail when the service does, and join what they say with the revisions' request log."""
    shop, negative = Workshop(run, settings), settings.suite.negative

    def work() -> ProofSummary:
        results, trials = shop.ledger.results(run.cycle), NO_TRIALS
        if suite.ran and negative.when == "changed":
            trials = control(shop, rollout, results, lambda text: narrator().say("prove", text))
        return prove_run(results, rollout, suite, shop.logs, shop.folder, trials=trials)

    proof = shop.ledger.once(run.cycle, "prove", (negative, rollout, suite), work)
    counts = ", ".join(f"{number} {reality}" for reality, number in sorted(proof.counts.items()))
    narrator().say("prove", f"{counts or 'nothing to prove'}, by {proof.request_rows} rows of the request log")
    vacuous = [told.nodeid for told in shop.ledger.proofs(run.cycle) if told.reality is Reality.VACUOUS]
    for nodeid in vacuous[:NAMED]:
        narrator().say("prove", f"VACUOUS {nodeid}")
    return proof
