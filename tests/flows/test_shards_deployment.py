"""Whoever runs shards finds what it needs, or the message says what is missing."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import yaml

from flows.shards import run_sent_shard
from tasks.shard_dask import dask_runner
from untilgreen.errors import ConfigError
from untilgreen.settings.suite import Shards

DEPLOYED = yaml.safe_load((Path(__file__).parents[2] / "prefect.yaml").read_text())


def test_every_entrypoint_is_in_the_folder_that_the_pull_step_names() -> None:
    """A worker begins each run in an empty folder: the pull step names the project by an absolute path."""
    (step,) = DEPLOYED["pull"]
    module, _, name = next(iter(step)).rpartition(".")
    folder = Path(getattr(importlib.import_module(module), name)()["directory"])
    assert folder.is_absolute()
    for deployment in DEPLOYED["deployments"]:
        file, _, flow = deployment["entrypoint"].partition(":")
        assert f"def {flow}(" in (folder / file).read_text()


@pytest.mark.parametrize("deployment", DEPLOYED["deployments"], ids=lambda deployment: deployment["name"])
def test_only_shards_run_side_by_side(deployment: dict[str, object]) -> None:
    """Only the shard's deployment is without a limit: shards of one suite run side by side."""
    assert ("concurrency_limit" in deployment) is (deployment["name"] != "shard")


def test_a_shard_is_sent_as_three_small_documents() -> None:
    """What a worker of the pool is sent is the run, the settings and the shard: never the tests themselves."""
    assert set(run_sent_shard.parameters.properties) == {"run", "settings", "shard"}


def test_dask_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where prefect-dask is not installed, the setting that asks for it is an error with the command that helps."""
    monkeypatch.setitem(sys.modules, "prefect_dask.task_runners", None)
    with pytest.raises(ConfigError, match=r"pip install 'untilgreen\[dask\]'"), dask_runner(Shards(count=2)):
        pass
