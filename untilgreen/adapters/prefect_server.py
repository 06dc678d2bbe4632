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
from collections.abc import Callable
from pathlib import Path

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


def home() -> Path:
    """Return where the server keeps its database and log: `$UNTILGREEN_HOME`, else `~/.untilgreen`."""
    return Path(os.environ.get("UNTILGREEN_HOME") or Path.home() / ".untilgreen")


def find() -> str:
    """Return the API address of a server that answers, or an empty text.

    A server named by PREFECT_API_URL goes before our own.
    """
    for api in (os.environ.get("PREFECT_API_URL", ""), _remembered()):
        if api and _answers(api):
            return api
    return ""


def start() -> subprocess.Popen[bytes]:
    """Start our server in a session of its own, so that it outlives this run."""
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    port = PORT if _free(PORT) else _any_port()
    api = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, **QUIET, "PREFECT_HOME": str(folder / "prefect")}
    environment.pop("PREFECT_API_URL", None)
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    write_whole(folder / "server.json", json.dumps({"api": api, "pid": process.pid}))
    return process


def wait(process: subprocess.Popen[bytes], waiting: Callable[[float], None], patience_s: float = 120) -> str:
    """Wait until the server answers.

    Args:
        process: what `start` returned.
        waiting: called with the seconds so far, about once a second.
        patience_s: a first start creates the database and took up to 40 s on two slow cores.

    Raises:
        ServerUnavailable: it ended, or patience did.
    """
    api, begun = _remembered(), time.monotonic()
    while (so_far := time.monotonic() - begun) < patience_s:
        if _answers(api):
            return api
        if process.poll() is not None:
            break
        waiting(so_far)
        time.sleep(0.25)
    log = home() / "server.log"
    raise ServerUnavailable(f"{api}: the Prefect server does not answer. Read {log}, or set PREFECT_API_URL to one.")


def _remembered() -> str:
    try:
        api: str = json.loads((home() / "server.json").read_text())["api"]
    except (OSError, ValueError, KeyError):
        return ""
    return api


def _answers(api: str) -> bool:
    try:
        return httpx.get(f"{api}/health", timeout=2).is_success
    except httpx.HTTPError:
        return False


def _free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
