"""One forked worker, seen from the pool."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
import time
import warnings
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .watchdog import dump_of, read_dump
from .worker import GROUPS, UNUSABLE, Post, be_worker


class Worker:
    """A process that runs tests, one after another."""

    def __init__(self, slot: int, pid: int, group: int, pipes: tuple[int, int], folder: Path) -> None:
        self.slot, self.pid, self.group = slot, pid, group
        self.commands, self.answers = pipes
        self.dump = dump_of(folder, pid)
        self.queue: deque[int] = deque()
        self.started = time.monotonic()
        self.ready = False
        self.ended = False
        self.retired = False
        self.killed = ""
        self._buffer = b""

    def send(self, test: int) -> None:
        """Queue a test; -1 says that there are no more."""
        if test < 0 and self.ended:
            return
        if test < 0:
            self.ended = True
        else:
            if not self.queue:
                self.started = time.monotonic()
            self.queue.append(test)
        with contextlib.suppress(BrokenPipeError):  # it is dead; its end is noticed where answers are read
            os.write(self.commands, struct.pack("i", test))

    def answered(self) -> Iterator[dict[str, Any]]:
        """Read what has arrived.

        Raises:
            EOFError: it is gone.
        """
        data = os.read(self.answers, 1 << 20)
        if not data:
            raise EOFError
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return (json.loads(line) for line in lines)

    def kill(self, why: str) -> None:
        """Abort it, so that faulthandler says where it hung; kill it when it does not listen."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL if self.killed else signal.SIGABRT)
        self.killed = why

    def bury(self, *, crashed: bool) -> str:
        """Close what belonged to it; return what it wrote when it died.

        Args:
            crashed: then nobody tears down what its test had started, so that is ended as well.
        """
        os.close(self.answers)
        os.close(self.commands)
        if self.group and crashed:
            with contextlib.suppress(OSError):
                os.killpg(self.group, signal.SIGKILL)
        return read_dump(self.dump)


def start_worker(session: Any, slot: int, folder: Path, others: list[Worker]) -> Worker:
    """Fork a worker."""
    command_out, command_in = os.pipe()
    answer_out, answer_in = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    foreign = [fd for worker in others for fd in (worker.commands, worker.answers)]
    factory = getattr(session.config, "_tmp_path_factory", None)
    basetemp = factory.getbasetemp() if factory else None
    group = found_group()
    post = Post(slot, group, command_out, answer_in, (*foreign, command_in, answer_out), folder, basetemp, os.getpid())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of native threads, which why_not_fork has looked at
        pid = os.fork()
    if pid == 0:
        join_group(0, group)
        be_worker(session, post)
    join_group(pid, group)
    if group:
        os.waitpid(group, 0)
    os.close(command_out)
    os.close(answer_in)
    return Worker(slot, pid, group, (command_in, answer_out), folder)


def found_group() -> int:
    """Make a process group for a worker and all that its tests start, so that they can be ended together.

    Its leader is gone at once: a test must be free to call setsid, which no leader may.
    """
    if sys.platform != "linux":
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        leader = os.fork()
    if leader == 0:
        os._exit(0)
    os.setpgid(leader, leader)
    GROUPS.add(leader)
    return leader


def join_group(pid: int, group: int) -> None:
    """Put a process into a group; both sides do so, since nobody knows which is first."""
    if group:
        with contextlib.suppress(OSError):
            os.setpgid(pid, group)


def how_it_died(status: int) -> str:
    """Put a wait status into words."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        why = ", as the system does when memory runs out" if number == signal.SIGKILL else ""
        return f"killed its process with {signal.Signals(number).name}{why}"
    code = os.WEXITSTATUS(status)
    return "broke the process that ran it" if code == UNUSABLE else f"ended its process with exit code {code}"
