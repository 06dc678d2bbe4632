"""One Prefect server for all tests that need one: starting it takes half a minute."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.flows.processes import end
from untilgreen.adapters import prefect_server


@pytest.fixture(scope="session")
def prefect_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run a Prefect server; return the environment that reaches it."""
    home = tmp_path_factory.mktemp("prefect")
    before = {name: os.environ.pop(name, None) for name in ("UNTILGREEN_HOME", "PREFECT_API_URL")}
    os.environ["UNTILGREEN_HOME"] = str(home)
    prefect_server.start()
    process = prefect_server._started.pop(home)
    try:
        api = prefect_server.wait()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTEST_"))}
        yield {**kept, **prefect_server.QUIET, "PREFECT_API_URL": api, "PREFECT_HOME": str(home / "client")}
    finally:
        end(process)
        del os.environ["UNTILGREEN_HOME"]
        os.environ.update({name: value for name, value in before.items() if value is not None})
