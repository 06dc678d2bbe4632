"""One emulator for all fault tests of a session, and a project on it for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import environment, home, project, untilgreen
from tests.faults.site import Site
from untilgreen.adapters.local_cloud import LocalCloud, running

__all__ = ["environment", "home", "project", "untilgreen"]
"""The command line and a project for it, as the acceptance tests have them."""


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emulator")


@pytest.fixture(scope="session")
def cloud(state: Path) -> Iterator[LocalCloud]:
    with running(state) as started:
        yield started


@pytest.fixture
def site(cloud: LocalCloud, state: Path, tmp_path: Path) -> Site:
    """Return a project that nobody else uses."""
    return Site(cloud, state, tmp_path / "shop")
