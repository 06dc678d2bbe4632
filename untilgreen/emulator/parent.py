"""Notices when the process that started this one is gone, so that an emulator never outlives its user."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

_POLL_S = 0.5


async def gone(parent: int) -> None:
    """Return when the process with this id has ended.

    A parent-death signal would fire too early: it comes when the *thread* that started us ends.
    """
    if hasattr(os, "pidfd_open"):
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(parent)
            # It may have ended before, and its number may already be someone else's.
            if os.getppid() == parent:
                await _readable(descriptor)
            os.close(descriptor)
    else:
        while os.getppid() == parent:  # noqa: ASYNC110 - nothing here could set an event
            await asyncio.sleep(_POLL_S)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    set_ended: Callable[[], None] = ended.set
    loop.add_reader(descriptor, set_ended)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
