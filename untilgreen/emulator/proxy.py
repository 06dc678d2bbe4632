"""The front of a service: passes requests on to an instance, and keeps the platform's record of them.

WebSockets become a tunnel of bytes once the instance has agreed: close codes and compression pass as they are.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Protocol

from untilgreen.emulator import http1
from untilgreen.emulator.exchange import Exchange
from untilgreen.emulator.front_answers import Answer
from untilgreen.emulator.http1 import Head
from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.request_log import RequestRecord
from untilgreen.emulator.trace_context import trace_of
from untilgreen.emulator.workload import Workload


class Route(Protocol):
    """Where requests that come in at one port go."""

    service: ServiceName

    def admit(self, head: Head) -> Head | Answer:
        """Return a request's head as the instance may see it, or the answer to a request that is turned away."""

    def choose(self) -> Workload | None:
        """Return who answers the next request, or None when there is nobody."""


class RequestLog(Protocol):
    """Takes the records of requests."""

    def add(self, *records: RequestRecord) -> None:
        """Take a record."""


class Front:
    """Listens at one port.

    Args:
        route: where its requests go.
        log: takes a record of each.
    """

    def __init__(self, route: Route, log: RequestLog) -> None:
        self._route = route
        self._log = log
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()

    async def open(self, listening: socket.socket) -> None:
        """Begin to answer on a socket that listens already."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Client(self), sock=listening)

    def close(self) -> None:
        """Stop, and drop every connection."""
        if self._server:
            self._server.close()
        for client in tuple(self._clients):
            client.drop()

    def enter(self, client: _Client) -> None:
        """Count a connection in."""
        self._clients.add(client)

    def leave(self, client: _Client) -> None:
        """Count a connection out."""
        self._clients.discard(client)

    async def answer(self, client: _Client) -> None:
        """Answer the requests of one connection, one after another."""
        try:
            while head := await http1.read_head(client.reader):
                framing = http1.request_framing(head)
                admitted = self._route.admit(head)
                refusal = admitted if isinstance(admitted, Answer) else None
                shown = head if isinstance(admitted, Answer) else admitted
                record = RequestRecord(self._route.service, shown, trace_of(head.fields), client.remote)
                exchange = Exchange(record, framing, client)
                try:
                    if not await exchange.run(self._route.choose(), refusal):
                        return
                finally:
                    record.finish()
                    self._log.add(record)
        except http1.Malformed:
            client.writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class _Client(asyncio.StreamReaderProtocol):
    """One client's connection. When the client goes, so does what is done for it."""

    def __init__(self, front: Front) -> None:
        self.reader = asyncio.StreamReader(limit=http1.BUFFER)
        super().__init__(self.reader, self._connected)
        self._door = front
        self._serving: asyncio.Task[None] | None = None
        self._wire: asyncio.Transport | None = None
        self.tunnel = False
        self.remote = ""
        self.writer: asyncio.StreamWriter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._wire = transport
        super().connection_made(transport)

    def _connected(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.remote = (writer.get_extra_info("peername") or [""])[0]
        self._door.enter(self)
        self._serving = asyncio.get_running_loop().create_task(self._serve())

    def eof_received(self) -> bool:
        super().eof_received()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # What a tunnel still holds, such as a close frame, has to reach the other side first.
        if self._serving and not self.tunnel:
            self._serving.cancel()

    def drop(self) -> None:
        """Cut the connection."""
        if self._wire:
            self._wire.abort()
        if self._serving:
            self._serving.cancel()

    async def _serve(self) -> None:
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._door.answer(self)
        finally:
            self._door.leave(self)
            self.writer.close()
