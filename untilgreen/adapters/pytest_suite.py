"""Runs the user's tests with the user's own interpreter, and loses nothing of what they reported.

The witness inside writes one JSON line for everything that happens; this side starts the process, follows that file,
and ends the process when its time is over. Whatever happens to either, `read_output` makes the result from the files.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from untilgreen.adapters.pytest_events import Account
from untilgreen.adapters.pytest_redaction import scrub_files
from untilgreen.errors import SuiteCrashed
from untilgreen.ports import Halt, Redaction, SuiteOrder, SuiteOutput, Watcher, never
from untilgreen.redaction import Redactor

WITNESS = Path(__file__).parents[1] / "witness"
"""Holds nothing but the witness, so that the tests' environment sees nothing else of ours."""
EVENTS, OUTPUT, ORDER, EXIT = "events.jsonl", "pytest.out", "order.json", "exit_code"

POLL_S = 0.05
PATIENCE_S = 60.0
"""A test may be silent for its own time-out; collecting a large suite on a busy machine needs a little more."""
STOP_GRACE_S = 8.0
"""pytest tears fixtures down after SIGINT; then it has had its chance."""
OUTPUT_LIMIT = 16_000_000
TAIL = 4_000
NOTHING_COLLECTED = 5
"""pytest's exit code when it looked everywhere and found no test."""

_CONFIG = {
    "pytest.toml": "",
    ".pytest.toml": "",
    "pytest.ini": "",
    ".pytest.ini": "",
    "pyproject.toml": "[tool.pytest",
    "tox.ini": "[pytest]",
    "setup.cfg": "[tool:pytest]",
}
"""Where pytest finds its options, and by what it knows that they are its own."""

_NOT_INHERITED = (
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "PYTEST_CURRENT_TEST",
    "PYTEST_VERSION",
    "__PYVENV_LAUNCHER__",
)
"""These describe our own interpreter; the tests have another."""


class PytestSuite:
    """Runs pytest in a process group of its own.

    Args:
        patience_s: how long, beyond the time-out of one test, nothing may happen.
        redaction: takes secrets out of what tests print; left out, whatever looks like a credential.
    """

    def __init__(self, patience_s: float = PATIENCE_S, redaction: Redaction | None = None) -> None:
        self._patience_s = patience_s
        self._redaction = redaction or Redactor()

    def run(self, order: SuiteOrder, watcher: Watcher, halt: Halt = never) -> SuiteOutput:
        """Run the tests of an order and tell the watcher what happens.

        Raises:
            SuiteCrashed: pytest ended before it had collected anything.
            KeyboardInterrupt: the user, or SIGTERM, stopped it; `recover` gives what had finished.
        """
        folder = Path(order.folder)
        command = _prepare(order, folder)
        account = Account(order)
        with _terminated_as_interrupted(), (folder / OUTPUT).open("ab") as output:
            process = _start(order, command, output)
            try:
                _follow(process, order, account, watcher, halt, order.test_timeout_s + self._patience_s)
            except BaseException:
                _tell_stop(folder, "it was interrupted")
                raise
            finally:
                _end(process)
                (folder / EXIT).write_text(str(process.returncode))
                scrub_files(folder, EVENTS, self._redaction)
        return read_output(order)

    def recover(self, order: SuiteOrder) -> SuiteOutput:
        """Return what an interrupted run had finished."""
        scrub_files(Path(order.folder), EVENTS, self._redaction)
        return read_output(order)


def read_output(order: SuiteOrder) -> SuiteOutput:
    """Make the output from the files that a run left behind, however it ended.

    Raises:
        SuiteCrashed: nothing was collected.
    """
    folder = Path(order.folder)
    account = Account(order)
    if (folder / EVENTS).exists():
        account.read((folder / EVENTS).read_bytes())
    exit_file = folder / EXIT
    code = int(exit_file.read_text()) if exit_file.exists() else None
    tail = _tail(folder / OUTPUT)
    if not account.usable and code != NOTHING_COLLECTED:
        how = account.stopped or f"it ended with exit code {code}"
        raise SuiteCrashed(
            f"{order.python} -m pytest {order.path} collected nothing: {how}. "
            f"Run it by hand in {order.root}. Its last words:\n{tail}"
        )
    return account.output(_command(order), code, tail)


