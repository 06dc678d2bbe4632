"""What a user gets: the wheel in an environment of its own, in a folder that has its own tasks/ and flows/."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install a wheel of this checkout by pyproject.toml alone, without the lock; return the environment's bin."""
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "venv", str(place / "venv")], check=True)
    pip = [str(place / "venv/bin/python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(place), str(ROOT)], check=True, timeout=300)
    (wheel,) = place.glob("*.whl")
    subprocess.run([*pip, "install", str(wheel)], check=True, timeout=900)
    return place / "venv/bin"


@pytest.fixture
def environment(installed: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return a user's environment, and end the server that was started in it."""
    home = tmp_path / "home"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "PYTEST_", "VIRTUAL_ENV"))}
    yield {**kept, "UNTILGREEN_HOME": str(home), "PATH": f"{installed}:{kept['PATH']}"}
    if (home / "server.json").exists():
        os.killpg(json.loads((home / "server.json").read_text())["pid"], signal.SIGTERM)


def test_the_demo_runs_beside_a_users_own_rooms(installed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """A user's own tasks/ and flows/ are never taken for ours, and the demo becomes green from the wheel alone."""
    mine = tmp_path / "mine"
    for room in ("tasks", "flows"):
        (mine / room).mkdir(parents=True)
        (mine / room / "__init__.py").write_text(f"raise ImportError('{room} of the user')\n")
    done = subprocess.run(
        [str(installed / "untilgreen"), "demo", "--json"],
        cwd=mine,
        env=environment,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["stop"] == "green"
    assert not (mine / "flows" / "__pycache__").exists()
