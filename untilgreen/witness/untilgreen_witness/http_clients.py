"""One patch for each HTTP library: the lowest layer sends the trace, the highest one records."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .sight import counting, credentials_in, open_exchange, patch_now, place, recording, trace_headers


def patch_httpx(module: Any) -> None:
    """Record above the transport: a mocked transport answers too, and then no bytes go with it."""

    def describe(request: Any) -> tuple[str, str, str, str, Any]:
        url = request.url
        where = place(url.host, url.port, url.scheme)
        return "httpx", request.method, where, url.raw_path.decode("latin-1"), credentials_in(request.headers.items())

    def sync(call: Any) -> Any:
        def send(self: Any, request: Any) -> Any:
            with recording(*describe(request)) as exchange:
                response = call(self, request)
                exchange.status = response.status_code
                return response

        return send

    def asynchronous(call: Any) -> Any:
        async def send(self: Any, request: Any) -> Any:
            with recording(*describe(request)) as exchange:
                response = await call(self, request)
                exchange.status = response.status_code
                return response

        return send

    patch_now(module.Client, "_send_single_request", sync)
    patch_now(module.AsyncClient, "_send_single_request", asynchronous)
    patch_now(module.Response, "raise_for_status", counting)


def patch_httpcore(module: Any) -> None:
    """Send the trace; record for those who use httpcore without httpx."""

    def describe(request: Any) -> tuple[str, str, str, str, Any]:
        url = request.url
        where = place(url.host.decode("latin-1"), url.port, url.scheme.decode("latin-1"))
        present = [name.decode("latin-1") for name, _ in request.headers]
        request.headers = [
            *request.headers,
            *((k.encode(), v.encode()) for k, v in trace_headers(where, present).items()),
        ]
        method = request.method.decode("latin-1")
        return "httpcore", method, where, url.target.decode("latin-1"), credentials_in(request.headers)

    def sync(call: Any) -> Any:
        def handle(self: Any, request: Any) -> Any:
            with recording(*describe(request)) as exchange:
                response = call(self, request)
                exchange.status = response.status
                return response

        return handle

    def asynchronous(call: Any) -> Any:
        async def handle(self: Any, request: Any) -> Any:
            with recording(*describe(request)) as exchange:
                response = await call(self, request)
                exchange.status = response.status
                return response

        return handle

    patch_now(module.ConnectionPool, "handle_request", sync)
    patch_now(module.AsyncConnectionPool, "handle_async_request", asynchronous)


def patch_requests(module: Any) -> None:
    """Record each hop of a redirect; http.client below sends the trace."""

    def make(call: Any) -> Any:
        def send(self: Any, request: Any, **kwargs: Any) -> Any:
            url = urlsplit(request.url or "")
            where = place(url.hostname or "", url.port, url.scheme)
            with recording(
                "requests", request.method, where, url.path, credentials_in(request.headers.items())
            ) as exchange:
                response: Any = call(self, request, **kwargs)
                answers: list[Any] = [*response.history, response]
                exchange.status = answers[0].status_code
            for hop in answers[1:]:
                url = urlsplit(hop.request.url)
                where = place(url.hostname or "", url.port, url.scheme)
                credentials = credentials_in(hop.request.headers.items())
                later = open_exchange("requests", hop.request.method, where, url.path, credentials)
                later.status, later.latency_ms = hop.status_code, hop.elapsed.total_seconds() * 1000
            return response

        return send

    patch_now(module.Session, "send", make)
    patch_now(module.Response, "raise_for_status", counting)


def patch_http_client(module: Any) -> None:
    """Cover urllib, urllib3 and requests: all end in http.client.HTTPConnection."""
    for patch in (putrequest, putheader, endheaders, getresponse):
        patch_now(module.HTTPConnection, patch.__name__, patch)


def putrequest(call: Any) -> Any:
    """Note where a request goes."""

    def start(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        target = urlsplit(url)
        host = target.hostname or getattr(self, "_tunnel_host", None) or self.host
        port = target.port or getattr(self, "_tunnel_port", None) or self.port
        self.untilgreen_request = (method, place(host, port), target.path, {})
        return call(self, method, url, *args, **kwargs)

    return start


def putheader(call: Any) -> Any:
    """Note which headers it has."""

    def put(self: Any, header: Any, *values: Any) -> Any:
        name = header.decode("latin-1") if isinstance(header, bytes) else str(header)
        if hasattr(self, "untilgreen_request"):
            self.untilgreen_request[3][name] = values[0] if values else ""
        return call(self, header, *values)

    return put


def endheaders(call: Any) -> Any:
    """Send the trace with it, and begin to record."""

    def end(self: Any, *args: Any, **kwargs: Any) -> Any:
        if hasattr(self, "untilgreen_request"):
            method, where, path, headers = self.untilgreen_request
            for name, value in trace_headers(where, headers).items():
                self.putheader(name, value)
            credentials = credentials_in(headers.items())
            self.untilgreen_exchange = open_exchange("http.client", method, where, path, credentials)
        return call(self, *args, **kwargs)

    return end


def getresponse(call: Any) -> Any:
    """Record the answer."""

    def get(self: Any, *args: Any, **kwargs: Any) -> Any:
        response = call(self, *args, **kwargs)
        if hasattr(self, "untilgreen_exchange"):
            self.untilgreen_exchange.status = response.status
            self.untilgreen_exchange.end()
        return response

    return get
