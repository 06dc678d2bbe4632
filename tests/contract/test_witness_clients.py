"""Clients beyond the common ones are seen and traced like them: urllib3, gRPC, websocket-client, and what only acts."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from tests.contract.pytest_suite_orders import outcomes, run
from tests.liars.deployed import Deployed, deployed
from untilgreen.model.suite import Exchange, Outcome, Sighting
from untilgreen.ports import SuiteOutput

WEBSOCKET_CLIENT = importlib.util.find_spec("websocket") is not None
TESTS = {
    "test_http.py": """
        import asyncio, os

        URL = os.environ["URL"]

        def test_urllib3():
            import urllib3
            assert urllib3.PoolManager().request("GET", URL + "/old").status == 200

        def test_aiohttp_redirected():
            import aiohttp
            async def main():
                async with aiohttp.ClientSession() as client, client.get(URL + "/old") as response:
                    return response.status
            assert asyncio.run(main()) == 200

        def test_localhost():
            import httpx
            assert httpx.get(URL.replace("127.0.0.1", "localhost") + "/health").status_code == 200

        def test_some_from_nowhere():
            import httpx
            assert httpx.get(URL + "/health").status_code == 200
            with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client:
                assert client.get(URL + "/health").status_code == 200

        def test_in_this_process():
            from starlette.applications import Starlette
            from starlette.testclient import TestClient
            assert TestClient(Starlette()).get("/").status_code == 404
    """,
    "test_grpc.py": """
        import asyncio, os
        import grpc, grpc.aio
        import pytest

        TARGET = os.environ["TARGET"]

        def test_calls():
            with grpc.insecure_channel(TARGET) as channel:
                echo = channel.unary_unary("/moon.Agents/Echo")
                assert echo(b"a", 5, (("authorization", "Bearer one"),)) == b"a"
                assert echo.with_call(b"b", timeout=5)[0] == b"b"
                assert echo.future(b"c", timeout=5).result() == b"c"

        def test_refused():
            with grpc.insecure_channel(TARGET) as channel, pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary("/moon.Agents/Deny")(b"", timeout=5)
            assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED

        def test_streams():
            with grpc.insecure_channel(TARGET) as channel:
                assert list(channel.unary_stream("/moon.Agents/Many")(b"", timeout=5)) == [b"0", b"1"]
                assert list(channel.stream_stream("/moon.Agents/Chat")(iter([b"a", b"b"]), timeout=5)) == [b"a", b"b"]

        def test_nobody():
            with grpc.insecure_channel("127.0.0.1:9") as channel, pytest.raises(grpc.RpcError):
                channel.unary_unary("/moon.Agents/Echo")(b"", timeout=5)

        def test_asyncio():
            async def main():
                async with grpc.aio.insecure_channel(TARGET) as channel:
                    assert await channel.unary_unary("/moon.Agents/Echo")(b"a", timeout=5) == b"a"
                    with pytest.raises(grpc.aio.AioRpcError):
                        await channel.unary_unary("/moon.Agents/Deny")(b"", timeout=5)
                    return [part async for part in channel.unary_stream("/moon.Agents/Many")(b"", timeout=5)]
            assert asyncio.run(main()) == [b"0", b"1"]
    """,
    "test_websocket_client.py": """
        import os
        import pytest

        websocket = pytest.importorskip("websocket")
        URL = os.environ["URL"].replace("http", "ws") + "/ws"

        def test_conversation():
            socket = websocket.create_connection(URL, header=["Authorization: Bearer token-of-ada"])
            socket.send("hello")
            assert socket.recv() == "echo hello"
            socket.send("bad")
            socket.recv_data()
            socket.close()

        def test_no_token():
            with pytest.raises(websocket.WebSocketBadStatusException):
                websocket.create_connection(URL, header={"X-Mine": "1"})
    """,
}


class Agents(grpc.GenericRpcHandler):
    """A gRPC service without generated code; it remembers the metadata."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str]]] = []

    def service(self, handler_call_details: Any) -> Any:
        """Return what handles a method."""
        name = handler_call_details.method.rpartition("/")[2]
        self.seen.append((name, dict(handler_call_details.invocation_metadata)))
        return {
            "Echo": grpc.unary_unary_rpc_method_handler(lambda request, _: request),
            "Deny": grpc.unary_unary_rpc_method_handler(
                lambda _, context: context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")
            ),
            "Many": grpc.unary_stream_rpc_method_handler(lambda *_: iter([b"0", b"1"])),
            "Chat": grpc.stream_stream_rpc_method_handler(lambda requests, _: requests),
        }[name]


@pytest.fixture(scope="module")
def agents() -> Iterator[tuple[Agents, str]]:
    """Run the gRPC service, and say where."""
    handler = Agents()
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield handler, f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.fixture(scope="module")
def service() -> Iterator[Deployed]:
    """Run the HTTP service."""
    with deployed() as running:
        yield running


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, service: Deployed, agents: tuple[Agents, str]) -> SuiteOutput:
    """Run all tests under the witness, once."""
    env, hosts = {"URL": service.url, "TARGET": agents[1]}, (service.host, agents[1])
    return run(tmp_path_factory.mktemp("clients"), TESTS, env=env, hosts=hosts, workers=1)


