"""WebSockets through the front: what passes, how they end, and what the request log says."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.contract.emulator_cloud import Cloud, a_trace, parent, request_entry, service, shared, short, unique

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


@pytest.fixture
def cloud() -> Cloud:
    return shared()


@pytest.fixture(scope="module")
def sockets() -> Any:
    return shared().deploy(service(unique("ws"), shared().push(SOCKETS)))


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


def test_socket_that_is_refused(sockets: Any) -> None:
    """A container that refuses a WebSocket is heard."""

    async def talk() -> int:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                await session.ws_connect(f"{sockets.uri}/nowhere")
            return error.value.status

    assert asyncio.run(talk()) == 404
