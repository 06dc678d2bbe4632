"""Settings: the e2e tests and how to run them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from untilgreen.settings.part import Part


class Shards(Part):
    """Into how many parts the suite is cut, and who runs them."""

    count: int = Field(default=1, ge=1, le=64)
    """One runs everything here. More than 64 would cost Prefect more than they save."""
    run_on: Literal["threads", "dask", "work_pool"] = "threads"
    """threads: on this machine, which divides its `workers` among them. dask: on a Dask cluster. work_pool: on workers
    of a Prefect work pool. Other machines must share the repository's folder, at the same path, and reach the deployed
    services; each shard has all `workers` there."""
    address: str = ""
    """dask: the scheduler, for example `tcp://10.0.0.2:8786`; empty starts a cluster of processes on this machine."""
    pool: str = ""
    """work_pool: its name; empty takes the pool of the newest deployment of flow `shard` (deployments/README.md)."""
    reruns: int = Field(default=2, ge=0, le=10)
    """How often a shard that got lost with its worker is run again before its tests count as not run."""


class Negative(Part):
    """The negative control: tests are run against a proxy that breaks what the service answers, and must fail."""

    when: Literal["changed", "never"] = "changed"
    """changed: every passed test once, and again when its files have changed."""
    deadline_s: float = Field(default=300, gt=0)
    """How long one control may take. What it does not reach is controlled in the next cycle."""
    status_only: tuple[str, ...] = ()
    """Node id patterns (`e2e/test_health.py::*`) of tests that are meant to look at the status only: an empty 200
    need not fail them."""


class SuiteSettings(Part):
    """The e2e tests and how to run them."""

    path: str = "e2e"
    """Folder or file of the tests, relative to the repository's root."""
    python: str = ""
    """Interpreter of the tests' own environment, for example `.venv/bin/python`: a path begins at the repository's
    root. Empty means the one that runs untilgreen."""
    args: tuple[str, ...] = ()
    """Handed to pytest as they are."""
    workers: int = Field(default=8, ge=1, le=64)
    """I/O-bound tests want more workers than cores; 64 bounds a mistake."""
    env: dict[str, str] = {}
    """`{name.url}` stands for a deployed service's URL."""
    minimum: int = Field(default=1, ge=1)
    """Fewer collected tests than this are never green."""
    deadline_s: float = Field(default=1800, gt=0)
    """When the whole run is stopped, reruns included. Half an hour bounds a suite that hangs; a slow one wants more."""
    test_timeout_s: float = Field(default=60, gt=0)
    """How long one test may take. A minute leaves room for a cold start and slow answers."""
    reruns: int = Field(default=1, ge=0, le=5)
    """How often a failed test is run again on the same revision. One is enough to tell flaky from persistent."""
    flaky_budget: int = Field(default=0, ge=0)
    """So many flaky tests do not keep a cycle from being green. They are named all the same, and never called
    resolved. None by default: a flaky test is a fault of somebody."""
    index: str = ""
    """File in the repository with the node id of every expected test, one a line. One that is missing is never green.
    `untilgreen tests --write-index` writes it."""
    features: dict[str, tuple[str, ...]] = {}
    """Name -> node id patterns, for `--focus`: `auth: ["e2e/test_login.py::*", "*token*"]`."""
    focus: str = ""
    """Only a part is run: a path, a node id, a feature's name or a marker expression. `--focus` sets it for one loop.
    A part is never green."""
    breaker_s: float = Field(default=2, ge=0)
    """When a service has not answered its health path for so long, the suite is stopped: what has not run says so
    instead of failing. 0 turns it off."""
    shards: Shards = Shards()
    """Into how many parts the suite is cut, and who runs them."""
    negative: Negative = Negative()
    """Whether tests are shown to fail when the service does."""
