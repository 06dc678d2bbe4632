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
from .pool import Crashed, Pool, use_xdist
from .recorder import Recorder, Session
from .sight import DEPLOYED
from .watchdog import Watchdog, dump_file
from .worker import die_with_parent, why_not_fork


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Begin to watch."""
    if not ORDER:
        return
    config.option.collectonly = config.option.collectonly or ORDER["collect_only"]
    inner = hasattr(config, "workerinput")  # an xdist worker: its controller reports the session
    events, folder = Events(ORDER["events"]), Path(ORDER["folder"])
    config.pluginmanager.register(Recorder(events, KERNEL, inner=inner), "_untilgreen_recorder")
    config.pluginmanager.register(Session(events, inner=inner), "_untilgreen_session")
    if inner:
        config.pluginmanager.register(
            Watchdog(dump_file(folder, config.workerinput["workerid"])), "_untilgreen_watchdog"
        )
        return
    events.write(
        "start", python=sys.version.split()[0], pytest=pytest.__version__, executable=sys.executable, pid=os.getpid()
    )
    why = ORDER["why"] if ORDER["mode"] == "xdist" else "" if hasattr(os, "fork") else why_not_fork()
    if why and ORDER["mode"] != "serial" and not config.option.collectonly and config.pluginmanager.hasplugin("xdist"):
        use_xdist(config)
        config.pluginmanager.register(Crashed(events, folder), "_untilgreen_crashed")
        events.write("mode", mode="xdist", note=why)
        return
    ORDER["dist"] = getattr(config.option, "dist", "")
    config.option.dist, config.option.tx, config.option.numprocesses = "no", [], None
    config.pluginmanager.register(Pool(events, folder), "_untilgreen_pool")


if ORDER:
    die_with_parent()
    KERNEL = (Kernel if kernel_counts() else Counted)(DEPLOYED)
    patch_rewriting()
    patch_clients()
    patch_monkeypatch()
    patch_raises()
