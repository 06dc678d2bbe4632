"""One patch for each HTTP library: the lowest layer sends the trace, the highest one records."""

from __future__ import annotations

import functools
from typing import Any
from urllib.parse import urlsplit

from .exchanges import credentials_in, open_exchange, place, recording, trace_headers
from .sight import counting, harmless, patch_now


@harmless
def httpx_request(args: Any, _: Any) -> tuple[str, str, str, str, Any]:
    """Describe `Client._send_single_request(self, request)`."""
    request, url = args[1], args[1].url
    where = place(url.host, url.port, url.scheme)
    return "httpx", request.method, where, url.raw_path.decode("latin-1"), credentials_in(request.headers.items())


def patch_httpx(module: Any) -> None:
    """Record above the transport: a mocked transport answers too, and then no bytes go with it."""
    sync, asynchronous = recording(httpx_request, "status_code")
    patch_now(module.Client, "_send_single_request", sync)
    patch_now(module.AsyncClient, "_send_single_request", asynchronous)
    patch_now(module.Response, "raise_for_status", counting)


@harmless
def httpcore_request(args: Any, _: Any) -> tuple[str, str, str, str, Any]:
    """Send the trace with `ConnectionPool.handle_request(self, request)`, and describe it."""
    request, url = args[1], args[1].url
    where = place(url.host.decode("latin-1"), url.port, url.scheme.decode("latin-1"))
    ours = trace_headers(where, [name.decode("latin-1") for name, _ in request.headers])
    request.headers = [*request.headers, *((name.encode(), value.encode()) for name, value in ours.items())]
    method = request.method.decode("latin-1")
    return "httpcore", method, where, url.target.decode("latin-1"), credentials_in(request.headers)


def patch_httpcore(module: Any) -> None:
    """Send the trace; record for those who use httpcore without httpx."""
    sync, asynchronous = recording(httpcore_request, "status")
    patch_now(module.ConnectionPool, "handle_request", sync)
    patch_now(module.AsyncConnectionPool, "handle_async_request", asynchronous)


@harmless
def requests_request(args: Any, _: Any) -> tuple[str, str, str, str, Any]:
    """Describe `Session.send(self, request)`."""
    request = args[1]
    url = urlsplit(request.url or "")
    where = place(url.hostname or "", url.port, url.scheme)
    return "requests", request.method, where, url.path, credentials_in(request.headers.items())


@harmless
def requests_hops(answers: list[Any]) -> None:
    """Record the answers that followed the first one."""
    for answer in answers:
        exchange = open_exchange(*requests_request((None, answer.request), {}))
        exchange.status, exchange.latency_ms = answer.status_code, answer.elapsed.total_seconds() * 1000


class FirstAnswer:
    """The answer that a redirect began with, and what `requests` hands out in the end."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.answers = [*(getattr(response, "history", None) or ()), response]
        self.status_code = getattr(self.answers[0], "status_code", None)


def patch_requests(module: Any) -> None:
    """Record each hop of a redirect; http.client below sends the trace."""
    sync, _ = recording(requests_request, "status_code")

    def send(call: Any) -> Any:
        one = sync(lambda *args, **kwargs: FirstAnswer(call(*args, **kwargs)))

        def hopping(*args: Any, **kwargs: Any) -> Any:
            first = one(*args, **kwargs)
            requests_hops(first.answers[1:])
            return first.response

        return hopping

    patch_now(module.Session, "send", send)
    patch_now(module.Response, "raise_for_status", counting)


@harmless
def urllib3_request(args: Any, kwargs: Any) -> tuple[str, str, str, str, Any]:
    """Describe `HTTPConnectionPool._make_request(self, connection, method, url, ..., headers=)`."""
    pool, _, method, url = args[:4]
    target = urlsplit(url)
    far = (target.hostname, target.port, target.scheme) if target.hostname else (pool.host, pool.port, pool.scheme)
    where = place(*far)
    return "urllib3", method, where, target.path, credentials_in((kwargs.get("headers") or {}).items())


def patch_urllib3(module: Any) -> None:
    """Record each attempt and each hop above the connection, which cassettes replace; http.client sends the trace."""
    sync, _ = recording(urllib3_request, "status")
    patch_now(module.HTTPConnectionPool, "_make_request", sync)


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
    where = place(target.hostname, target.port, target.scheme) if target.hostname else connected_to(connection)
    connection.untilgreen_request = (method, where, target.path, {})


def connected_to(connection: Any) -> str:
    """Return the far end of a connection, beyond a tunnel."""
    host = getattr(connection, "_tunnel_host", None) or connection.host
    return place(host, getattr(connection, "_tunnel_port", None) or connection.port)


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
