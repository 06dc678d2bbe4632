"""The front of a service: what reaches the container, what comes back, and what the request log says."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from google.protobuf import duration_pb2

from tests.contract.emulator_cloud import GOOD, PROJECT, Cloud, get, service, shared, short, unique

SOCKETS = """
import os
from aiohttp import web

async def talk(request):
    socket = web.WebSocketResponse(protocols=("first", "second"))
    await socket.prepare(request)
    async for message in socket:
        if message.data == "leave":
            break
        if message.data.startswith("close "):
            await socket.close(code=int(message.data[6:]), message=b"as asked")
        else:
            await socket.send_str("echo " + message.data)
    print("client closed with", socket.close_code)
    return socket

app = web.Application()
app.add_routes([web.get("/talk", talk)])
print("ready")
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, access_log=None)
"""
SPAN = "b" * 16


@pytest.fixture
def cloud() -> Cloud:
    return shared()


@pytest.fixture(scope="module")
def app() -> Any:
    """One service that most of these tests share."""
    return shared().deploy(service(unique("proxy"), shared().push(GOOD), labels={"cycle": "c7"}))


@pytest.fixture(scope="module")
def sockets() -> Any:
    return shared().deploy(service(unique("ws"), shared().push(SOCKETS)))


def a_trace() -> str:
    return unique("").strip("-").ljust(32, "0")


def parent(trace: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{SPAN}-01"}


def request_entry(cloud: Cloud, trace: str) -> Any:
    (entry,) = cloud.eventually(f'log_id("run.googleapis.com/requests") trace="projects/{PROJECT}/traces/{trace}"')
    return entry


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


@pytest.mark.parametrize("code", [1000, 1011, 4001])
def test_close_code_of_the_container_passes(cloud: Cloud, sockets: Any, code: int) -> None:
    """The container's WebSocket close code and reason reach the client; the entry says 101."""
    trace = a_trace()

    async def talk() -> tuple[str, str | None, Any, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{sockets.uri}/talk", protocols=("second",), headers=parent(trace)) as client,
        ):
            await client.send_str("hello")
            echo = await client.receive_str()
            await client.send_str(f"close {code}")
            end = await client.receive()
            return echo, client.protocol, end.data, end.extra

    assert asyncio.run(talk()) == ("echo hello", "second", code, "as asked")
    entry = request_entry(cloud, trace)
    assert (entry.http_request.status, entry.severity) == (101, 200)
    assert entry.http_request.request_url == f"{sockets.uri}/talk"


def test_close_code_of_the_client_passes(cloud: Cloud, sockets: Any) -> None:
    """The client's WebSocket close code reaches the container."""

    async def talk() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{sockets.uri}/talk") as client:
            await client.send_str("hello")
            await client.receive_str()
            await client.close(code=4444)

    asyncio.run(talk())
    revision = short(sockets.latest_ready_revision)
    cloud.eventually(f'resource.labels.revision_name="{revision}" textPayload="client closed with 4444"')


def test_many_sockets_at_once(sockets: Any) -> None:
    """A hundred conversations do not disturb one another."""

    async def talk(session: aiohttp.ClientSession, number: int) -> bool:
        async with session.ws_connect(f"{sockets.uri}/talk") as client:
            await client.send_str("x" * 1000 + str(number))
            return bool(await client.receive_str() == "echo " + "x" * 1000 + str(number))

    async def all_of_them() -> list[bool]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            return await asyncio.gather(*(talk(session, number) for number in range(100)))

    assert all(asyncio.run(all_of_them()))


def test_socket_that_is_refused(cloud: Cloud, sockets: Any) -> None:
    """A container that refuses a WebSocket is heard."""

    async def talk() -> int:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                await session.ws_connect(f"{sockets.uri}/nowhere")
            return error.value.status

    assert asyncio.run(talk()) == 404
