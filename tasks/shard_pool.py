"""Shards on the workers of a Prefect work pool: each is a run of the deployment whose flow is `shard`."""

from __future__ import annotations

import time
from typing import Any, cast
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import DeploymentResponse
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

from untilgreen.errors import ConfigError
from untilgreen.model.cycle import Run
from untilgreen.settings import FILE, Settings
from untilgreen.suite.shard import ShardOrder

FLOW = "shard"
ASK_S = 1.0
"""All shards are asked about at once, and so often."""
PENDING_S = 120.0
"""A worker that took a run and has not begun it after so long is gone; starting a process takes up to 30 s."""


class PoolCrew:
    """Runs each shard as a flow run of its own.

    Args:
        run: which cycle.
        settings: of the tested commit.

    Raises:
        ConfigError: there is no deployment to run.
    """

    here = False

    def __init__(self, run: Run, settings: Settings) -> None:
        self._run, self._settings = run, settings
        self._deployment = _deployment(settings.suite.shards.pool)
        self._asked = 0.0
        self._states: dict[UUID, State[Any] | None] = {}

    def send(self, shard: ShardOrder) -> PoolJob:
        """Create its flow run."""
        documents = {"run": self._run, "settings": self._settings, "shard": shard}
        parameters = {name: document.model_dump(mode="json") for name, document in documents.items()}
        name = f"shard-{self._run.cycle}-{shard.number}"
        try:
            made = run_deployment(self._deployment.id, parameters=parameters, flow_run_name=name, timeout=0)
        except httpx.HTTPError as error:
            return PoolJob(self, None, f"the Prefect server did not take it: {error}".splitlines()[0])
        flow_run = cast("FlowRun", made)  # a coroutine only where a loop runs
        self._states[flow_run.id] = None
        return PoolJob(self, flow_run.id)

    def trouble(self) -> str:
        """Say so when no worker polls the pool."""
        pool = self._deployment.work_pool_name or ""
        try:
            with _client() as client:
                known = client.read_work_pool(pool)
                pushed = known.is_push_pool or known.is_managed_pool
                online = pushed or any(w.status == "ONLINE" for w in client.read_workers_for_work_pool(pool))
        except (httpx.HTTPError, ObjectNotFound) as error:
            return f"work pool {pool}: {error}".splitlines()[0]
        return "" if online else f"work pool {pool} has no worker; `prefect worker start --pool {pool}` starts one"

    def state(self, flow_run: UUID) -> State[Any] | None:
        """Return how a flow run is; None when that is not known at the moment."""
        now = time.monotonic()
        if now - self._asked >= ASK_S:
            self._asked = now
            wanted = FlowRunFilter(id=FlowRunFilterId(any_=list(self._states)))
            try:
                with _client() as client:
                    self._states |= {run.id: run.state for run in client.read_flow_runs(flow_run_filter=wanted)}
            except httpx.HTTPError:
                return None  # shards go on without the server, and say in their folders that they live
        return self._states.get(flow_run)

    def forget(self, flow_run: UUID, why: str) -> None:
        """Make the server say what we know: nobody begins it, or whoever ran it is gone."""
        state = self._states.pop(flow_run, None)
        if state is not None and state.is_final():
            return
        waits = state is None or state.is_scheduled()
        end: State[Any] = Cancelled(message=why) if waits else Crashed(message=why)
        try:
            with _client() as client:
                client.set_flow_run_state(flow_run, end, force=True)
        except (httpx.HTTPError, ObjectNotFound):
            return  # a run that begins nevertheless finds in its folder that it shall not


class PoolJob:
    """A shard that was sent to a work pool.

    Args:
        crew: knows all states.
        flow_run: its id; None when there is none.
        lost: why there is none.
    """

    def __init__(self, crew: PoolCrew, flow_run: UUID | None, lost: str = "") -> None:
        self._crew, self._flow_run, self._lost = crew, flow_run, lost
        self._pending = 0.0

    def ended(self) -> str | None:
        """Return None while it runs, an empty text when it ended by itself, else how it got lost."""
        if self._flow_run is None:
            return self._lost
        state, now = self._crew.state(self._flow_run), time.monotonic()
        if state is None:
            return None
        if state.is_final():
            said = (state.message or "").splitlines()[:1]
            return "" if state.is_completed() else ": ".join([f"its flow run is {state.name}", *said])
        self._pending = (self._pending or now) if state.is_pending() else now
        return None if now - self._pending < PENDING_S else f"a worker took it and did not begin for {PENDING_S:g} s"

    def drop(self, why: str) -> None:
        """End its flow run."""
        if self._flow_run is not None:
            self._crew.forget(self._flow_run, why)


def _client() -> SyncPrefectClient:
    return get_client(sync_client=True)


def _deployment(pool: str) -> DeploymentResponse:
    """Return the newest deployment of the flow, on a certain pool if one is named."""
    with _client() as client:
        found = client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=[FLOW])))
    fitting = [known for known in found if known.work_pool_name and pool in ("", known.work_pool_name)]
    if not fitting:
        on, option = (f" on work pool {pool}", f" --pool {pool}") if pool else ("", "")
        raise ConfigError(
            f"{FILE}: suite.shards.run_on: work_pool: the Prefect server has no deployment of flow `{FLOW}`{on}. "
            f"`prefect deploy --name {FLOW}{option}` in the project's folder makes one."
        )
    return max(fitting, key=lambda known: str(known.updated))
