"""HTTP/1.1 on asyncio's streams: heads, and bodies however they are framed. Both sides of the proxy speak it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

LONGEST_HEAD = 64 * 1024
BUFFER = 256 * 1024
SMALL = 64 * 1024
"""Bodies up to this many bytes are read whole and sent together with their head."""

_CHUNK = 64 * 1024
_NO_BODY = (204, 304)
_INFORMATIONAL = 200

HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
"""Headers that speak about one connection only."""

Headers = list[tuple[bytes, bytes]]


class Malformed(Exception):
    """What came is no HTTP that can be passed on safely."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How a body ends.

    Args:
        length: bytes, or None when the length is not known before.
        chunked: whether it comes in chunks; without that and without a length it ends with the connection.
    """

    length: int | None
    chunked: bool = False


NOTHING = Framing(0)
CHUNKED = Framing(None, chunked=True)
UNTIL_CLOSE = Framing(None)


@dataclass(frozen=True, slots=True)
class Head:
    """The first line, in three parts, and the headers.

    Args:
        start: method, target, version; or version, status, phrase.
        headers: as they came, in their order.
        fields: the same by lower-case name; of several the last.
        size: bytes on the wire.
    """

    start: tuple[bytes, bytes, bytes]
    headers: Headers
    fields: dict[bytes, bytes]
    size: int

    @property
    def status(self) -> int:
        """Return a response's status."""
        return int(self.start[1])

    def keeps_alive(self, version: bytes) -> bool:
        """Tell whether the connection may be used again after this message."""
        tokens = self.fields.get(b"connection", b"").lower()
        return b"close" not in tokens and (version != b"HTTP/1.0" or b"keep-alive" in tokens)


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read a head; None when the connection ends before it begins.

    Raises:
        Malformed: it is none, too long, or cut off.
    """
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise Malformed("cut off") from None
        return None
    except asyncio.LimitOverrunError:
        raise Malformed("head too long") from None
    return parse_head(raw)


def parse_head(raw: bytes) -> Head:
    """Take a head apart.

    Raises:
        Malformed: it is none, or too long.
    """
    first, *lines = raw.strip(b"\r\n").split(b"\r\n")
    start = first.split(b" ", 2)
    if len(raw) > LONGEST_HEAD or len(start) < 2:  # noqa: PLR2004 - a response may lack the phrase
        raise Malformed("first line")
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise Malformed("header line")
        headers.append((name, value.strip(b" \t")))
    fields = {name.lower(): value for name, value in headers}
    return Head((start[0], start[1], start[2] if len(start) > 2 else b""), headers, fields, len(raw))  # noqa: PLR2004 - as above


def request_framing(head: Head) -> Framing:
    """Return how a request's body ends.

    Raises:
        Malformed: two headers contradict each other.
    """
    return _framing(head, NOTHING)


def response_framing(head: Head, method: bytes) -> Framing:
    """Return how a response's body ends.

    Raises:
        Malformed: two headers contradict each other.
    """
    if method == b"HEAD" or head.status in _NO_BODY or head.status < _INFORMATIONAL:
        return NOTHING
    return _framing(head, UNTIL_CLOSE)


def _framing(head: Head, default: Framing) -> Framing:
    coding = head.fields.get(b"transfer-encoding")
    lengths = {value for name, value in head.headers if name.lower() == b"content-length"}
    if coding:
        if lengths or coding.lower() != b"chunked":
            raise Malformed("transfer-encoding")
        return CHUNKED
    if not lengths:
        return default
    length = lengths.pop()
    if lengths or not length.isdigit():
        raise Malformed("content-length")
    return Framing(int(length))


async def read_body(reader: asyncio.StreamReader, framing: Framing) -> AsyncIterator[bytes]:
    """Give a body in pieces, without its framing.

    Raises:
        Malformed: it is cut off, or its chunks are none.
    """
    if framing.chunked:
        async for piece in _read_chunks(reader):
            yield piece
        return
    left = framing.length
    while left is None or left > 0:
        piece = await reader.read(_CHUNK if left is None else min(left, _CHUNK))
        if not piece:
            if left is None:
                return
            raise Malformed("body cut off")
        left = None if left is None else left - len(piece)
        yield piece


async def _read_chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    try:
        while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            left = size
            while left:
                piece = await reader.read(min(left, _CHUNK))
                if not piece:
                    raise Malformed("chunk cut off")
                left -= len(piece)
                yield piece
            await reader.readexactly(2)
        while await reader.readuntil(b"\r\n") != b"\r\n":
            pass  # trailers are not passed on
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        raise Malformed("chunks") from None


async def send_body(writer: asyncio.StreamWriter, pieces: AsyncIterator[bytes], *, chunked: bool) -> int:
    """Send a body's pieces, as chunks if wanted, and return how many bytes it had."""
    sent = 0
    async for piece in pieces:
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        sent += len(piece)
        await writer.drain()
    if chunked:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    return sent


def encode_head(start: tuple[bytes, bytes, bytes], headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a head as bytes."""
    lines = [b" ".join(start), *(b"%b: %b" % header for header in headers), b"", b""]
    return b"\r\n".join(lines)


def end_to_end(head: Head) -> Headers:
    """Return the headers that are passed on: all but those of this one connection and of the body's framing."""
    named = {token.strip().lower() for token in head.fields.get(b"connection", b"").split(b",")}
    return [
        header
        for header in head.headers
        if (name := header[0].lower()) not in HOP_BY_HOP and name not in named and name != b"content-length"
    ]
