"""The inside of a forked worker, and when there cannot be one."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import random
import signal
import socket
import stat
import struct
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest
from _pytest._io import TerminalWriter

from .order import ORDER


def why_not_fork() -> str:
    """Return why forking is not safe here, or nothing."""
    if not hasattr(os, "fork"):
        return "this system cannot fork"
    if threading.active_count() > 1:
        names = ", ".join(thread.name for thread in threading.enumerate() if thread is not threading.main_thread())
        return f"threads run already ({names})"
    try:
        native = sum(1 for _ in Path("/proc/self/task").iterdir()) > 1
    except OSError:
        native = False
    return "gRPC has started its own threads" if native and "grpc" in sys.modules else ""


class Post(NamedTuple):
    """What a worker is told when it is forked."""

    slot: int
    commands: int
    answers: int
    foreign: tuple[int, ...]
    """Descriptors of the pool and of other workers: held open, they would hide an end."""
    dump: Path
    """Where faulthandler writes when the worker dies."""
    basetemp: Path | None
    parent: int


def be_worker(session: Any, post: Post) -> NoReturn:
    """Run tests until there are no more."""
    code = 70
    try:
        if signal.getsignal(signal.SIGTERM) is end_group:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with_parent(post.parent)
        for fd in post.foreign:
            os.close(fd)
        become_itself(session.config, post)
        with post.dump.open("w") as file:
            faulthandler.enable(file)
            serve(session, post.commands, post.answers)
        code = 0
    except KeyboardInterrupt:
        session._setupstate.teardown_exact(None)  # noqa: SLF001 - what pytest itself calls at its end
    except BaseException:  # noqa: BLE001 - whatever it is, this process must not go on as a second pytest
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve(session: Any, commands: int, answers: int) -> None:
    """Pull tests and send back their reports."""
    hook, config = session.config.hook, session.config
    reports: list[Any] = []

    class Sink:
        def pytest_runtest_logreport(self, report: Any) -> None:
            reports.append(hook.pytest_report_to_serializable(config=config, report=report))

    def pull() -> int:
        data = os.read(commands, 4)
        return struct.unpack("i", data)[0] if data else -1

    config.pluginmanager.register(Sink())
    test = pull()
    while test >= 0:
        following, stop = pull(), ""
        try:
            item, nextitem = session.items[test], session.items[following] if following >= 0 else None
            hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        except pytest.exit.Exception as left:
            stop, following = f"pytest.exit: {left}", -1
            session._setupstate.teardown_exact(None)  # noqa: SLF001 - what pytest itself calls at its end
        stop = stop or str(session.shouldstop or "")
        data = json.dumps({"test": test, "reports": reports, "stop": stop}, default=repr).encode() + b"\n"
        while data:
            data = data[os.write(answers, data) :]
        reports.clear()
        test = following


def become_itself(config: Any, post: Post) -> None:
    """Give a worker what it must not share: captured output, connections, temporary folders, a name."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    if capture is not None:
        capture.stop_global_capturing()  # its files are the parent's, offset and all
        capture.start_global_capturing()
    config.pluginmanager.unregister(name="_untilgreen_pool")
    silence_terminal(config)
    if post.basetemp is not None:
        own = post.basetemp / f"worker{post.slot}-{os.getpid()}"
        own.mkdir(mode=0o700)
        config._tmp_path_factory._basetemp = own  # noqa: SLF001 - as xdist keeps its workers apart
    if ORDER["workers"] > 1:
        cut_connections()
    if config.pluginmanager.hasplugin("xdist"):  # its worker_id fixture keeps test data apart
        config.workerinput = {
            "workerid": f"gw{post.slot}",
            "workercount": ORDER["workers"],
            "testrunuid": ORDER["run_id"],
            "mainargv": sys.argv,
        }
    os.environ["PYTEST_XDIST_WORKER"] = f"gw{post.slot}"
    os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(ORDER["workers"])
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def silence_terminal(config: Any) -> None:
    """Let the pool alone report; other plugins still find the reporter, and what they write to it goes nowhere."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        config.pluginmanager.unregister(reporter)
        config.pluginmanager._name2plugin["terminalreporter"] = reporter  # noqa: SLF001 - found, but not called
        reporter._tw = TerminalWriter(Path(os.devnull).open("w"))  # noqa: SIM115, SLF001 - open as long as the process


def cut_connections() -> None:
    """Make inherited TCP connections look closed by the peer: two workers must not talk over one.

    Every pool notices that and connects again.
    """
    dead, other = socket.socketpair()
    other.close()
    for entry in list(Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd").iterdir()):
        try:
            fd = int(entry.name)
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                with contextlib.closing(socket.socket(fileno=os.dup(fd))) as copy:
                    if copy.family in (socket.AF_INET, socket.AF_INET6) and copy.getpeername():
                        os.dup2(dead.fileno(), fd)
        except OSError:  # not connected, or gone
            continue
    dead.close()


def die_with_parent(parent: int | None = None) -> None:
    """Let this process end when its parent ends, however that ends."""
    if sys.platform == "linux":
        ask_to_die(signal.SIGKILL)
        if parent is not None and os.getppid() != parent:  # it ended before it could be asked
            os._exit(70)


def ask_to_die(number: int) -> None:
    """Ask Linux for a signal when the parent ends."""
    import ctypes  # noqa: PLC0415 - elsewhere it is not needed

    ctypes.CDLL(None).prctl(1, number)


def end_group(*_: Any) -> None:
    """End every process that this run started, this one too."""
    os.killpg(0, signal.SIGKILL)


def end_group_with_parent() -> None:
    """When untilgreen is killed, end all that the tests started too. Only the pool can: it is never inside a test."""
    free = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if sys.platform == "linux" and free and os.getpgid(0) == os.getpid():
        signal.signal(signal.SIGTERM, end_group)
        ask_to_die(signal.SIGTERM)


class SerialTimeout:
    """Without workers a test that hangs can only be ended together with the run."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "worker-serial.dump").open("w")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """Guard one test."""
        faulthandler.dump_traceback_later(ORDER["test_timeout_s"], exit=True, file=self._file)
        yield
        faulthandler.cancel_dump_traceback_later()
