"""Runs whose process was killed stay Running in Prefect for ever: the run that goes on in their place ends them."""

from __future__ import annotations

from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State
from prefect.runtime import flow_run
from prefect.states import Crashed

_RUNNING = {"type": {"any_": ["RUNNING"]}}


def succeed(loop: str) -> None:
    """Give this flow run its loop's name, and mark what earlier runs of the loop left as Crashed.

    Whoever calls this holds the loop's environment: nothing else of this loop is alive.
    """
    mine = UUID(str(flow_run.id))
    with get_client(sync_client=True) as client:
        client.update_flow_run(mine, name=loop)
        dead = [run for run in _running(client, name={"any_": [loop]}) if run.id != mine]
        for run in (*dead, *_running(client, parent_flow_run_id={"any_": [str(mine), *(str(d.id) for d in dead)]})):
            ended: State[None] = Crashed(message="its process was killed; a later run of the loop went on")
            client.set_flow_run_state(run.id, ended, force=True)


def _running(client: SyncPrefectClient, **wanted: dict[str, list[str]]) -> list[FlowRun]:
    return client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate({"state": _RUNNING, **wanted}))
