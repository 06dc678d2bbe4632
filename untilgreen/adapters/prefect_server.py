"""A Prefect server of our own: found if it runs, started if not, kept for the next run.

A server that Prefect starts by itself for one run needs up to 40 s, and prints tracebacks when it ends.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import httpx

from untilgreen.errors import ServerUnavailable
from untilgreen.ledger import write_whole

PORT = 4270
"""Not Prefect's 4200: a server that the user started for something else stays theirs."""

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # Without it a server on another port shows a blank page that calls port 4200.
    "PREFECT_SERVER_UI_API_URL": "/api",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "PREFECT_CLI_PROMPT": "false",
}


_started: dict[Path, subprocess.Popen[bytes]] = {}
"""Servers that this process started, by their home. They outlive it."""


def home() -> Path:
    """Return where the server keeps its database and log: `$UNTILGREEN_HOME`, else `~/.untilgreen`."""
    return Path(os.environ.get("UNTILGREEN_HOME") or Path.home() / ".untilgreen")


def find() -> str:
    """Return the API address of a server that answers, or an empty text.

    A server named by PREFECT_API_URL goes before our own.
    """
    remembered = _remembered()
    for api in (os.environ.get("PREFECT_API_URL", ""), remembered.api):
        if api and _answers(api):
            return api
    return ""


def start(port: int = 0) -> int:
    """Start our server in a session of its own, so that it outlives this run; never a second one beside it.

    Args:
        port: 0 takes the usual one, or any when that is taken.

    Returns:
        Its process.
    """
    if _alive(pid := _remembered().pid):
        return pid
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    port = port or (PORT if free(PORT) else _any_port())
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, **QUIET, "PREFECT_HOME": str(folder / "prefect")}
    environment.pop("PREFECT_API_URL", None)
    with (folder / "server.log").open("ab") as log:
        _started[folder] = process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    record = _Server(api=f"http://127.0.0.1:{port}/api", pid=process.pid)
    write_whole(folder / "server.json", json.dumps(record._asdict()))
    return process.pid


def wait(patience_s: float = 120) -> str:
    """Wait until the server that was started answers.

    Args:
        patience_s: a first start creates the database and took up to 40 s on two slow cores.

    Raises:
        ServerUnavailable: it ended, or patience did.
    """
    server, begun = _remembered(), time.monotonic()
    while time.monotonic() - begun < patience_s and _alive(server.pid):
        if _answers(server.api):
            return server.api
        time.sleep(0.25)
    log = home() / "server.log"
    raise ServerUnavailable(
        f"{server.api}: the Prefect server does not answer. Read {log}, or set PREFECT_API_URL to one that does."
    )


class _Server(NamedTuple):
    """What is remembered of our server; pid 0 when there is none."""

    api: str = ""
    pid: int = 0


def _remembered() -> _Server:
    try:
        return _Server(**json.loads((home() / "server.json").read_text()))
    except (OSError, ValueError, TypeError):
        return _Server()


def _alive(pid: int) -> bool:
    """Tell whether a process runs; a child of ours is asked itself, for a dead one keeps its number until then."""
    if mine := next((process for process in _started.values() if process.pid == pid), None):
        return mine.poll() is None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _answers(api: str) -> bool:
    try:
        return httpx.get(f"{api}/health", timeout=2).is_success
    except httpx.HTTPError:
        return False


def free(port: int) -> bool:
    """Tell whether nothing listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
