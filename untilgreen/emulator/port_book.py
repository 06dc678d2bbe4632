"""Which port belongs to whom: one for each service and tag, kept over restarts, and one for each running instance."""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
_FIRST, _LAST = 18_000, 31_999
"""Below the ranges from which Linux and macOS take the local ports of outgoing connections."""


class PortBook:
    """Hands out ports of the loopback interface.

    Args:
        file: remembers the ports of services and tags.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept: dict[str, int] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
        self._lent: set[int] = set()

    def listen(self, owner: str) -> socket.socket:
        """Return a listening socket for a service or tag, on the port that it had before if that is free."""
        kept = self._kept.get(owner)
        bound = _bind(kept) if kept else None
        while bound is None:
            bound = _bind(self._draw())
        bound.listen(512)
        bound.setblocking(False)
        self._kept[owner] = bound.getsockname()[1]
        self._save()
        return bound

    def forget(self, owner: str) -> None:
        """Give up the port of a service or tag that is gone for good."""
        if self._kept.pop(owner, None):
            self._save()

    def lend(self) -> int:
        """Return a free port for an instance; it is not handed out again before `give_back`."""
        while True:
            port = self._draw()
            if is_free(port):
                self._lent.add(port)
                return port

    def give_back(self, port: int) -> None:
        """Take back a port whose instance has ended."""
        self._lent.discard(port)

    def _draw(self) -> int:
        taken = self._lent | set(self._kept.values())
        while (port := random.randint(_FIRST, _LAST)) in taken:  # noqa: S311 - spreads ports, guards nothing
            pass
        return port

    def _save(self) -> None:
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(self._kept, indent=1, sort_keys=True), "utf-8")
        part.replace(self._file)


def is_free(port: int) -> bool:
    """Tell whether nobody listens at a port."""
    bound = _bind(port)
    if bound:
        bound.close()
    return bound is not None


def _bind(port: int) -> socket.socket | None:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((LOOPBACK, port))
    except OSError:
        bound.close()
        return None
    return bound
