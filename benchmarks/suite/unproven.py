"""A pytest plugin: the forked workers of untilgreen without any of its proof, as a peer to measure what proof costs."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

# The package's own beginning would patch every client; its workers are wanted without that.
_package = types.ModuleType("untilgreen_witness")
_package.__path__ = [os.environ["WITNESS"]]
sys.modules["untilgreen_witness"] = _package


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Let the pool run the tests, and write nothing down."""
    from untilgreen_witness.order import ORDER, Events  # noqa: PLC0415 - found by the path that is set above
    from untilgreen_witness.pool import Pool  # noqa: PLC0415 - as above

    config.pluginmanager.register(Pool(Events(os.devnull), Path(ORDER["folder"])), "_untilgreen_pool")
