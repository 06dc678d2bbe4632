"""Shards of step suite under Prefect: the task that runs one, and who runs tasks: threads, Dask, or a work pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from tasks.shard_dask import dask_runner, without_workers
from tasks.shard_pool import PoolCrew
from untilgreen.model.cycle import Run
from untilgreen.ports import Suite, never
from untilgreen.settings import Settings
from untilgreen.suite.order import known_seconds
from untilgreen.suite.ordering import interpreter
from untilgreen.suite.oversight import Crew
from untilgreen.suite.shard import ShardDone, ShardOrder, run_shard
from untilgreen.suite.sharded import ShardedSuite
from untilgreen.wiring import Workshop, narrator


@task(name="shard", task_run_name="shard-{run.cycle}-{shard.number}", cache_policy=NO_CACHE)
def run_one_shard(run: Run, settings: Settings, shard: ShardOrder) -> ShardDone:
    """Run one shard in this process; its results go to files in its folder."""
    return run_shard(shard, Workshop(run, settings).suite, interpreter(settings.suite.python, Path(run.root)))


@contextmanager
def suite_of(shop: Workshop) -> Iterator[Suite]:
    """Provide the suite in as many shards as the settings want; one is the suite itself, with nobody in between.

    Raises:
        ConfigError: whoever should run shards is not there, and what to do about it.
    """
    wanted = shop.settings.suite.shards
    if wanted.count == 1:
        yield shop.suite
        return
    with crew(shop.run, shop.settings) as hands:
        seconds = known_seconds(Path(shop.run.state))
        yield ShardedSuite(shop.suite, hands, wanted, seconds=seconds, tell=lambda line: narrator().note("suite", line))


@contextmanager
def crew(run: Run, settings: Settings) -> Iterator[Crew]:
    """Provide whoever the settings want to run shards.

    Raises:
        ConfigError: they are not there, and what to do about it.
    """
    wanted = settings.suite.shards
    narrator().say("suite", f"{wanted.count} shards on {wanted.run_on.replace('_', ' ')}")
    if wanted.run_on == "work_pool":
        yield PoolCrew(run, settings)
        return
    if wanted.run_on == "dask":
        with dask_runner(wanted) as runner:
            yield TaskCrew(runner, run, settings, here=not wanted.address, trouble=lambda: without_workers(runner))
        return
    # A thread whose shard was given up may still be there when that shard is run again.
    with ThreadPoolTaskRunner[Any](max_workers=wanted.count * (1 + wanted.reruns)) as threads:
        yield TaskCrew(threads, run, settings)


class TaskJob:
    """A shard that was submitted to a task runner.

    Args:
        future: of a thread or of Dask; None when there is none.
        lost: why there is none.
    """

    def __init__(self, future: Any, lost: str = "") -> None:
        self._future, self._lost = future, lost

    def ended(self) -> str | None:
        """Return None while it runs, an empty text when it ended by itself, else how it got lost."""
        if self._future is None:
            return self._lost
        if not self._future.wrapped_future.done():
            return None
        try:
            self._future.result()
        except (Exception, CancelledError) as error:  # noqa: BLE001 - whatever took it, it is lost
            return f"{type(error).__name__}: {error}".splitlines()[0]
        return ""

    def drop(self, why: str) -> None:  # noqa: ARG002 - the shard's own folder says why
        """Take it back, if it has not begun."""
        if self._future is not None:
            self._future.wrapped_future.cancel()


class TaskCrew:
    """Runs shards as tasks of this flow run.

    Args:
        runner: started.
        run: which cycle.
        settings: of the tested commit.
        here: whether it is one machine.
        trouble: says why nobody takes a task.
    """

    def __init__(
        self,
        runner: TaskRunner[Any],
        run: Run,
        settings: Settings,
        *,
        here: bool = True,
        trouble: Callable[[], str] = never,
    ) -> None:
        self.here, self.trouble = here, trouble
        self._runner, self._run, self._settings = runner, run, settings

    def send(self, shard: ShardOrder) -> TaskJob:
        """Submit it."""
        parameters = {"run": self._run, "settings": self._settings, "shard": shard}
        try:
            return TaskJob(self._runner.submit(run_one_shard, parameters))
        except Exception as error:  # noqa: BLE001 - a cluster that does not take it now may take it later
            return TaskJob(None, f"{type(error).__name__}: {error}".splitlines()[0])