def _prepare(order: SuiteOrder, folder: Path) -> tuple[str, ...]:
    """Lay out the folder: the order, and nothing of an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (EVENTS, OUTPUT, EXIT):
        (folder / name).unlink(missing_ok=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    fields = order.model_dump(mode="json", include={"run_id", "attempt", "hosts", "workers", "only", "test_timeout_s"})
    root, tests = Path(order.root).resolve(), Path(order.root, order.path).resolve()
    beside = str(tests if tests.is_dir() else tests.parent)
    paths = {"root": str(root), "tests": beside, "events": str(folder / EVENTS), "folder": str(folder)}
    (folder / ORDER).write_text(json.dumps({**fields, **paths}))
    return _command(order)


def _command(order: SuiteOrder) -> tuple[str, ...]:
    quiet = ("-q", "--no-header", "--color=no", "-o", "console_output_style=classic")
    complete = ("--maxfail=0", "--continue-on-collection-errors")
    apart = ("-o", f"cache_dir={Path(order.folder, 'cache')}", *_configuration(order))
    witnessed = (order.python, "-m", "pytest", "-p", "untilgreen_witness")
    return (*witnessed, *quiet, *complete, *apart, *order.args, order.path)


def _configuration(order: SuiteOrder) -> tuple[str, ...]:
    """Keep pytest from looking above the checkout: it often lies inside another project, whose options are not its own.

    Node ids then start at the checkout in every cycle, wherever it lies.
    """
    root, tests = Path(order.root).resolve(), Path(order.root, order.path).resolve()
    folders = [folder for folder in (tests, *tests.parents) if folder.is_relative_to(root)]
    files = [folder / name for folder in folders for name in _CONFIG]
    if any(file.is_file() and _CONFIG[file.name] in file.read_text(errors="replace") for file in files):
        return ()
    return ("-c", str(Path(order.folder, "pytest.ini")), f"--rootdir={root}", f"--confcutdir={root}")


def _start(order: SuiteOrder, command: tuple[str, ...], output: Any) -> subprocess.Popen[bytes]:
    """Start pytest as the leader of its own session.

    Raises:
        SuiteCrashed: there is no such interpreter or folder.
    """
    env = {
        name: value for name, value in os.environ.items() if name not in _NOT_INHERITED and "PYTEST_XDIST" not in name
    }
    env |= order.env
    paths = [str(WITNESS), *filter(None, [order.env.get("PYTHONPATH")])]
    env |= {"PYTHONPATH": os.pathsep.join(paths), "UNTILGREEN_ORDER": str(Path(order.folder, ORDER))}
    try:
        return subprocess.Popen(  # noqa: S603 - the interpreter and the tests are the user's own
            command,
            cwd=order.root,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise SuiteCrashed(f"{command[0]} in {order.root} cannot be started: {error}. Set suite.python.") from None


def _follow(
    process: subprocess.Popen[bytes],
    order: SuiteOrder,
    account: Account,
    watcher: Watcher,
    halt: Halt,
    silence_s: float,
) -> None:
    """Read events as they come, until the process ends or must be ended."""
    folder = Path(order.folder)
    begun = heard = time.monotonic()
    with (folder / EVENTS).open("ab+") as events:
        events.seek(0)
        while True:
            code = process.poll()
            data = events.read()
            if data:
                heard = time.monotonic()
                account.read(data, watcher)
            if code is not None and not data:
                break
            now = time.monotonic()
            if why := halt():
                _tell_stop(folder, why)
                break
            if now - begun > order.deadline_s:
                _tell_stop(folder, f"the deadline of {order.deadline_s:g} s was over")
                break
            if now - heard > silence_s:
                _tell_stop(folder, f"nothing happened for {now - heard:.0f} s")
                break
            _bound(folder / OUTPUT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(POLL_S)


def _tell_stop(folder: Path, why: str) -> None:
    """Write down why a run ends before its time, where whoever reads the results will see it."""
    with (folder / EVENTS).open("ab") as events:
        events.write(json.dumps({"event": "stop", "why": why}).encode() + b"\n")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the runner to stop, then make sure that nothing of its group stays."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_GRACE_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _bound(file: Path) -> None:
    """Keep only the tail of an output that grows without end."""
    if file.stat().st_size > OUTPUT_LIMIT:
        tail = _tail(file)
        os.truncate(file, 0)
        with file.open("a") as again:
            again.write(f"... left out ...\n{tail}")


def _tail(file: Path) -> str:
    """Return the last words of a file that may be large."""
    if not file.exists():
        return ""
    with file.open("rb") as text:
        text.seek(max(0, file.stat().st_size - TAIL))
        return text.read().decode("utf-8", "replace").strip()


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Make SIGTERM raise KeyboardInterrupt meanwhile, where nobody else handles it, so that the group is ended."""
    free = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not free:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
