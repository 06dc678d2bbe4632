"""Step suite under Prefect."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prefect import task

from tasks.policy import policy
from tasks.progress import watched
from tasks.shard import suite_of
from untilgreen.errors import SuiteCrashed
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, Rollout
from untilgreen.model.suite import SuiteRun
from untilgreen.ports import SuiteOrder
from untilgreen.settings import Settings
from untilgreen.suite.breaker import breaker
from untilgreen.suite.focus import focus, told
from untilgreen.suite.index import expected
from untilgreen.suite.order import known_order
from untilgreen.suite.ordering import suite_order
from untilgreen.suite.step import not_run, record, run_suite
from untilgreen.wiring import Workshop, narrator


@task(name="suite", task_run_name="suite-{run.cycle}", **policy(timeout_s=7200, retries=0))
def run_tests(run: Run, settings: Settings, rollout: Rollout, health: Health) -> SuiteRun:
    """Run the e2e tests of the tested commit, or say why they were not run."""
    shop = Workshop(run, settings)

    def work() -> SuiteRun:
        if not health.healthy:
            return not_run(expected_tests(shop), health.reason, shop.folder)
        shutil.rmtree(shop.folder / "checkout", ignore_errors=True)  # an interrupted suite may have written there
        shop.history.export(run.commit, shop.folder / "checkout")
        begin_with, notes = known_order(Path(run.state))
        whole = suite_order(settings.suite, run, {s.service: s.url for s in rollout.services}, shop.folder)
        wanted = focus(settings.suite, whole.model_copy(update={"first": begin_with}))
        return run_or_keep(shop, wanted, health_urls(settings, rollout), notes)

    suite = shop.ledger.once(run.cycle, "suite", (settings, rollout, health), work)
    counts = ", ".join(f"{number} {outcome}" for outcome, number in sorted(suite.counts.items()) if number)
    narrator().say("suite", f"{counts or 'nothing collected'}{'; ' if suite.gaps else ''}{'; '.join(suite.gaps)}")
    return suite


def run_or_keep(shop: Workshop, wanted: SuiteOrder, urls: dict[str, str], notes: tuple[str, ...] = ()) -> SuiteRun:
    """Run the suite as long as its services answer; when somebody interrupts it, write down what had finished.

    Args:
        shop: of the cycle.
        wanted: what to run.
        urls: service -> URL of its health.
        notes: what a reader should know beforehand.
    """
    settings, started = shop.settings.suite, datetime.now(UTC)
    index = expected(settings, shop.history, shop.run.commit)
    with suite_of(shop) as suite, breaker(shop.probe, urls, settings.breaker_s) as halt, watched(shop) as watcher:
        try:
            return run_suite(wanted, settings, suite, watcher, shop.folder, halt, index=index, notes=notes)
        except KeyboardInterrupt:
            with suppress(SuiteCrashed):  # interrupted before anything was collected: nothing had finished
                finished, notes = suite.recover(wanted), (*notes, "interrupted")
                asked = told(settings)
                record([finished], wanted, settings.minimum, started, shop.folder, notes, index=index, asked=asked)
            raise


def health_urls(settings: Settings, rollout: Rollout) -> dict[str, str]:
    """Return where each deployed service says how it is."""
    paths = {name: service.health.path for name, service in settings.services.items()}
    return {s.service: f"{s.url.rstrip('/')}/{paths[s.service].lstrip('/')}" for s in rollout.services if s.url}


def expected_tests(shop: Workshop) -> tuple[str, ...]:
    """Return the tests of the last cycle that ran: what would have been run now."""
    for number in range(shop.run.cycle - 1, 0, -1):
        if results := shop.ledger.results(number):
            return tuple(result.nodeid for result in results)
    return ()
