"""The front of a service: what reaches the container, what comes back, and what the request log says."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from http.client import IncompleteRead
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from google.protobuf import duration_pb2

from tests.contract.emulator_cloud import (
    GOOD,
    PROJECT,
    SPAN,
    Cloud,
    a_trace,
    get,
    parent,
    request_entry,
    service,
    shared,
    short,
    unique,
)


@pytest.fixture
def cloud() -> Cloud:
    return shared()


@pytest.fixture(scope="module")
def app() -> Any:
    """One service that most of these tests share."""
    return shared().deploy(service(unique("proxy"), shared().push(GOOD), labels={"cycle": "c7"}))


def test_request_log_tells_everything(cloud: Cloud, app: Any) -> None:
    """Each request leaves one entry with its trace, its revision and what was asked and answered."""
    trace = a_trace()
    get(f"{app.uri}/path?a=1&b=%20", parent(trace) | {"User-Agent": "probe/1", "Referer": "http://r"})
    entry = request_entry(cloud, trace)
    request = entry.http_request
    assert entry.log_name == f"projects/{PROJECT}/logs/run.googleapis.com%2Frequests"
    assert (request.request_method, request.status) == ("GET", 200)
    assert request.request_url == f"{app.uri}/path?a=1&b=%20"
    assert (request.user_agent, request.referer, request.remote_ip) == ("probe/1", "http://r", "127.0.0.1")
    assert request.response_size > 0
    assert request.latency.seconds + request.latency.nanos > 0
    assert entry.trace_sampled
    assert entry.labels["cycle"] == "c7"
    assert entry.labels["instanceId"]
    assert dict(entry.resource.labels) == {
        "project_id": PROJECT,
        "location": "moon-central1",
        "service_name": short(app.name),
        "configuration_name": short(app.name),
        "revision_name": short(app.latest_ready_revision),
    }


def test_container_learns_the_trace(cloud: Cloud, app: Any) -> None:
    """The container gets the caller's trace in both headers, with the platform's own span, which the log names too."""
    trace = a_trace()
    headers = json.loads(get(app.uri, parent(trace))[1])["headers"]
    span = request_entry(cloud, trace).span_id
    assert headers["traceparent"] == f"00-{trace}-{span}-01"
    assert headers["X-Cloud-Trace-Context"] == f"{trace}/{int(span, 16)};o=1"
    assert (headers["X-Forwarded-For"], headers["X-Forwarded-Proto"]) == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    "sent",
    [{}, {"traceparent": "00-broken-01"}, {"traceparent": f"00-{'0' * 32}-{SPAN}-01"}, {"X-Cloud-Trace-Context": "x"}],
)
def test_request_without_a_usable_trace_gets_one(app: Any, sent: dict[str, str]) -> None:
    """A trace is made when the caller brings none that can be used."""
    _, trace, span, _ = json.loads(get(app.uri, sent)[1])["headers"]["traceparent"].split("-")
    assert (len(trace), len(span)) == (32, 16)
    assert int(trace, 16) > 0


def test_google_trace_header_is_understood(cloud: Cloud, app: Any) -> None:
    """The older header gives the trace when there is no traceparent."""
    trace = a_trace()
    get(app.uri, {"X-Cloud-Trace-Context": f"{trace}/1234;o=1"})
    assert request_entry(cloud, trace).trace_sampled


def test_bodies_pass_unchanged(app: Any) -> None:
    """Small, large, chunked and streamed bodies arrive as they were sent."""
    large = bytes(range(256)) * 12_000
    assert get(app.uri, data=b"small") == (201, b"small")
    assert get(app.uri, data=large) == (201, large)
    assert get(f"{app.uri}/stream") == (200, b"x" * 1_000_000)

    async def pieces() -> Any:
        for start in range(0, len(large), 100_000):
            yield large[start : start + 100_000]

    async def chunked() -> bytes:
        async with aiohttp.ClientSession() as session, session.post(app.uri, data=pieces()) as response:
            return await response.read()

    assert asyncio.run(chunked()) == large


def test_one_connection_serves_many_requests(app: Any) -> None:
    """A client's connection stays open between requests, after HEAD and errors too."""

    async def many() -> list[int]:
        connector = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(connector=connector) as session:
            statuses = []
            for method in ("GET", "HEAD", "POST", "GET") * 5:
                body = b"x" if method == "POST" else None
                async with session.request(method, app.uri, data=body) as response:
                    await response.read()
                    statuses.append(response.status)
            return statuses

    assert asyncio.run(many()) == [200, 501, 201, 200] * 5


