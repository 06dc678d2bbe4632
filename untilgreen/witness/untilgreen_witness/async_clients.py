"""One patch for aiohttp and for each form of websockets."""

from __future__ import annotations

from typing import Any

from .exchanges import Recording, credentials_in, open_exchange, place, trace_headers
from .sight import counting, harmless, patch_now


def patch_aiohttp(module: Any) -> None:
    """Send the trace and record; a WebSocket is told from a request by how it was opened."""

    @harmless
    def describe(session: Any, method: str, target: Any, kwargs: dict[str, Any]) -> tuple[str, str, str, str, Any]:
        url = session._build_url(target)  # noqa: SLF001 - where aiohttp adds its base URL
        where = place(url.host or "", url.port, url.scheme)
        headers = session._prepare_headers(kwargs.get("headers"))  # noqa: SLF001 - where it adds the session's headers
        headers.extend(trace_headers(where, headers))
        kwargs["headers"] = headers
        return "aiohttp", method, where, url.raw_path, credentials_in(headers.items())

    def request(call: Any) -> Any:
        async def send(self: Any, method: str, target: Any, **kwargs: Any) -> Any:
            with Recording(describe, self, method, target, kwargs) as exchange:
                response = await call(self, method, target, **kwargs)
                note_answers(exchange, response)
            record_hops(response, exchange)
            return response

        return send

    def socket_opened(call: Any) -> Any:
        async def connect(self: Any, *args: Any, **kwargs: Any) -> Any:
            opened = await call(self, *args, **kwargs)
            exchange = getattr(getattr(opened, "_response", None), "untilgreen_exchange", None)
            if exchange is not None:
                exchange.method, exchange.close_code = "WS", lambda: opened.close_code
            return opened

        return connect

    patch_now(module.ClientSession, "_request", request)
    patch_now(module.ClientSession, "_ws_connect", socket_opened)
    patch_now(module.ClientResponse, "raise_for_status", counting)


@harmless
def note_answers(exchange: Any, response: Any) -> None:
    """Note the first answer; a redirect goes on."""
    exchange.status = (*(getattr(response, "history", None) or ()), response)[0].status
    response.untilgreen_exchange = exchange


@harmless
def record_hops(response: Any, first: Any) -> None:
    """Record the answers that followed the first one."""
    for answer in (*response.history, response)[1:]:
        url = answer.url
        exchange = open_exchange("aiohttp", answer.method, place(url.host, url.port, url.scheme), url.raw_path, None)
        exchange.status, exchange.principal = answer.status, first.principal


@harmless
def begin_conversation(protocol: Any, path: str, headers: Any, *, secure: bool) -> None:
    """Send the trace with a handshake, and begin to record; the Host header is what all versions share."""
    host, _, port = headers["Host"].rpartition(":") if ":" in headers["Host"] else (headers["Host"], "", "")
    where = place(host.strip("[]"), int(port) if port else None, "wss" if secure else "ws")
    for name, value in trace_headers(where, headers).items():
        headers[name] = value
    exchange = open_exchange("websockets", "WS", where, path, credentials_in(headers.raw_items()))
    exchange.close_code = lambda: _close_code(protocol)
    protocol.untilgreen_exchange = exchange


@harmless
def handshake_answered(protocol: Any, status: int) -> None:
    """Note the status that the handshake got."""
    protocol.untilgreen_exchange.status = status
    protocol.untilgreen_exchange.end()


def _close_code(protocol: Any) -> int | None:
    """Return the code that the service closed with; it is known before the connection is closed altogether."""
    received = getattr(protocol, "close_rcvd", None)
    code: int | None = received.code if received else protocol.close_code
    return code


def patch_websockets(module: Any) -> None:
    """Cover the threaded and the asyncio client: they share one protocol without I/O."""

    def send_request(call: Any) -> Any:
        def send(self: Any, request: Any) -> Any:
            uri = getattr(self, "uri", None) or getattr(self, "wsuri", None)
            begin_conversation(self, request.path, request.headers, secure=getattr(uri, "secure", False))
            return call(self, request)

        return send

    def process_response(call: Any) -> Any:
        def process(self: Any, response: Any) -> Any:
            handshake_answered(self, response.status_code)
            return call(self, response)

        return process

    patch_now(module.ClientProtocol, "send_request", send_request)
    patch_now(module.ClientProtocol, "process_response", process_response)


def patch_old_websockets(module: Any) -> None:
    """Cover the asyncio client that was the default before websockets 14."""

    def write(call: Any) -> Any:
        def request(self: Any, path: str, headers: Any) -> Any:
            begin_conversation(self, path, headers, secure=getattr(self, "secure", False))
            return call(self, path, headers)

        return request

    def read(call: Any) -> Any:
        async def response(self: Any) -> Any:
            status, headers = await call(self)
            handshake_answered(self, status)
            return status, headers

        return response

    patch_now(module.WebSocketClientProtocol, "write_http_request", write)
    patch_now(module.WebSocketClientProtocol, "read_http_response", read)
