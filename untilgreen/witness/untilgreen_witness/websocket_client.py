"""The package `websocket` (websocket-client): blocking conversations."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .exchanges import INSIDE, credentials_in, open_exchange, place, trace_headers
from .sight import harmless, patch_now

CLOSE = 8
"""The opcode of a frame that ends a conversation (RFC 6455, 5.5.1)."""


def patch_websocket_client(module: Any) -> None:
    """Send the trace with each handshake; record the handshake's status and the code that the service closed with."""

    def connect(call: Any) -> Any:
        def opened(self: Any, url: str, **options: Any) -> Any:
            exchange = begin(self, url, options)
            inside = INSIDE.set(True)
            try:
                return call(self, url, **options)
            except Exception as error:
                answered(exchange, getattr(error, "status_code", None))
                raise
            finally:
                INSIDE.reset(inside)
                answered(exchange, getattr(getattr(self, "handshake_response", None), "status", None))

        return opened

    def receive(call: Any) -> Any:
        def frame_received(self: Any) -> Any:
            frame = call(self)
            note_close(self, frame)
            return frame

        return frame_received

    patch_now(module.WebSocket, "connect", connect)
    patch_now(module.WebSocket, "recv_frame", receive)


@harmless
def begin(socket: Any, url: str, options: dict[str, Any]) -> Any:
    """Add the trace to the handshake's headers, which are a mapping or lines, and begin to record."""
    target = urlsplit(url)
    where = place(target.hostname or "", target.port, target.scheme)
    given = options.get("header") or []
    lines = [f"{n}: {v}" for n, v in given.items()] if isinstance(given, Mapping) else list(given)
    pairs = [(name.strip(), value.strip()) for name, _, value in (str(line).partition(":") for line in lines)]
    ours = trace_headers(where, [name for name, _ in pairs])
    options["header"] = [*lines, *(f"{name}: {value}" for name, value in ours.items())]
    credentials = credentials_in(pairs) or options.get("cookie")
    exchange = socket.untilgreen_exchange = open_exchange("websocket", "WS", where, target.path, credentials)
    return exchange


@harmless
def answered(exchange: Any, status: Any) -> None:
    """Note the status that the handshake got, once."""
    if exchange is not None and exchange.status is None and isinstance(status, int):
        exchange.status = status
        exchange.end()


@harmless
def note_close(socket: Any, frame: Any) -> None:
    """Note the code that the service closed with."""
    exchange = getattr(socket, "untilgreen_exchange", None)
    if exchange is not None and frame is not None and frame.opcode == CLOSE and len(frame.data) > 1:
        (code,) = struct.unpack_from("!H", frame.data)
        exchange.close_code = lambda: code