def test_pipelined_and_old_requests(app: Any) -> None:
    """Requests sent back to back are answered in order, and HTTP/1.0 is answered with a closed connection."""
    address = urlsplit(app.uri)
    with socket.create_connection((address.hostname, address.port), timeout=5) as client:
        client.sendall(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.0\r\nHost: a\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(65_536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 2
    assert received.endswith(b"}")


@pytest.mark.parametrize(
    "request_text",
    [
        b"NONSENSE\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Name : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_ambiguous_requests_are_refused(app: Any, request_text: bytes) -> None:
    """What two servers could understand differently never reaches the container."""
    address = urlsplit(app.uri)
    with socket.create_connection((address.hostname, address.port), timeout=5) as client:
        client.sendall(request_text)
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_timeout_of_the_template(cloud: Cloud) -> None:
    """A request that takes longer than the template allows gets 504."""
    state = cloud.deploy(service(unique(), cloud.push(GOOD), timeout=duration_pb2.Duration(seconds=1)))
    trace = a_trace()
    assert get(f"{state.uri}/slow", parent(trace))[0] == 504
    entry = request_entry(cloud, trace)
    assert (entry.http_request.status, entry.severity) == (504, 500)
    assert "maximum request timeout" in entry.text_payload


def test_client_that_leaves_is_logged(cloud: Cloud, app: Any) -> None:
    """A client that goes before the answer leaves an entry with status 499."""
    trace = a_trace()
    address = urlsplit(app.uri)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(f"GET /slow HTTP/1.1\r\nHost: a\r\ntraceparent: 00-{trace}-{SPAN}-01\r\n\r\n".encode())
        time.sleep(0.1)
    assert request_entry(cloud, trace).http_request.status == 499


BROKEN = r"""
import os, socket, time
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=50)
ANSWERS = {
    "/garbage": b"this is no HTTP\r\n\r\n",
    "/silent": b"",
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    "/cut-late": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"z" * 500_000,
    "/until-close": b"HTTP/1.0 200 OK\r\n\r\n" + b"z" * 100_000,
    "/early": b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!",
    "/interim": b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
}
while True:
    connection, _ = listener.accept()
    head = connection.recv(65536).decode("latin-1")
    if head:
        connection.sendall(ANSWERS[head.split()[1]])
        connection.shutdown(socket.SHUT_WR)
        while "/early" in head and connection.recv(65536):
            pass
    connection.close()
"""


@pytest.fixture(scope="module")
def broken() -> Any:
    return shared().deploy(service(unique("broken"), shared().push(BROKEN)))


@pytest.mark.parametrize("path", ["/garbage", "/silent", "/cut"])
def test_broken_answer_is_a_503(cloud: Cloud, broken: Any, path: str) -> None:
    """An instance that hangs up or speaks no HTTP gives 503, and the log says that it was the instance."""
    trace = a_trace()
    assert get(broken.uri + path, parent(trace)) == (503, b"Service Unavailable")
    assert "connection to the instance had an error" in request_entry(cloud, trace).text_payload


def test_cut_answer_is_cut_for_the_client(broken: Any) -> None:
    """A body that the instance cuts off never looks whole to the client."""
    with pytest.raises((IncompleteRead, ConnectionError)):
        get(f"{broken.uri}/cut-late")


def test_odd_answers_pass(broken: Any) -> None:
    """A body that ends with the connection, an early refusal of a long upload, and interim answers all arrive."""
    assert get(f"{broken.uri}/until-close") == (200, b"z" * 100_000)
    assert get(f"{broken.uri}/early", data=b"u" * 3_000_000) == (413, b"no!")
    assert get(f"{broken.uri}/interim") == (204, b"")
