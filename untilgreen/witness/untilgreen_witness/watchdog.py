"""Where a process was when it hung or died: faulthandler writes it down, whatever holds the interpreter."""

from __future__ import annotations

import faulthandler
import os
import time
from pathlib import Path
from typing import TextIO

import pytest

from .order import ORDER

REARM_S = 0.5
"""Setting the alarm costs a thread; for a thousand short tests a second, twice a second is enough."""


class Here:
    """This process, as its dump is named."""

    name = ""


HERE = Here()


def dump_of(folder: Path, name: object) -> Path:
    """Return where a process writes.

    Args:
        folder: of the run.
        name: its number, or xdist's name of the worker.
    """
    return folder / f"process-{name}.dump"


def dump_file(folder: Path, name: str = "") -> TextIO:
    """Open the file of this process, by its name or else its number; nowhere, when the folder is gone."""
    HERE.name = name or str(os.getpid())
    try:
        return dump_of(folder, HERE.name).open("w")
    except OSError:
        return Path(os.devnull).open("w")


def read_dump(file: Path) -> str:
    """Return what a process wrote when it hung or died."""
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


class Watchdog:
    """Writes a dump when a test takes too long, and when the process is killed by a fault.

    Whoever watches this process from outside ends it: the pool, or untilgreen itself.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._inode = os.fstat(file.fileno()).st_ino
        self._armed = 0.0
        self._early = min(REARM_S, ORDER["test_timeout_s"] / 10)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> None:
        """Guard one test."""
        now = time.monotonic()
        if now - self._armed > self._early and self._still_open():
            self._armed = now
            os.ftruncate(self._file.fileno(), 0)
            faulthandler.enable(self._file)  # pytest's own plugin lets it write elsewhere
            faulthandler.dump_traceback_later(ORDER["test_timeout_s"], file=self._file)

    def _still_open(self) -> bool:
        """Tell whether the descriptor is still ours: a test may have closed it, and opened another file."""
        try:
            return os.fstat(self._file.fileno()).st_ino == self._inode and self._file.name != os.devnull
        except OSError:
            return False
