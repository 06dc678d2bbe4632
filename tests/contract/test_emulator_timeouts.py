"""The time that a request may take, and what becomes of its instance."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead
from typing import Any

import aiohttp
import pytest
from google.api_core import exceptions
from google.protobuf import duration_pb2

from tests.contract.emulator_cloud import (
    WORKER,
    Cloud,
    a_trace,
    get,
    parent,
    request_entry,
    service,
    shared,
    unique,
)

ONE_SECOND = duration_pb2.Duration(seconds=1)
TEXT = (
    "The request has been terminated because it has reached the maximum request timeout. "
    "To change this limit, see https://cloud.google.com/run/docs/configuring/request-timeout"
)
ENDLESS = """
import asyncio, os
from aiohttp import web

async def drip(request):
    response = web.StreamResponse()
    response.content_length = 1_000_000
    await response.prepare(request)
    await response.write(b"x")
    await asyncio.sleep(60)

async def talk(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str("echo " + message.data)
    return socket

app = web.Application()
app.add_routes([web.get("/drip", drip), web.get("/talk", talk)])
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, access_log=None)
"""


@pytest.fixture
def cloud() -> Cloud:
    return shared()


@pytest.fixture(scope="module")
def narrow() -> Any:
    """A service whose only instance takes one request at a time, for a second at most."""
    wanted = service(unique(), shared().push(WORKER), timeout=ONE_SECOND, max_instance_request_concurrency=1)
    wanted.template.scaling.max_instance_count = 1
    return shared().deploy(wanted)


@pytest.fixture(scope="module")
def endless() -> Any:
    return shared().deploy(service(unique(), shared().push(ENDLESS), timeout=ONE_SECOND))


def test_request_that_takes_too_long(cloud: Cloud, narrow: Any) -> None:
    """It is answered 504 with Google's text in the request log; the instance lives on and is free again."""
    before = json.loads(get(narrow.uri)[1])["pid"]
    trace = a_trace()
    assert get(f"{narrow.uri}/hold?never", parent(trace)) == (504, b"upstream request timeout")
    entry = request_entry(cloud, trace)
    assert (entry.http_request.status, entry.severity, entry.text_payload) == (504, 500, TEXT)
    assert entry.http_request.latency.seconds >= 1
    assert json.loads(get(narrow.uri)[1])["pid"] == before


def test_time_in_line_counts(narrow: Any) -> None:
    """A request that waits for a free instance until its time is over gets 504 too."""
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: get(f"{narrow.uri}/hold?never")[0], range(3)))
    assert answers == [504, 504, 504]


def test_answer_that_has_begun_is_cut(cloud: Cloud, endless: Any) -> None:
    """An answer that is not whole in time is cut off for the client, and the log says why."""
    trace = a_trace()
    with pytest.raises((IncompleteRead, ConnectionError)):
        get(f"{endless.uri}/drip", parent(trace))
    assert request_entry(cloud, trace).text_payload == TEXT


def test_socket_ends_with_its_time(cloud: Cloud, endless: Any) -> None:
    """A WebSocket lasts no longer than a request may take; the entry still says 101."""
    trace = a_trace()

    async def talk() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{endless.uri}/talk", headers=parent(trace)) as client,
        ):
            await client.send_str("hello")
            assert await client.receive_str() == "echo hello"
            return (await client.receive()).type

    assert asyncio.run(talk()) in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    entry = request_entry(cloud, trace)
    assert (entry.http_request.status, entry.text_payload) == (101, TEXT)


def test_longest_time(cloud: Cloud) -> None:
    """More than an hour is refused."""
    with pytest.raises(exceptions.InvalidArgument, match="timeoutSeconds: must be between 0 and 3600"):
        cloud.begin(service(unique(), cloud.push(WORKER), timeout=duration_pb2.Duration(seconds=3601)))
