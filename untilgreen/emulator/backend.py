"""Connections from the proxy to one instance, kept open between requests."""

from __future__ import annotations

import asyncio
import select
import socket
import time
from collections import deque
from dataclasses import dataclass

from untilgreen.emulator.http1 import BUFFER
from untilgreen.emulator.port_book import LOOPBACK

_IDLE_S = 1.0
"""Servers close idle connections after a few seconds (gunicorn 2, uvicorn 5): never use one that is about to close.

A request is never sent twice: the first one may have been what ended the instance.
"""


@dataclass(slots=True)
class Connection:
    """One connection to an instance."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    since: float = 0.0

    def send(self, data: bytes) -> None:
        """Send a request.

        Servers that write head and body apart would wait 40 ms for the acknowledgement of the head. Linux forgets that
        it should come at once whenever something is sent.
        """
        self.writer.write(data)
        if hasattr(socket, "TCP_QUICKACK"):
            self.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class Backend:
    """An instance as the proxy sees it.

    Args:
        port: where it listens on the loopback interface.
        instance: its id, for the log.
    """

    def __init__(self, port: int, instance: str) -> None:
        self.port = port
        self.instance = instance
        self.answered = False
        """Whether it has answered anything yet."""
        self.busy = 0
        """Requests in flight."""
        self.quiet_since = time.monotonic()
        """When the last of them ended."""
        self.doubted = 0
        """How many find out right now whether it still lives."""
        self.out_of_memory = False
        """Whether it was ended because it used more memory than it may."""
        self._idle: deque[Connection] = deque()

    async def connect(self) -> Connection:
        """Return a connection, an idle one if there is one that is still good.

        Raises:
            OSError: nobody listens.
        """
        while self._idle:
            connection = self._idle.pop()
            if time.monotonic() - connection.since < _IDLE_S and not _closing(connection):
                return connection
            connection.writer.close()
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port, limit=BUFFER)
        return Connection(reader, writer)

    def keep(self, connection: Connection) -> None:
        """Take back a connection on which a response has ended cleanly."""
        connection.since = time.monotonic()
        self._idle.append(connection)

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._idle.pop().writer.close()


def _closing(connection: Connection) -> bool:
    """Tell whether the instance has closed it, also when the event loop has not seen that yet."""
    if connection.reader.at_eof() or connection.writer.is_closing():
        return True
    poll = select.poll()
    poll.register(connection.writer.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))
