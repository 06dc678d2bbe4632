"""Runs the loop in this process, against a Prefect server that anybody can watch."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

from untilgreen.adapters import prefect_login, prefect_server
from untilgreen.adapters.console import ConsoleNarrator
from untilgreen.approval.answer import Answer
from untilgreen.approval.request import ApprovalRequest
from untilgreen.errors import EnvironmentTaken, ServerUnavailable
from untilgreen.ledger import Ledger
from untilgreen.model.cycle import Loop, Stop
from untilgreen.project import project
from untilgreen.signing import signed
from untilgreen.wiring import STATE, asked_by, narrated_by, open_history, read_settings

QUIET = {
    **prefect_server.QUIET,
    # What the steps log is shown beside the run in the UI.
    "PREFECT_LOGGING_EXTRA_LOGGERS": "untilgreen",
}

_SERVERS_OWN = frozenset({"prefect", "httpx", "httpcore"})
"""Whose errors tell that the server went away, or that another one answers in its place."""
_LOST = (
    "{api}: the Prefect server went away or was replaced: {error}. `untilgreen resume` goes on where the loop stopped."
)


def run_loop(narrator: ConsoleNarrator, **request: Any) -> Loop:
    """Run one loop to its end.

    Args:
        narrator: who tells the user what happens.
        request: the fields of `flows.loop.Request`; `repository` and `loop` must be among them.

    Returns:
        The loop as the ledger has it.

    Raises:
        UntilgreenError: the loop could not go on; the ledger keeps what had finished.
        KeyboardInterrupt: the user, or SIGTERM, ended it; likewise.
    """
    root = Path(request["repository"])
    history = open_history(root)  # a wrong folder or a wrong file is said at once, not after a server was started
    read_settings(history, history.resolve(request.get("revision") or "HEAD"))
    connect(narrator)
    ledger = Ledger(root / STATE, request["loop"])

    def ask(text: str, request: ApprovalRequest) -> Answer:
        return signed(request, narrator.ask(text, request))

    attended = asked_by(ask) if sys.stdin.isatty() and sys.stderr.isatty() else nullcontext()
    with narrated_by(narrator), attended:
        try:
            _run_flow(request, ledger)
        except BaseException as error:
            _keep_end(ledger, error)
            if type(error).__module__.partition(".")[0] in _SERVERS_OWN:
                raise ServerUnavailable(_LOST.format(api=os.environ["PREFECT_API_URL"], error=error)) from error
            raise
    return ledger.read()


def connect(narrator: ConsoleNarrator) -> str:
    """Find or start the Prefect server and point this process at it; return where to watch."""
    os.environ.update(QUIET)
    api = prefect_server.find()
    if not api:
        narrator.say("prefect", "starting a server of our own; the first start takes up to 40 s")
        prefect_server.start()
        api = prefect_server.wait()
    os.environ.update({"PREFECT_API_URL": api, **prefect_login.ours(os.environ)})
    prefect_login.admitted(api)
    os.environ.setdefault("PREFECT_HOME", str(prefect_server.home() / "prefect"))
    page = api.removesuffix("/api")
    narrator.say("prefect", f"watch the run at {page}")
    return page


def _run_flow(request: dict[str, Any], ledger: Ledger) -> None:
    loop = _load_loop()
    _silence_console()
    _interrupted.clear()
    previous = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        state = loop.until_green(loop.Request(**request), return_state=True)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if not ledger.ended and _interrupted.is_set():  # a library, such as DuckDB, may have made another error of it
        raise KeyboardInterrupt
    if not ledger.ended and isinstance(error := state.result(raise_on_failure=False), BaseException):
        raise error


def _load_loop() -> Any:
    """Import flows/loop.py of our project, never the caller's own flows/."""
    sys.path.insert(0, str(project()))
    try:
        return importlib.import_module("flows.loop")
    finally:
        sys.path.remove(str(project()))


def _silence_console() -> None:
    """Keep Prefect's lines for its UI: in the terminal our own lines say the same, once and without tracebacks."""
    for name in (None, *logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if type(handler).__name__ == "PrefectConsoleHandler":
                logger.removeHandler(handler)
                # Without any handler Python would print warnings by itself.
                logger.addHandler(logging.NullHandler())


_interrupted = threading.Event()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    _interrupted.set()
    raise KeyboardInterrupt


def _keep_end(ledger: Ledger, error: BaseException) -> None:
    """Write why the loop ended, if it had begun; whom another one keeps out, or turned out, has not ended."""
    if not ledger.begun or isinstance(error, EnvironmentTaken):
        return
    interrupted = isinstance(error, KeyboardInterrupt)
    ledger.close(Stop.INTERRUPTED if interrupted else Stop.ERROR, "interrupted" if interrupted else str(error))
