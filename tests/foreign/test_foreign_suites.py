"""Suites that nobody here wrote, run by us and by bare pytest: the same outcomes, test by test.

Each suite gets an environment of its own from the package index. What bare pytest says is read from the log of
pytest-reportlog, so neither our events nor our reading of them is on that side.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOrder, SuiteOutput
from untilgreen.suite.outcomes import conclude

pytestmark = pytest.mark.slow

HTTPBIN_ELSEWHERE = """
import os
from types import SimpleNamespace
import pytest

@pytest.fixture(scope="session")
def httpbin():
    return SimpleNamespace(url=os.environ["HTTPBIN"])
"""
"""Lets a suite written for pytest-httpbin talk to a real server; its own conftest builds on this fixture."""


@dataclass(frozen=True)
class Foreign:
    """A published suite and what it needs.

    Attributes:
        sdist: name and version of the source distribution that holds it.
        needs: what to install beside the distribution itself.
        path: where its tests are.
        at_least: so many tests must pass, or the comparison compares nothing.
        args: handed to pytest on both sides.
        conftest: written beside it; empty for nothing.
        workers: how many run its tests side by side under untilgreen.
    """

    sdist: str
    needs: tuple[str, ...]
    path: str
    at_least: int
    args: tuple[str, ...] = ()
    conftest: str = ""
    workers: int = 8


SUITES = {
    "requests": Foreign(
        sdist="requests==2.34.2",
        needs=("PySocks", "pytest-httpbin==2.1.0", "pytest-mock", "trustme"),
        path="tests",
        args=("-k", "not connect_timeout"),  # those dial an address off this machine
        at_least=500,
        conftest=HTTPBIN_ELSEWHERE,
    ),
    "httpbin": Foreign(sdist="httpbin==0.10.4", needs=(), path="tests", at_least=60),
    "starlette": Foreign(
        sdist="starlette==1.10.0",
        needs=(
            *("httpx2[zstd]>=2", "httpx", "itsdangerous", "jinja2", "python-multipart", "pyyaml", "trio"),
            *("blockbuster", "opentelemetry-sdk", "pytest-codspeed"),
        ),
        path="tests",
        at_least=500,
    ),
    "httpx": Foreign(
        sdist="httpx==0.28.1",
        needs=(
            *("h2", "socksio", "brotli", "zstandard", "click", "pygments", "rich"),
            *("chardet", "trio", "trustme", "uvicorn", "cryptography"),
        ),
        path="tests",
        at_least=1000,
        workers=1,  # its server has a fixed port
    ),
}


@pytest.fixture(scope="module")
def httpbin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve httpbin under gunicorn, in processes of its own."""
    python = environment(tmp_path_factory.mktemp("gunicorn"))
    install(python, "httpbin==0.10.4", "gunicorn")
    with serving(python) as url:
        yield url


@contextmanager
def serving(python: Path) -> Iterator[str]:
    """Start gunicorn, wait until it answers, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [str(python), "-m", "gunicorn", "-b", address, "-w", "2", "--threads", "8", "httpbin:app"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                httpx.get(f"http://{address}/get")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(20)


def environment(folder: Path) -> Path:
    """Make an environment and return its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    return folder / "env" / "bin" / "python"


def install(python: Path, *packages: str) -> None:
    """Put packages into an environment."""
    subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True, capture_output=True)


def unpacked(python: Path, folder: Path, sdist: str) -> Path:
    """Fetch a source distribution and return where its files are."""
    command = [
        str(python),
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--no-binary",
        ":all:",
        "-d",
        str(folder),
        sdist,
    ]
    subprocess.run(command, check=True, capture_output=True)
    archive = next(folder.glob("*.tar.gz"))
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    return next(entry for entry in folder.iterdir() if entry.is_dir() and entry.name != "env")


@pytest.mark.parametrize("name", SUITES)
def test_same_outcomes(name: str, httpbin: str, tmp_path: Path) -> None:
    """A published suite has the same outcomes under untilgreen as under bare pytest, test by test."""
    foreign = SUITES[name]
    python = environment(tmp_path)
    root = unpacked(python, tmp_path, foreign.sdist)
    install(python, str(root), "pytest", "pytest-reportlog", *foreign.needs)
    if foreign.conftest:
        (root / "conftest.py").write_text(foreign.conftest)
    bare = by_pytest(python, root, foreign, httpbin)
    output = by_untilgreen(python, root, foreign, httpbin)
    ours = {result.nodeid: result.outcome for result in conclude([output])}
    unstable = {nodeid for nodeid in bare if bare[nodeid] != ours.get(nodeid)}
    again = by_pytest(python, root, foreign, httpbin) if unstable else bare
    different = {n: (bare[n], ours.get(n)) for n in unstable if again.get(n) == bare[n]}
    assert different == {}
    assert list(ours) == list(bare)
    assert output.exit_code == (1 if any(outcome.bad for outcome in bare.values()) else 0)
    assert Counter(bare.values())[Outcome.PASSED] >= foreign.at_least


def by_untilgreen(python: Path, root: Path, foreign: Foreign, httpbin: str) -> SuiteOutput:
    """Run it as a loop does."""
    order = SuiteOrder(
        run_id="foreign",
        root=str(root),
        path=foreign.path,
        python=str(python),
        args=foreign.args,
        workers=foreign.workers,
        env={"HTTPBIN": httpbin},
        hosts=(httpbin.removeprefix("http://"),),
        folder=str(root.parent / "ours"),
        deadline_s=900,
        test_timeout_s=120,
    )
    return PytestSuite().run(order, _Unheard())


def by_pytest(python: Path, root: Path, foreign: Foreign, httpbin: str) -> dict[str, Outcome]:
    """Run it as its authors do, and return each test's outcome in the order in which they were run."""
    log = root.parent / "report.jsonl"
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--report-log={log}", *foreign.args]
    env = {**os.environ, "HTTPBIN": httpbin}
    subprocess.run([*command, foreign.path], cwd=root, env=env, check=False, capture_output=True, timeout=900)
    phases: dict[str, dict[str, str]] = {}
    for line in log.read_text().splitlines():
        event = json.loads(line)
        if event["$report_type"] == "TestReport":
            expected = "wasxfail" in event
            phases.setdefault(event["nodeid"], {})[event["when"]] = ("x" if expected else "") + event["outcome"]
    log.unlink()
    return {nodeid: _outcome(told) for nodeid, told in phases.items()}


def _outcome(phases: dict[str, str]) -> Outcome:
    if phases.get("call") == "failed":
        return Outcome.FAILED
    if "failed" in phases.values():
        return Outcome.ERROR
    for told, outcome in (
        ("xskipped", Outcome.XFAILED),
        ("xpassed", Outcome.XPASSED),
        ("skipped", Outcome.SKIPPED),
        ("passed", Outcome.PASSED),
    ):
        if told in phases.values():
            return outcome if outcome is not Outcome.PASSED or phases.get("call") == "passed" else Outcome.LOST
    return Outcome.LOST


class _Unheard:
    """Watches nothing."""

    def collected(self, total: int) -> None:
        pass

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        pass
