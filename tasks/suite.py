"""Step suite under Prefect."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

from prefect import task

from tasks.policy import policy
from untilgreen.deploy.wanted import fill
from untilgreen.errors import SuiteCrashed
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, Rollout
from untilgreen.model.suite import SuiteRun
from untilgreen.ports import SuiteOrder
from untilgreen.settings import Settings
from untilgreen.suite.step import not_run, record, run_suite
from untilgreen.wiring import Workshop, narrator


@task(name="suite", task_run_name="suite-{run.cycle}", **policy(timeout_s=7200, retries=0))
def run_tests(run: Run, settings: Settings, rollout: Rollout, health: Health) -> SuiteRun:
    """Run the e2e tests of the tested commit, or say why they were not run."""
    shop = Workshop(run, settings)

    def work() -> SuiteRun:
        if not health.healthy:
            return not_run(expected_tests(shop), health.reason, shop.folder)
        shop.history.export(run.commit, shop.folder / "checkout")
        return run_or_keep(shop, order(shop, rollout))

    suite = shop.ledger.once(run.cycle, "suite", (settings, rollout, health), work)
    counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted(suite.counts.items()) if number)
    narrator().say("suite", f"{counts or 'nothing collected'}{'; ' if suite.gaps else ''}{'; '.join(suite.gaps)}")
    return suite


def run_or_keep(shop: Workshop, wanted: SuiteOrder) -> SuiteRun:
    """Run the suite; when somebody interrupts it, write down what had finished."""
    started = datetime.now(UTC)
    try:
        return run_suite(wanted, shop.settings.suite, shop.suite, narrator().suite(), shop.folder)
    except KeyboardInterrupt:
        with suppress(SuiteCrashed):  # interrupted before anything was collected: nothing had finished
            finished = shop.suite.recover(wanted)
            record([finished], wanted, shop.settings.suite.minimum, started, shop.folder, ("interrupted",))
        raise


def order(shop: Workshop, rollout: Rollout) -> SuiteOrder:
    """Say what to run against which deployed services."""
    wanted, urls = shop.settings.suite, {s.service: s.url for s in rollout.services}
    return SuiteOrder(
        run_id=f"{shop.run.loop}/{shop.run.cycle}",
        root=str(shop.folder / "checkout"),
        path=wanted.path,
        python=wanted.python or sys.executable,
        args=wanted.args,
        workers=wanted.workers,
        env=fill(wanted.env, urls),
        hosts=tuple(urlsplit(url).netloc for url in urls.values()),
        folder=str(shop.folder / "suite"),
        deadline_s=wanted.deadline_s,
        test_timeout_s=wanted.test_timeout_s,
    )


def expected_tests(shop: Workshop) -> tuple[str, ...]:
    """Return the tests of the last cycle that ran: what would have been run now."""
    for number in range(shop.run.cycle - 1, 0, -1):
        if results := shop.ledger.results(number):
            return tuple(result.nodeid for result in results)
    return ()
