"""Connections from the proxy to one instance, kept open between requests."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from untilgreen.emulator.http1 import BUFFER
from untilgreen.emulator.port_book import LOOPBACK

_IDLE_S = 1.0
"""Servers close idle connections after a few seconds (gunicorn 2, uvicorn 5): never use one that is about to close."""


@dataclass(slots=True)
class Connection:
    """One connection to an instance."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    since: float = 0.0
    used: bool = False


class Backend:
    """An instance as the proxy sees it.

    Args:
        port: where it listens on the loopback interface.
        instance: its id, for the log.
    """

    def __init__(self, port: int, instance: str) -> None:
        self.port = port
        self.instance = instance
        self._idle: deque[Connection] = deque()

    async def connect(self, *, fresh: bool = False) -> Connection:
        """Return a connection, an idle one unless a fresh one is wanted.

        Raises:
            OSError: nobody listens.
        """
        while self._idle and not fresh:
            connection = self._idle.pop()
            if time.monotonic() - connection.since < _IDLE_S and not _closing(connection):
                return connection
            connection.writer.close()
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port, limit=BUFFER)
        return Connection(reader, writer)

    def keep(self, connection: Connection) -> None:
        """Take back a connection on which a response has ended cleanly."""
        connection.since = time.monotonic()
        connection.used = True
        self._idle.append(connection)

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._idle.pop().writer.close()


def _closing(connection: Connection) -> bool:
    return connection.reader.at_eof() or connection.writer.is_closing()
