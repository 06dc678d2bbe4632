"""One shard of a suite as a flow run of its own, for workers of a work pool (`suite.shards.run_on: work_pool`)."""

from __future__ import annotations

from prefect import flow

from tasks.shard import run_one_shard
from untilgreen.model.cycle import Run
from untilgreen.settings import Settings
from untilgreen.suite.shard import ShardDone, ShardOrder


@flow(name="shard", flow_run_name="shard-{run.cycle}-{shard.number}")
def run_sent_shard(run: Run, settings: Settings, shard: ShardOrder) -> ShardDone:
    """Run one shard here. The folders of the run and of the shard must be the same for its sender and for this worker.

    Returns:
        How its tests ended, in numbers; the results lie in the shard's folder.
    """
    return run_one_shard(run, settings, shard)
