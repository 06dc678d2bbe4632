"""One patch for aiohttp and for each form of websockets."""

from __future__ import annotations

from typing import Any

from .sight import counting, credentials_in, open_exchange, patch_now, place, recording, trace_headers


def patch_aiohttp(module: Any) -> None:
    """Send the trace and record; a WebSocket is told from a request by how it was opened."""

    def request(call: Any) -> Any:
        async def send(self: Any, method: str, target: Any, **kwargs: Any) -> Any:
            url = self._build_url(target)
            where = place(url.host or "", url.port, url.scheme)
            headers = self._prepare_headers(kwargs.get("headers"))
            headers.extend(trace_headers(where, headers))
            kwargs["headers"] = headers
            with recording("aiohttp", method, where, url.raw_path, credentials_in(headers.items())) as exchange:
                response = await call(self, method, target, **kwargs)
                exchange.status = response.status
                response.untilgreen_exchange = exchange
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


def patch_websockets(module: Any) -> None:
    """The sans-I/O protocol is what the threaded and the asyncio client share."""

    def send_request(call: Any) -> Any:
        def send(self: Any, request: Any) -> Any:
            where = place(self.uri.host, self.uri.port)
            for name, value in trace_headers(where, request.headers).items():
                request.headers[name] = value
            credentials = credentials_in(request.headers.raw_items())
            exchange = open_exchange("websockets", "WS", where, request.path, credentials)
            exchange.close_code = lambda: self.close_rcvd.code if self.close_rcvd else self.close_code
            self.untilgreen_exchange = exchange
            return call(self, request)

        return send

    def process_response(call: Any) -> Any:
        def process(self: Any, response: Any) -> Any:
            exchange = getattr(self, "untilgreen_exchange", None)
            if exchange is not None:
                exchange.status = response.status_code
                exchange.end()
            return call(self, response)

        return process

    patch_now(module.ClientProtocol, "send_request", send_request)
    patch_now(module.ClientProtocol, "process_response", process_response)


def patch_old_websockets(module: Any) -> None:
    """The asyncio client that was the default before websockets 14."""

    def write(call: Any) -> Any:
        def request(self: Any, path: str, headers: Any) -> Any:
            host, _, port = headers["Host"].rpartition(":") if ":" in headers["Host"] else (headers["Host"], "", "")
            where = place(host, int(port) if port else None, "wss" if self.secure else "ws")
            for name, value in trace_headers(where, headers).items():
                headers[name] = value
            exchange = open_exchange("websockets", "WS", where, path, credentials_in(headers.raw_items()))
            exchange.close_code = lambda: self.close_code
            self.untilgreen_exchange = exchange
            return call(self, path, headers)

        return request

    def read(call: Any) -> Any:
        async def response(self: Any) -> Any:
            status, headers = await call(self)
            self.untilgreen_exchange.status = status
            self.untilgreen_exchange.end()
            return status, headers

        return response

    patch_now(module.WebSocketClientProtocol, "write_http_request", write)
    patch_now(module.WebSocketClientProtocol, "read_http_response", read)