def sighting(output: SuiteOutput, name: str) -> Sighting:
    """Return what was seen of the test of this name."""
    (found,) = (attempt.sighting for nodeid, attempt in output.attempts.items() if nodeid.endswith(f"::{name}"))
    assert found is not None
    return found


def exchanged(output: SuiteOutput, name: str) -> list[tuple[str, str, str, int | None]]:
    """Return a test's exchanges without what varies."""
    return [(e.client, e.method, e.path, e.status) for e in sighting(output, name).exchanges]


def test_they_pass_as_they_would_alone(seen: SuiteOutput) -> None:
    """The witness changes no outcome."""
    assert {name: end for name, end in outcomes(seen).items() if end is not Outcome.PASSED} == {}
    assert seen.notes == ()


@pytest.mark.parametrize(
    ("test", "wanted"),
    [
        ("urllib3", [("urllib3", "GET", "/old", 302), ("urllib3", "GET", "/health", 200)]),
        ("aiohttp_redirected", [("aiohttp", "GET", "/old", 302), ("aiohttp", "GET", "/health", 200)]),
        ("refused", [("grpc", "POST", "/moon.Agents/Deny", 403)]),
        ("nobody", [("grpc", "POST", "/moon.Agents/Echo", None)]),
        ("calls", [("grpc", "POST", "/moon.Agents/Echo", 200)] * 3),
        ("streams", [("grpc", "POST", f"/moon.Agents/{name}", 200) for name in ("Many", "Chat")]),
        (
            "asyncio",
            [("grpc", "POST", f"/moon.Agents/{n}", s) for n, s in (("Echo", 200), ("Deny", 403), ("Many", 200))],
        ),
    ],
)
def test_every_answer_is_an_exchange(
    seen: SuiteOutput, test: str, wanted: list[tuple[str, str, str, int | None]]
) -> None:
    """Each hop and each call is seen once, with the status that HTTP has for it; what nobody answered has none."""
    assert exchanged(seen, f"test_{test}") == wanted


@pytest.mark.parametrize("test", ["test_calls", "test_streams", "test_asyncio"])
def test_bytes_that_python_does_not_move_are_counted(seen: SuiteOutput, test: str) -> None:
    """The kernel knows the connections that libraries in C open, too."""
    assert sighting(seen, test).bytes_received > 100


def test_grpc_carries_the_trace(seen: SuiteOutput, agents: tuple[Agents, str]) -> None:
    """Metadata names trace, test and phase, beside what the test itself sends, which is kept as a hash only."""
    (first, *_) = [metadata for name, metadata in agents[0].seen if name == "Echo"]
    traced = sighting(seen, "test_calls")
    assert first["traceparent"].split("-")[1] == traced.trace
    assert first["x-cloud-trace-context"].startswith(traced.trace)
    assert (first["x-untilgreen-phase"], first["authorization"]) == ("call", "Bearer one")
    assert [bool(exchange.principal) for exchange in traced.exchanges] == [True, False, False]
    assert "Bearer" not in seen.model_dump_json()


def test_bytes_are_counted_for_each_answer(seen: SuiteOutput) -> None:
    """An answer that came from nowhere stands out among those that came over the network."""
    real, mocked = (exchange.received for exchange in sighting(seen, "test_some_from_nowhere").exchanges)
    assert real is not None
    assert real > 100
    assert mocked == 0


def test_localhost_is_the_deployed_host(seen: SuiteOutput, service: Deployed) -> None:
    """Another name of the loopback interface is the same place: it is traced and counted."""
    found = sighting(seen, "test_localhost")
    assert [exchange.host for exchange in found.exchanges] == [service.host]
    assert found.bytes_received > 100
    assert any(found.trace in row.trace for row in service.rows)


def test_an_application_in_this_process_is_named(seen: SuiteOutput) -> None:
    """A client that calls an application without a network is no client."""
    assert sighting(seen, "test_in_this_process").mocks == ("starlette.testclient.TestClient",)


@pytest.mark.skipif(not WEBSOCKET_CLIENT, reason="websocket-client is not installed here")
def test_websocket_client_is_seen(seen: SuiteOutput, service: Deployed) -> None:
    """A conversation has its handshake's status, its close code and its trace; a refused one has its status."""
    (conversation,) = sighting(seen, "test_conversation").exchanges
    assert kept(conversation) == ("websocket", "WS", "/ws", 101, 4400)
    assert conversation.principal
    (refused,) = sighting(seen, "test_no_token").exchanges
    assert kept(refused) == ("websocket", "WS", "/ws", 401, None)
    traces = {row.trace.rpartition("/")[2] for row in service.rows}
    assert {sighting(seen, name).trace for name in ("test_conversation", "test_no_token")} <= traces


def kept(exchange: Exchange) -> tuple[str, str, str, int | None, int | None]:
    """Return an exchange without what varies."""
    return exchange.client, exchange.method, exchange.path, exchange.status, exchange.close_code
