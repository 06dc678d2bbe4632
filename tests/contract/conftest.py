"""One emulator for all contract tests of the ports in a session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.moon import Moon, rise


@pytest.fixture(scope="session")
def moon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moon]:
    """Start an emulator for the session."""
    with rise(tmp_path_factory.mktemp("moon"), tmp_path_factory.mktemp) as risen:
        yield risen
