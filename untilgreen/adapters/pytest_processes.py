"""The processes of a run: how many there are, and that none is left."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
SWEEPS = 20
"""What is being killed may start more; after so many rounds it is left alone."""


RECOUNT_S = 5.0
"""One group may grow while others shrink, which no sum shows."""


class Seen(NamedTuple):
    """One process, as the system lists it."""

    pid: int
    group: int
    session: int
    zombie: bool


def end(process: subprocess.Popen[bytes], cookie: str, grace_s: float) -> None:
    """Ask a run to end, then make sure that nothing of it stays.

    Args:
        process: leads the run's session.
        cookie: `NAME=value` in the environment of everything that the run started.
        grace_s: how long it may tear down what it has set up.
    """
    if process.poll() is None:
        with contextlib.suppress(OSError):
            process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
    if sys.platform == "win32":
        process.kill()
    else:
        kill_group(process.pid)
        sweep(process.pid, cookie)
    process.wait()


def wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Return when a process has ended, or so many seconds later. Python's own way looks a hundred times a second."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # another system, or an older one, or it has ended
        time.sleep(0 if process.poll() is not None else seconds)
        return
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        ended.poll(seconds * 1000)
    finally:
        os.close(descriptor)


def kill_group(group: int) -> None:
    """End a process group at once: while it dies, none of it can start another."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def sweep(session: int, cookie: str) -> None:
    """End whatever went to a group or session of its own. Where the system lists no processes, it stays."""
    for _ in range(SWEEPS):
        there = [seen for seen in listed() if not seen.zombie and seen.pid != os.getpid()]
        left = [seen.pid for seen in there if seen.session == session or _has(seen.pid, cookie.encode())]
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _has(pid: int, cookie: bytes) -> bool:
    try:
        return cookie in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def listed() -> Iterator[Seen]:
    """List all processes, on Linux."""
    for name in os.listdir(PROC) if sys.platform == "linux" else ():  # noqa: PTH208 - hundreds of times a second, as text
        if name.isdigit():
            with contextlib.suppress(OSError):
                state, _, group, session = (PROC / name / "stat").read_text().rpartition(")")[2].split()[:4]
                yield Seen(int(name), int(group), int(session), zombie=state == "Z")


class Crowd:
    """Notices when the tests start processes without end.

    Args:
        session: of the run.
        limit: so many in one group are too many.
    """

    def __init__(self, session: int, limit: int) -> None:
        self._session = session
        self._limit = limit
        self._room = limit
        self._known = _tasks()
        self._counted = time.monotonic()

    def groups(self) -> list[int]:
        """Return the process groups that have become too many.

        Counting costs a read per process, so it is done only when the system has grown by as much as is missing.
        """
        tasks, now = _tasks(), time.monotonic()
        late = tasks > self._limit and now - self._counted > RECOUNT_S
        if tasks - self._known < self._room and not late:
            return []
        sizes = Counter(seen.group for seen in listed() if seen.session == self._session)
        self._known, self._counted = tasks, now
        self._room = max(1, self._limit - max(sizes.values(), default=0))
        return [group for group, size in sizes.items() if size > self._limit]


def _tasks() -> int:
    """Return how many processes and threads the system has."""
    try:
        return int((PROC / "loadavg").read_text().split()[3].partition("/")[2])
    except (OSError, IndexError, ValueError):
        return 0
