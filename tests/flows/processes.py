"""Finds processes by what they run, so that a test can kill the one it means, by its number."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple


class Running(NamedTuple):
    """A process."""

    pid: int
    parent: int
    command: str


def running() -> dict[int, Running]:
    """Return all processes of this machine by their numbers."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
        found[int(place.name)] = Running(int(place.name), parent, command)
    return found


def ancestors(pid: int) -> list[Running]:
    """Return a process, its parent, that one's parent, and so on."""
    known, line = running(), []
    while pid in known:
        line.append(known[pid])
        pid = known[pid].parent
    return line


def below(folder: Path) -> list[str]:
    """Return the commands of processes that work in a folder or name it."""
    found = []
    for process in running().values():
        try:
            where = Path(f"/proc/{process.pid}/cwd").readlink()
        except OSError:
            continue
        if where.is_relative_to(folder) or str(folder) in process.command:
            found.append(process.command)
    return found


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours; a Prefect worker has been seen to stay for ever after it was asked to go."""
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
