"""Shards on a Dask cluster: one that the settings name, or processes on this machine."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from untilgreen.errors import ConfigError
from untilgreen.project import project
from untilgreen.settings import FILE
from untilgreen.settings.suite import Shards

CONNECT_S = 10
QUIET = {"distributed.nanny.pre-spawn-environ.PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
"""What processes on this machine log would go to our terminal; Prefect's own page has it as well."""


@contextmanager
def dask_runner(wanted: Shards) -> Iterator[Any]:
    """Provide a started `prefect_dask.DaskTaskRunner` that is connected.

    Raises:
        ConfigError: the extra is not installed, or there is no usable cluster.
    """
    try:
        import dask.config  # noqa: PLC0415 - an extra that few need
        from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 - as above
    except ImportError:
        raise ConfigError(
            f"{FILE}: suite.shards.run_on: dask needs prefect-dask. `pip install 'untilgreen[dask]'`, or set threads."
        ) from None
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with dask.config.set(QUIET), DaskTaskRunner(**_cluster(wanted)) as runner:
        _connect(runner, wanted.address)
        yield runner


def without_workers(runner: Any) -> str:
    """Say so when the cluster has no worker."""
    try:
        workers = runner.client.scheduler_info()["workers"]
    except OSError as error:
        return f"the Dask scheduler does not answer: {error}".splitlines()[0]
    return "" if workers else "the Dask cluster has no worker; `dask worker ADDRESS` starts one"


def _cluster(wanted: Shards) -> dict[str, Any]:
    if wanted.address:
        return {"address": wanted.address, "client_kwargs": {"timeout": CONNECT_S}}
    local = {"n_workers": wanted.count, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    return {"cluster_kwargs": {**local, "silence_logs": logging.ERROR}}


def _connect(runner: Any, address: str) -> None:
    """Reach the cluster, and let its workers find our tasks, which are no installed package."""
    from distributed.diagnostics.plugin import WorkerPlugin  # noqa: PLC0415 - an extra that few need

    class Project(WorkerPlugin):
        idempotent = True

        def setup(self, worker: object) -> None:  # noqa: ARG002 - Dask's name
            here = str(project())  # in the worker: where untilgreen is installed there
            if here not in sys.path:
                sys.path.insert(0, here)

    try:
        runner.client.register_plugin(Project(), "untilgreen-project")
    except OSError as error:
        raise ConfigError(f"{FILE}: suite.shards.address: no Dask scheduler answers at {address}: {error}") from None
    except ImportError as error:
        raise ConfigError(f"{address}: untilgreen must be installed on the Dask workers: {error}") from None
