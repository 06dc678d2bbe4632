"""Keeps the folder of a run to its owner for as long as something in it may hold a secret.

What tests print is written by processes that know no secret from another word, so it is gone through when the run has
ended. Until then nobody else can read the folder; and when this process is killed before that, a mark stays, by which
the next one finds the folder and goes through it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

MARK = ".not-gone-through"
"""Locked by whoever runs; the lock ends with its process, however that ends."""
_LEFT = f"loops/*/cycle-*/suite/**/{MARK}"


@contextlib.contextmanager
def private(folder: Path, clean: Callable[[], None]) -> Iterator[None]:
    """Let nobody else read a folder until it has been gone through.

    Args:
        folder: there already.
        clean: goes through it, whatever happened before.
    """
    with contextlib.suppress(OSError):
        folder.chmod(stat.S_IRWXU)
    with _held(folder / MARK) as held:
        try:
            yield
        finally:
            clean()
            with contextlib.suppress(OSError):
                if held:
                    (folder / MARK).unlink()
                folder.chmod(stat.S_IMODE(folder.parent.stat().st_mode))


def go_through_what_is_left(state: Path, clean: Callable[[Path], None]) -> None:
    """Go through the folders of runs that were killed.

    Args:
        state: where the loops are.
        clean: goes through one folder.
    """
    for mark in state.glob(_LEFT):
        with _held(mark) as held:
            if held:
                clean(mark.parent)
                mark.unlink(missing_ok=True)


@contextlib.contextmanager
def _held(mark: Path) -> Iterator[bool]:
    """Hold a mark; tell whether it could be: somebody else may, or it cannot be made."""
    try:
        descriptor = os.open(mark, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # the disk is full, or a test has taken the folder away
        yield False
        return
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        import fcntl  # noqa: PLC0415 - Windows has none
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
