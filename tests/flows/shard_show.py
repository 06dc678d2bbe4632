"""A real suite of 60 tests in shards, as step suite runs it; its own process, so that a test can interrupt and kill.

python -m tests.flows.shard_show FOLDER run_on=dask count=2 pool=...
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from prefect import flow, task

from tasks.suite import run_or_keep
from untilgreen.model.cycle import Run
from untilgreen.model.suite import Result, SuiteRun
from untilgreen.ports import SuiteOrder
from untilgreen.settings import parse
from untilgreen.suite.step import read_results
from untilgreen.wiring import Workshop

ROOT = Path(__file__).parents[2]
MODULES, EACH = 4, 15

TESTS = """\
import os, pathlib, time
import pytest

RAN = pathlib.Path(os.environ["RAN"])

@pytest.mark.parametrize("number", range({each}))
def test_it(number):
    with RAN.open("a") as file:
        file.write(f"{module} {{number}} {{os.getpid()}} {{os.environ['PYTEST_XDIST_WORKER']}}\\n")
    time.sleep(0.2)
    if number == 7:
        pytest.skip("not today")
    assert number != 3
"""


def expected() -> dict[str, str]:
    """Return what bare pytest says of these tests."""
    said = {3: "failed", 7: "skipped"}
    return {f"e2e/test_{m}.py::test_it[{n}]": said.get(n, "passed") for m in range(MODULES) for n in range(EACH)}


def ran(folder: Path) -> list[tuple[str, int, str]]:
    """Return each beginning of a test: its node id, its process and its worker's name."""
    file = folder / "ran"
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [(f"e2e/test_{module}.py::test_it[{number}]", int(pid), worker) for module, number, pid, worker in lines]


def results(folder: Path) -> list[Result]:
    """Return what step suite wrote down."""
    return read_results(next(folder.glob("state/loops/*/cycle-*/results.jsonl")))


def summary(folder: Path) -> SuiteRun:
    """Return what step suite left behind."""
    return SuiteRun.model_validate_json((folder / "summary.json").read_bytes())


def start(folder: Path, environment: dict[str, str], *shards: str) -> subprocess.Popen[str]:
    """Run the suite of the show in a process of its own."""
    command = [sys.executable, "-m", "tests.flows.shard_show", str(folder), *shards]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


def wait_for_tests(folder: Path, process: subprocess.Popen[str], number: int) -> list[int]:
    """Wait until so many tests began; return the processes they ran in."""
    until = time.monotonic() + 180
    while len(ran(folder)) < number:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)
    return [pid for _, pid, _ in ran(folder)]


def world(folder: Path, **shards: str) -> tuple[Workshop, SuiteOrder]:
    """Lay out a checkout and say what to run."""
    settings = parse(
        "services: {app: {source: a, image: r.test/a}}\n"
        f"suite: {{path: e2e, workers: 4, breaker_s: 0, reruns: 0, shards: {json.dumps(shards)}}}"
    )
    shop = Workshop(Run(loop="show", cycle=1, commit="c", root=str(folder), state=str(folder / "state")), settings)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)  # noqa: S607 - wherever git is
    tests = shop.folder / "checkout" / "e2e"
    tests.mkdir(parents=True)
    for module in range(MODULES):
        (tests / f"test_{module}.py").write_text(TESTS.format(module=module, each=EACH))
    order = SuiteOrder(
        run_id="show/1",
        root=str(tests.parent),
        path="e2e",
        python=sys.executable,
        workers=4,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "RAN": str(folder / "ran")},
        hosts=("127.0.0.1:9",),
        folder=str(shop.folder / "suite"),
        deadline_s=240,
        test_timeout_s=30,
    )
    return shop, order


@task
def run_in_shards(folder: str, shards: dict[str, str]) -> None:
    """Do what step suite does."""
    shop, order = world(Path(folder), **shards)
    summary = run_or_keep(shop, order, {})
    (Path(folder) / "summary.json").write_text(summary.model_dump_json())


@flow(name="shard-show")
def show(folder: str, shards: dict[str, str]) -> None:
    """Run them inside of a flow run, as a cycle does."""
    run_in_shards(folder, shards)


if __name__ == "__main__":
    show(sys.argv[1], dict(argument.split("=", 1) for argument in sys.argv[2:]))
