"""One request and its response, between a client and an instance."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

from untilgreen.emulator import front_answers, http1
from untilgreen.emulator.backend import Backend, Connection
from untilgreen.emulator.front_answers import Answer
from untilgreen.emulator.http1 import Framing, Head, Headers
from untilgreen.emulator.request_log import RequestRecord
from untilgreen.emulator.trace_context import NAMES
from untilgreen.emulator.workload import NoInstance, Workload

_SWITCHING, _OK, _CLIENT_GONE = 101, 200, 499
_OURS = NAMES | {b"x-forwarded-for", b"x-forwarded-proto", b"forwarded", b"expect"}
_CHUNK = 64 * 1024


class Client(Protocol):
    """The client's side."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    remote: str
    tunnel: bool


class InstanceBroke(Exception):
    """The instance cut the connection, or what it said is no HTTP."""


class Exchange:
    """Passes one request on and its response back.

    Args:
        record: filled in on the way.
        framing: how the request's body ends.
        client: who asks.
    """

    def __init__(self, record: RequestRecord, framing: Framing, client: Client) -> None:
        self._record = record
        self._head = record.head
        self._framing = framing
        self._client = client
        self._begun = False
        self._backend: Backend | None = None
        self._upload: asyncio.Task[None] | None = None

    async def run(self, workload: Workload | None, refusal: Answer | None = None) -> bool:
        """Do it, and tell whether the client's connection can be used again.

        Args:
            workload: who answers; None when there is nobody.
            refusal: the answer to a request that is turned away.
        """
        if workload:
            self._record.revision, self._record.labels = workload.revision, workload.labels
        if refusal or not workload:
            return self._refuse(refusal or front_answers.NO_REVISION)
        try:
            with workload.busy():
                async with asyncio.timeout(workload.timeout):
                    return await self._pass_on(workload)
        except NoInstance as error:
            return self._refuse(front_answers.not_taken(error))
        except TimeoutError:
            return self._refuse(front_answers.TIMED_OUT)
        except InstanceBroke:
            killed = self._backend is not None and self._backend.out_of_memory
            return self._refuse(front_answers.OUT_OF_MEMORY if killed else front_answers.BROKEN)
        except (asyncio.CancelledError, ConnectionError, http1.Malformed):
            if not self._client.tunnel:
                self._record.status = _CLIENT_GONE
            raise
        finally:
            if self._backend:
                workload.give_back(self._backend)

    async def _pass_on(self, workload: Workload) -> bool:
        small = await self._small_body()
        head, connection, backend = await self._ask(workload, small)
        try:
            if head.status == _SWITCHING:
                return await self._tunnel(head, connection)
            keep = await self._return(head, connection)
        except BaseException:
            connection.writer.close()
            raise
        finally:
            if self._upload:
                self._upload.cancel()
        if self._clean(head):
            backend.keep(connection)
        else:
            connection.writer.close()
        return keep

    async def _small_body(self) -> bytes | None:
        """Return a body that is short enough to be held and sent at once; None for a longer one."""
        length = self._framing.length
        if self._head.fields.get(b"expect", b"").lower() == b"100-continue":
            self._client.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if length is None or length > http1.SMALL:
            return None
        try:
            body = await self._client.reader.readexactly(length) if length else b""
        except asyncio.IncompleteReadError:
            raise http1.Malformed("body cut off") from None
        self._record.request_size = length
        return body

    async def _ask(self, workload: Workload, small: bytes | None) -> tuple[Head, Connection, Backend]:
        """Send the request and read the head of the response."""
        connection, backend = await self._connect(workload)
        self._record.instance = backend.instance
        head = await self._try(connection, small)
        if head is None:
            connection.writer.close()
            await workload.doubt(backend)
            raise InstanceBroke
        backend.answered = True
        return head, connection, backend

    async def _connect(self, workload: Workload) -> tuple[Connection, Backend]:
        """Connect to an instance; one that has just ended is replaced, since nothing has been sent yet."""
        self._backend = backend = await workload.take()
        with suppress(OSError):
            return await backend.connect(), backend
        await workload.doubt(backend)
        self._backend = None
        workload.give_back(backend)
        self._backend = backend = await workload.take()
        try:
            return await backend.connect(), backend
        except OSError:
            raise InstanceBroke from None

    async def _try(self, connection: Connection, small: bytes | None) -> Head | None:
        """Return the response's head, or None when the connection ended before it."""
        request = http1.encode_head((*self._head.start[:2], b"HTTP/1.1"), self._request_headers())
        connection.send(request + (small or b""))
        if small is None:
            self._upload = asyncio.create_task(self._send_up(connection))
        try:
            return await _response_head(connection.reader)
        except OSError:
            return None
        except BaseException as error:
            connection.writer.close()
            if self._upload:
                self._upload.cancel()
            if isinstance(error, http1.Malformed | ValueError):
                raise InstanceBroke from None
            raise

    async def _send_up(self, connection: Connection) -> None:
        """Pass a long body on while the instance may answer already."""
        pieces = http1.read_body(self._client.reader, self._framing)
        try:
            with suppress(ConnectionError):
                self._record.request_size = await http1.send_body(
                    connection.writer, pieces, chunked=self._framing.chunked
                )
        except http1.Malformed:
            connection.writer.close()

    async def _return(self, head: Head, connection: Connection) -> bool:
        """Pass the response back, and tell whether the client's connection can be used again."""
        framing = _framing(head, self._head.start[0])
        version = self._head.start[2]
        chunked = framing.length is None and version != b"HTTP/1.0"
        keep = self._head.keeps_alive(version) and (chunked or framing.length is not None) and self._uploaded()
        out = http1.encode_head(
            (b"HTTP/1.1", *head.start[1:]), self._response_headers(head, framing, chunked=chunked, keep=keep)
        )
        self._record.status = head.status
        try:
            size = await self._send_back(out, connection, framing, chunked=chunked)
        except (http1.Malformed, asyncio.IncompleteReadError):
            raise InstanceBroke from None
        self._record.response_size = len(out) + size
        return keep and self._uploaded()

    async def _send_back(self, out: bytes, connection: Connection, framing: Framing, *, chunked: bool) -> int:
        writer = self._client.writer
        if framing.length is not None and framing.length <= http1.SMALL:
            body = await connection.reader.readexactly(framing.length) if framing.length else b""
            self._begun = True
            writer.write(out + body)
            await writer.drain()
            return len(body)
        self._begun = True
        writer.write(out)
        return await http1.send_body(writer, http1.read_body(connection.reader, framing), chunked=chunked)

    async def _tunnel(self, head: Head, connection: Connection) -> bool:
        """Pass bytes both ways until one side ends."""
        self._begun = self._client.tunnel = True
        self._record.status = _SWITCHING
        self._client.writer.write(http1.encode_head(head.start, head.headers))
        up = asyncio.create_task(self._pipe(self._client.reader, connection.writer))
        down = asyncio.create_task(self._pipe(connection.reader, self._client.writer))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            down.cancel()
            connection.writer.close()
        return False

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                if reader is self._client.reader:
                    self._record.request_size += len(data)
                else:
                    self._record.response_size += len(data)
                writer.write(data)
                await writer.drain()

    def _refuse(self, answer: Answer) -> bool:
        """Answer in the instance's place, or cut the connection when its answer has begun."""
        self._record.text = answer.text
        if self._begun:
            self._client.writer.transport.abort()
            return False
        self._record.status = answer.status
        out = answer.encode()
        self._record.response_size = len(out)
        self._client.writer.write(out)
        return False

    def _request_headers(self) -> Headers:
        fields = self._head.fields
        headers = [header for header in http1.end_to_end(self._head) if header[0].lower() not in _OURS]
        if self._framing.chunked:
            headers.append((b"Transfer-Encoding", b"chunked"))
        elif self._framing.length or b"content-length" in fields:
            headers.append((b"Content-Length", b"%d" % (self._framing.length or 0)))
        if fields.get(b"upgrade", b"").lower() == b"websocket":
            headers += [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
        remote = self._client.remote.encode()
        forwarded = fields.get(b"x-forwarded-for")
        headers += [
            (b"X-Forwarded-For", b"%b, %b" % (forwarded, remote) if forwarded else remote),
            (b"X-Forwarded-Proto", b"http"),
            (b"Forwarded", b'for="%b";proto=http' % remote),
            *self._record.trace.headers(),
        ]
        return headers

    def _response_headers(self, head: Head, framing: Framing, *, chunked: bool, keep: bool) -> Headers:
        headers = http1.end_to_end(head)
        length = head.fields.get(b"content-length") if framing is http1.NOTHING else framing.length
        if isinstance(length, int):
            length = b"%d" % length
        if length is not None:
            headers.append((b"Content-Length", length))
        if chunked:
            headers.append((b"Transfer-Encoding", b"chunked"))
        trace = self._record.trace
        headers.append((b"X-Cloud-Trace-Context", f"{trace.id};o={int(trace.sampled)}".encode()))
        if not keep:
            headers.append((b"Connection", b"close"))
        elif self._head.start[2] == b"HTTP/1.0":
            headers.append((b"Connection", b"keep-alive"))
        return headers

    def _uploaded(self) -> bool:
        return self._upload is None or self._upload.done()

    def _clean(self, head: Head) -> bool:
        """Tell whether the instance's connection is where a new request can begin."""
        framing = _framing(head, self._head.start[0])
        return framing is not http1.UNTIL_CLOSE and head.keeps_alive(head.start[0]) and self._uploaded()


def _framing(head: Head, method: bytes) -> Framing:
    try:
        return http1.response_framing(head, method)
    except http1.Malformed:
        raise InstanceBroke from None


async def _response_head(reader: asyncio.StreamReader) -> Head | None:
    """Skip the interim responses that mean nothing to a client that did not ask for them."""
    head = await http1.read_head(reader)
    while head and head.status < _OK and head.status != _SWITCHING:
        head = await http1.read_head(reader)
    return head
