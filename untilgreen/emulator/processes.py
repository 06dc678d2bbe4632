"""Real processes in the place of containers: started in a group of their own, watched, and never left behind."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from untilgreen.emulator import reaper

GRACE_S = 2.0
"""How long a process may take to end after SIGTERM. Cloud Run gives 10 s; here someone waits at the terminal."""

_CHUNK = 65_536
_SHELL = frozenset("$&|;<>()`*?\n~{}")

Sink = Callable[[str, bytes], None]
"""Takes what a process writes: `stdout` or `stderr`, and the bytes; empty bytes are the end."""


class CannotStart(Exception):
    """The container cannot be started. The message says why."""


class Reaper:
    """Makes sure that no process outlives the emulator."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own file
            [sys.executable, "-S", "-E", reaper.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def guard(self, group: int) -> None:
        """End this process group when the emulator ends."""
        self._tell(f"+{group}\n")

    def release(self, group: int) -> None:
        """Forget a process group that is gone; its number may soon be someone else's."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End whatever is left, and the reaper itself."""
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()


class Container:
    """One running process and the pipes that it writes to.

    Args:
        process: as asyncio started it.
        folder: its private copy of the image; removed with it.
        reaper: told when it is gone.
        sink: takes what it writes.
    """

    def __init__(self, process: Process, folder: Path, reaper: Reaper, sink: Sink) -> None:
        self._process = process
        self._folder = folder
        self._reaper = reaper
        self._pumps = [
            asyncio.create_task(_pump(stream, name, sink))
            for stream, name in ((process.stdout, "stdout"), (process.stderr, "stderr"))
            if stream
        ]
        self.ended = asyncio.create_task(self._end())
        self._cleared = asyncio.create_task(self._clear())

    @property
    def pid(self) -> int:
        """Return the process's id, which is also its group's."""
        return self._process.pid

    def kill(self) -> None:
        """End it and all that it started, at once."""
        self._signal(signal.SIGKILL)

    @property
    def running(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.returncode is None

    async def stop(self, grace: float = GRACE_S) -> None:
        """End it: SIGTERM, then SIGKILL after a grace in seconds."""
        if not self.ended.done():
            self._signal(signal.SIGTERM)
            await asyncio.wait([self.ended], timeout=grace)
        if not self.ended.done():
            self._signal(signal.SIGKILL)
        await self._cleared

    async def _end(self) -> int:
        """Wait for the process's end and read what it last wrote; whatever it had started ends too."""
        code = await self._process.wait()
        self._signal(signal.SIGKILL)
        await asyncio.wait(self._pumps, timeout=1)
        for pump in self._pumps:
            pump.cancel()
        self._reaper.release(self._process.pid)
        return code

    async def _clear(self) -> None:
        await self.ended
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


async def start(
    command: list[str], image: Path, folder: Path, *, env: dict[str, str], reaper: Reaper, sink: Sink
) -> Container:
    """Start a command in a private copy of an image's files.

    Raises:
        CannotStart: there is no such program, or the image cannot be copied.
    """
    try:
        await asyncio.to_thread(shutil.copytree, image, folder, symlinks=True)
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=env, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True
        )
    except OSError as error:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        missing = isinstance(error, FileNotFoundError)
        raise CannotStart(f'"{command[0]}": executable file not found in $PATH' if missing else str(error)) from None
    reaper.guard(process.pid)
    return Container(process, folder, reaper, sink)


def argv(command: str) -> list[str]:
    """Return how a Procfile's line is started: by a shell only if it needs one."""
    if _SHELL.isdisjoint(command) and "=" not in command.split(maxsplit=1)[0]:
        with suppress(ValueError):
            return shlex.split(command)
    return ["/bin/sh", "-c", command]


def clean_environment() -> dict[str, str]:
    """Return the environment that every container starts from: nothing of the emulator's own but the bare needs."""
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    return kept | {"PATH": programs, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


async def _pump(stream: asyncio.StreamReader, name: str, sink: Sink) -> None:
    while data := await stream.read(_CHUNK):
        sink(name, data)
    sink(name, b"")
