"""A small project of its own: one service of the standard library, a few tests, any fault that a test asks for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.shop_project import FILES, Done, Project, commit


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the Prefect server of this test session a home, and end it afterwards."""
    import json  # noqa: PLC0415 - only here
    import signal  # noqa: PLC0415 - only here

    folder = tmp_path_factory.mktemp("home")
    yield folder
    server = folder / "server.json"
    if server.exists():
        os.killpg(json.loads(server.read_text())["pid"], signal.SIGTERM)


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """Return the environment of a user who has nothing but untilgreen."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "PYTEST_"))}
    return {**kept, "UNTILGREEN_HOME": str(home)}


@pytest.fixture
def untilgreen(environment: dict[str, str]) -> Callable[..., Done]:
    """Return the command line."""

    def call(*arguments: str | Path) -> Done:
        command = [sys.executable, "-m", "untilgreen", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)
        return Done(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a maker of committed projects, with some files changed or, with None, left out."""

    def make(**changes: str | None) -> Path:
        root = tmp_path / "shop"
        for path, content in {**FILES, **changes}.items():
            if content is not None:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(content)
        commit(root, "begin")
        return root

    return make
