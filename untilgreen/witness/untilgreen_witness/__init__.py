"""The witness: runs inside the user's own pytest, sees what each test does, and writes it down at once.

It is injected (`PYTHONPATH=<its folder> pytest -p untilgreen_witness`) into environments that know nothing of
untilgreen: any Python from 3.9, any pytest from 7, nothing else. Without `UNTILGREEN_ORDER` it does nothing.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from .asserts import patch_raises, patch_rewriting
from .imports import patch_clients
from .kernel import Counted, Kernel, kernel_counts
from .mocks import patch_monkeypatch
from .order import ORDER, Events
from .pool import Pool
from .recorder import Recorder, Session
from .sight import DEPLOYED
from .worker import die_with_parent, why_not_fork


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Begin to watch."""
    if not ORDER:
        return
    inner = hasattr(config, "workerinput")  # an xdist worker: its controller reports the session
    events = Events(ORDER["events"])
    config.pluginmanager.register(Recorder(events, KERNEL), "_untilgreen_recorder")
    config.pluginmanager.register(Session(events, inner=inner), "_untilgreen_session")
    reason = why_not_fork()
    if not inner and not reason:
        ORDER["dist"] = getattr(config.option, "dist", "")
        config.option.dist, config.option.tx, config.option.numprocesses = "no", [], None
    if not inner and getattr(config.option, "dist", "no") in ("no", ""):
        config.pluginmanager.register(Pool(events, Path(ORDER["folder"])), "_untilgreen_pool")
    elif not inner:
        events.write("mode", mode="xdist", note=reason)
    events.write(
        "start", python=sys.version.split()[0], pytest=pytest.__version__, executable=sys.executable, pid=os.getpid()
    )


if ORDER:
    die_with_parent()
    KERNEL = (Kernel if kernel_counts() else Counted)(DEPLOYED)
    patch_rewriting()
    patch_clients()
    patch_monkeypatch()
    patch_raises()
