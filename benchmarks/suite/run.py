"""What proof costs: 1000 I/O-bound tests under untilgreen, under xdist with as many workers, and one after another.

Run it as `python benchmarks/suite/run.py`. Prints wall and CPU seconds of each and ratios with their spread.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOrder

ANSWER_S = 0.005

CONFTEST = """
import os, httpx, pytest

@pytest.fixture(scope="session")
def api():
    with httpx.Client(base_url=os.environ["URL"]) as client:
        yield client
"""

TESTS = """
import pytest

@pytest.mark.parametrize("n", range({count}))
def test_answer(api, n):
    answer = api.get(f"/items/{{n}}")
    assert answer.status_code == 200
    assert answer.json() == {{"item": n}}
"""


class Unheard:
    """Watches nothing: only time counts."""

    def collected(self, total: int) -> None:
        """Do nothing."""

    def finished(self, nodeid: str, outcome: Outcome) -> None:
        """Do nothing."""


async def item(request: web.Request) -> web.Response:
    """Answer after the time that a small service takes."""
    await asyncio.sleep(ANSWER_S)
    return web.json_response({"item": int(request.match_info["n"])})


def serve(address: multiprocessing.Queue[str]) -> None:
    """Run the service, and tell where."""

    async def forever() -> None:
        app = web.Application()
        app.router.add_get("/items/{n}", item)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address.put(site._server.sockets[0].getsockname()[1])  # noqa: SLF001 - aiohttp tells its port nowhere else
        await asyncio.Event().wait()

    asyncio.run(forever())


def bare(folder: Path, url: str, *args: str) -> None:
    """Run pytest as a user would."""
    env = {**os.environ, "URL": url}
    subprocess.run([sys.executable, "-m", "pytest", "-q", *args, "e2e"], cwd=folder, env=env, check=True, stdout=-3)


def ours(folder: Path, url: str, tests: int, workers: int) -> None:
    """Run the suite with proof, and make sure that there is proof."""
    order = SuiteOrder(
        run_id="benchmark",
        root=str(folder),
        path="e2e",
        python=sys.executable,
        workers=workers,
        env={"URL": url},
        hosts=(url.removeprefix("http://"),),
        folder=str(folder / "suite"),
        deadline_s=600,
        test_timeout_s=60,
    )
    output = PytestSuite().run(order, Unheard())
    proven = [a for a in output.attempts.values() if a.sighting and a.sighting.bytes_received and a.sighting.assertions]
    if len(proven) != tests:
        raise SystemExit(f"only {len(proven)} of {tests} tests were witnessed")


def measured(run: Callable[[], None]) -> tuple[float, float]:
    """Return wall and CPU seconds of a run."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run()
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begun
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure in turns, so that a busy moment hits all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # without compiled files the peer would compile once a worker
    address: multiprocessing.Queue[str] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(address,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{address.get()}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "e2e").mkdir()
        (folder / "e2e" / "conftest.py").write_text(CONFTEST)
        (folder / "e2e" / "test_items.py").write_text(TESTS.format(count=asked.tests))
        ways: dict[str, Callable[[], None]] = {
            "untilgreen, with proof": lambda: ours(folder, url, asked.tests, asked.workers),
            f"pytest-xdist -n {asked.workers}": lambda: bare(folder, url, "-n", str(asked.workers)),
            "pytest, one after another": lambda: bare(folder, url),
        }
        times = {way: [] for way in ways}
        for _ in range(asked.rounds):
            for way, run in ways.items():
                times[way].append(measured(run))
    server.terminate()
    tell(times)


def tell(times: dict[str, list[tuple[float, float]]]) -> None:
    """Print each way, and ratios to the first."""
    first = [wall for wall, _ in next(iter(times.values()))]
    for way, runs in times.items():
        walls, cpus = [wall for wall, _ in runs], [cpu for _, cpu in runs]
        ratios = sorted(own / wall for own, wall in zip(first, walls, strict=True))
        line = f"{way:28} wall {statistics.median(walls):6.2f} s ({min(walls):.2f}-{max(walls):.2f})"
        line += f"  CPU {statistics.median(cpus):6.2f} s  untilgreen takes {statistics.median(ratios):.2f}x"
        print(f"{line} ({ratios[0]:.2f}-{ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
