"""One patch for each HTTP library: the lowest layer sends the trace, the highest one records."""

from __future__ import annotations

import functools
from typing import Any
from urllib.parse import urlsplit

from .sight import counting, credentials_in, harmless, open_exchange, patch_now, place, recording, trace_headers


def patch_httpx(module: Any) -> None:
    """Record above the transport: a mocked transport answers too, and then no bytes go with it."""

    @harmless
    def describe(request: Any) -> tuple[str, str, str, str, Any]:
        url = request.url
        where = place(url.host, url.port, url.scheme)
        return "httpx", request.method, where, url.raw_path.decode("latin-1"), credentials_in(request.headers.items())

    def sync(call: Any) -> Any:
        def send(self: Any, request: Any) -> Any:
            with recording(describe, request) as exchange:
                response = call(self, request)
                exchange.status = response.status_code
                return response

        return send

    def asynchronous(call: Any) -> Any:
        async def send(self: Any, request: Any) -> Any:
            with recording(describe, request) as exchange:
                response = await call(self, request)
                exchange.status = response.status_code
                return response

        return send

    patch_now(module.Client, "_send_single_request", sync)
    patch_now(module.AsyncClient, "_send_single_request", asynchronous)
    patch_now(module.Response, "raise_for_status", counting)


def patch_httpcore(module: Any) -> None:
    """Send the trace; record for those who use httpcore without httpx."""

    @harmless
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
            with recording(describe, request) as exchange:
                response = call(self, request)
                exchange.status = response.status
                return response

        return handle

    def asynchronous(call: Any) -> Any:
        async def handle(self: Any, request: Any) -> Any:
            with recording(describe, request) as exchange:
                response = await call(self, request)
                exchange.status = response.status
                return response

        return handle

    patch_now(module.ConnectionPool, "handle_request", sync)
    patch_now(module.AsyncConnectionPool, "handle_async_request", asynchronous)


def patch_requests(module: Any) -> None:
    """Record each hop of a redirect; http.client below sends the trace."""

    @harmless
    def describe(request: Any) -> tuple[str, str, str, str, Any]:
        url = urlsplit(request.url or "")
        where = place(url.hostname or "", url.port, url.scheme)
        return "requests", request.method, where, url.path, credentials_in(request.headers.items())

    @harmless
    def hopped(answers: list[Any]) -> None:
        for answer in answers:
            exchange = open_exchange(*describe(answer.request))
            exchange.status, exchange.latency_ms = answer.status_code, answer.elapsed.total_seconds() * 1000

    def make(call: Any) -> Any:
        def send(self: Any, request: Any, **kwargs: Any) -> Any:
            with recording(describe, request) as exchange:
                response = call(self, request, **kwargs)
                answers = [*(getattr(response, "history", None) or ()), response]
                exchange.status = answers[0].status_code
            hopped(answers[1:])
            return response

        return send

    patch_now(module.Session, "send", make)
    patch_now(module.Response, "raise_for_status", counting)


def patch_http_client(module: Any) -> None:
    """Cover urllib, urllib3 and requests: all end in http.client.HTTPConnection."""
    before = {"putrequest": request_begins, "putheader": header_added, "endheaders": headers_end}
    for name, note in before.items():
        patch_now(module.HTTPConnection, name, functools.partial(noted_before, note))
    patch_now(module.HTTPConnection, "getresponse", answered)


def noted_before(note: Any, call: Any) -> Any:
    """Return a patch that notes what a method of a connection is called with."""

    def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        note(self, *args)
        return call(self, *args, **kwargs)

    return noted


@harmless
def request_begins(connection: Any, method: str, url: str, *_: Any) -> None:
    """Note where a request goes."""
    target = urlsplit(url)
    host = target.hostname or getattr(connection, "_tunnel_host", None) or connection.host
    port = target.port or getattr(connection, "_tunnel_port", None) or connection.port
    connection.untilgreen_request = (method, place(host, port), target.path, {})


@harmless
def header_added(connection: Any, header: Any, *values: Any) -> None:
    """Note which headers it has."""
    if hasattr(connection, "untilgreen_request"):
        name = header.decode("latin-1") if isinstance(header, bytes) else str(header)
        connection.untilgreen_request[3][name] = values[0] if values else ""


@harmless
def headers_end(connection: Any, *_: Any) -> None:
    """Send the trace with it, and begin to record."""
    if hasattr(connection, "untilgreen_request"):
        method, where, path, headers = connection.untilgreen_request
        for name, value in trace_headers(where, headers).items():
            connection.putheader(name, value)
        credentials = credentials_in(headers.items())
        connection.untilgreen_exchange = open_exchange("http.client", method, where, path, credentials)


def answered(call: Any) -> Any:
    """Return a patch that records the answer."""

    def getresponse(self: Any, *args: Any, **kwargs: Any) -> Any:
        response = call(self, *args, **kwargs)
        exchange = getattr(self, "untilgreen_exchange", None)
        if exchange is not None:
            exchange.status = response.status
            exchange.end()
        return response

    return getresponse
