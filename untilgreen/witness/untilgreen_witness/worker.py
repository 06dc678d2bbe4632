"""The inside of a forked worker, and when there cannot be one."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import stat
import struct
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest
from _pytest._io import TerminalWriter

from .order import BROKEN, ENCODE, ORDER
from .reports import Packer
from .watchdog import Watchdog, dump_file

UNUSABLE = 70
"""Exit code of a worker that could not go on (EX_SOFTWARE)."""


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
    group: int
    """Process group that it belongs to, with all that its tests start; 0 for the pool's own."""
    commands: int
    answers: int
    foreign: tuple[int, ...]
    """Descriptors of the pool and of other workers: held open, they would hide an end."""
    folder: Path
    basetemp: Path | None
    parent: int


def be_worker(session: Any, post: Post) -> NoReturn:
    """Run tests until there are no more."""
    code, dump = UNUSABLE, dump_file(post.folder)
    try:
        if signal.getsignal(signal.SIGTERM) is end_all:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with_parent(post.parent)
        for fd in post.foreign:
            os.close(fd)
        become_itself(session.config, post)
        session.config.pluginmanager.register(Watchdog(dump), "_untilgreen_watchdog")
        serve(session, post.commands, post.answers)
        code = 0
    except KeyboardInterrupt:
        traceback.print_exc(file=dump)
        session._setupstate.teardown_exact(None)  # noqa: SLF001 - what pytest itself calls at its end
    except BaseException:  # noqa: BLE001 - whatever it is, this process must not go on as a second pytest
        with contextlib.suppress(Exception):
            traceback.print_exc(file=dump)
            dump.flush()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):  # a test may have put anything there
                stream.flush()
        os._exit(code)


def serve(session: Any, commands: int, answers: int) -> None:
    """Pull tests and send back their reports."""
    hook, config = session.config.hook, session.config
    reports: list[Any] = []
    packer = Packer(config)

    class Sink:
        parts = 0

        def pytest_runtest_logreport(self, report: Any) -> None:
            self.parts = self.parts + 1 if hasattr(report, "context") else self.parts
            if self.parts and not hasattr(report, "context"):
                hook.pytest_report_teststatus(report=report, config=config)  # here pytest fails a test for its subtests
                self.parts = 0 if report.when == "teardown" else self.parts
            reports.append(packer.pack(report))

    def pull() -> int:
        data = os.read(commands, 4)
        return struct.unpack("i", data)[0] if data else -1

    config.pluginmanager.register(Sink())
    send(answers, {"ready": True})
    test = pull()
    while test >= 0:
        following, stop = pull(), ""
        try:
            item, nextitem = session.items[test], session.items[following] if following >= 0 else None
            packer.begin(item)
            hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        except pytest.exit.Exception as left:
            stop, following = f"pytest.exit: {left}", -1
            session._setupstate.teardown_exact(None)  # noqa: SLF001 - what pytest itself calls at its end
        retired = session.shouldstop == BROKEN
        stop = stop or ("" if retired else str(session.shouldstop or ""))
        send(answers, {"test": test, "reports": reports, "stop": stop, "retired": retired})
        reports.clear()
        test = following
        if retired:
            session._setupstate.teardown_exact(None)  # noqa: SLF001 - what pytest itself calls at its end
            return


def send(answers: int, answer: dict[str, Any]) -> None:
    """Tell the pool."""
    data = ENCODE(answer).encode() + b"\n"
    while data:
        data = data[os.write(answers, data) :]


def become_itself(config: Any, post: Post) -> None:
    """Give a worker what it must not share: captured output, connections, temporary folders, a name."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    if capture is not None:
        capture.stop_global_capturing()  # its files are the parent's, offset and all
        capture.start_global_capturing()
    config.pluginmanager.unregister(name="_untilgreen_pool")
    silence_terminal(config)
    be_first_to_go()
    if post.basetemp is not None:
        own = post.basetemp / f"worker{post.slot}-{os.getpid()}"
        own.mkdir(mode=0o700, parents=True, exist_ok=True)  # a test may have removed what is above it
        config._tmp_path_factory._basetemp = own  # noqa: SLF001 - as xdist keeps its workers apart
    if ORDER["workers"] > 1:
        cut_connections()
    name = f"gw{ORDER.get('first_worker', 0) + post.slot}"  # shards that run side by side have other numbers
    if config.pluginmanager.hasplugin("xdist"):  # its worker_id fixture keeps test data apart
        config.workerinput = {
            "workerid": name,
            "workercount": ORDER["workers"],
            "testrunuid": ORDER["run_id"],
            "mainargv": sys.argv,
        }
    os.environ["PYTEST_XDIST_WORKER"] = name
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


def be_first_to_go() -> None:
    """When memory runs out, let the system end a worker rather than the pool: that costs one test."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


GROUPS: set[int] = set()
"""Process groups of the pool's workers."""


def end_all(*_: Any) -> None:
    """End every process that this run started, this one too."""
    for group in (*GROUPS, 0):
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


def end_all_with_parent() -> None:
    """When untilgreen is killed, end all that the tests started too. Only the pool can: it is never inside a test."""
    free = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if sys.platform == "linux" and free and os.getpgid(0) == os.getpid():
        signal.signal(signal.SIGTERM, end_all)
        ask_to_die(signal.SIGTERM)
