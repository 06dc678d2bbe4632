"""`untilgreen run` with a suite in shards: the same proof, whoever ran them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tests.acceptance.shop_project import SETTINGS, Done, Project

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("on", ["threads", "dask"])
def test_shards_are_proven_like_one_run(on: str, project: Project, untilgreen: Callable[..., Done]) -> None:
    """A suite in two shards is green only with every line of green proven, and each shard's end is told."""
    settings = SETTINGS.replace("  workers: 2\n", f"  workers: 2\n  shards: {{count: 2, run_on: {on}}}\n")
    done = untilgreen("run", "--repo", project(**{"untilgreen.yaml": settings}), "--json")
    assert done.code == 0, done.err
    (cycle,) = json.loads(done.out)["cycles"]
    assert cycle["counts"] == {"collected": 6, "passed": 6}
    assert [line["holds"] for line in cycle["verdict"]] == [True] * 5
    assert len(re.findall(r"suite +shard [12] of 2: 3 passed", done.err)) == 2
    assert "distributed" not in done.err


def test_a_pool_without_deployment_is_a_setting_to_mend(project: Project, untilgreen: Callable[..., Done]) -> None:
    """Exit 2 where nobody could ever take a shard, with the command that helps."""
    wanted = "  shards: {count: 2, run_on: work_pool, pool: nowhere}\n"
    done = untilgreen(
        "run", "--repo", project(**{"untilgreen.yaml": SETTINGS.replace("approve:", wanted + "approve:")})
    )
    assert done.code == 2, done.err
    assert "prefect deploy --name shard --pool nowhere" in done.err
