"""Ends process groups when whoever started them is gone, however it went, kill -9 included.

It runs as a process of its own and reads `+GROUP` and `-GROUP` lines; the end of its input is the end of its parent.
This covers grandchildren and any platform, which a parent-death signal does not.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress


def groups_left(lines: Iterable[str]) -> set[int]:
    """Follow the lines to their end and return the process groups that still run."""
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    return groups


def main() -> None:
    """Wait for the parent's end, then kill what it left behind."""
    for group in groups_left(sys.stdin):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
