"""What the witness says a test did is what it did: exchanges, bytes, assertions, mocks, and the trace that it sends."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.server import ServerConnection, serve

from tests.contract.pytest_suite_orders import Service, outcomes, run, service
from untilgreen.model.suite import Outcome, Sighting
from untilgreen.ports import SuiteOutput

CLIENTS = {
    "conftest.py": """
        import os, httpx, pytest

        @pytest.fixture(scope="session")
        def pooled():
            with httpx.Client(base_url=os.environ["URL"]) as client:
                yield client
    """,
    "checks.py": """
        def has_status(response, status):
            assert response.status_code == status
    """,
    "test_http.py": """
        import asyncio, http.client, os, urllib.request
        import pytest
        from checks import has_status

        URL, HOST = os.environ["URL"], os.environ["URL"].partition("//")[2]

        def test_httpx():
            import httpx
            headers = {"Authorization": "Bearer one"}
            assert httpx.get(URL + "/httpx/200?token=secret", headers=headers).status_code == 200

        def test_httpx_async():
            import httpx
            async def main():
                async with httpx.AsyncClient() as client:
                    return await client.get(URL + "/httpx_async/404")
            assert asyncio.run(main()).status_code == 404

        def test_httpcore():
            import httpcore
            assert httpcore.request("GET", URL + "/httpcore/200").status == 200

        def test_requests():
            import requests
            requests.get(URL + "/requests/200", headers={"X-Api-Key": "one"}).raise_for_status()

        def test_redirected():
            import requests
            assert requests.get(URL + "/redirected/302").status_code == 200

        def test_urllib():
            assert urllib.request.urlopen(URL + "/urllib/200").status == 200

        def test_http_client():
            connection = http.client.HTTPConnection(HOST)
            connection.request("GET", "/http_client/200", headers={"traceparent": "mine"})
            assert connection.getresponse().status == 200
            connection.close()

        def test_aiohttp():
            import aiohttp
            async def main():
                async with aiohttp.ClientSession(headers={"Authorization": "Bearer one"}) as client:
                    async with client.get(URL + "/aiohttp/200") as response:
                        return response.status
            assert asyncio.run(main()) == 200

        def test_first_on_a_pool(pooled):
            has_status(pooled.get("/first/200"), 200)

        def test_second_on_a_pool(pooled):
            has_status(pooled.get("/second/200"), 200)

        def test_nobody_answers():
            import httpx
            with pytest.raises(httpx.ConnectError):
                httpx.get("http://127.0.0.1:9/")
    """,
    "test_sockets.py": """
        import asyncio, os
        import pytest

        URL = os.environ["WS"]

        def test_threaded():
            from websockets.sync.client import connect
            with connect(URL + "/threaded", additional_headers={"Authorization": "Bearer one"}) as socket:
                socket.send("hello")
                assert socket.recv() == "hello"

        def test_asyncio():
            from websockets.asyncio.client import connect
            async def main():
                async with connect(URL + "/asyncio") as socket:
                    await socket.send("hello")
                    return await socket.recv()
            assert asyncio.run(main()) == "hello"

        def test_refused():
            from websockets.exceptions import ConnectionClosed
            from websockets.sync.client import connect
            with connect(URL + "/4401") as socket, pytest.raises(ConnectionClosed) as closed:
                socket.recv()
            assert closed.value.rcvd.code == 4401

        def test_aiohttp_socket():
            import aiohttp
            async def main():
                async with aiohttp.ClientSession() as client, client.ws_connect(URL + "/4403") as socket:
                    return (await socket.receive()).data
            assert asyncio.run(main()) == 4403
    """,
    "test_liars.py": """
        import os, unittest
        from unittest import mock
        import httpx

        URL = os.environ["URL"]

        def test_mocked_transport():
            client = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200)))
            assert client.get(URL + "/mocked/200").status_code == 200

        def test_mock():
            with mock.patch("httpx.get", return_value=httpx.Response(200)):
                assert httpx.get(URL).status_code == 200

        def test_monkeypatch(monkeypatch):
            monkeypatch.setattr(httpx.Client, "request", lambda *a, **k: httpx.Response(200))
            assert httpx.get(URL).status_code == 200

        def test_after_the_mocks(monkeypatch):
            monkeypatch.setattr(os, "sep", "/")
            assert httpx.get(URL + "/after/200").status_code == 200

        def test_constants():
            latency = 0.05
            limit: float = latency * 2
            assert True
            assert latency < limit
            assert URL == URL
            assert len("abc") == 3

        def test_no_constants():
            latency = 0.05
            latency += len(URL)
            answers = []
            answers.append(URL)
            error = None
            try:
                int(URL)
            except ValueError as error:
                assert error is not None
            assert latency > 1
            assert answers

        class TestOld(unittest.TestCase):
            def test_unittest(self):
                self.assertEqual(URL, os.environ["URL"])
    """,
}


def converse(connection: ServerConnection) -> None:
    """Close with the code that the path names, or repeat what is said."""
    assert connection.request is not None
    last = connection.request.path.rpartition("/")[2]
    if last.isdigit():
        connection.close(int(last))
    for message in connection:
        connection.send(message)


@pytest.fixture(scope="module")
def deployed() -> Iterator[Service]:
    """Run the service that the tests talk to."""
    with service() as server:
        yield server


@pytest.fixture(scope="module")
def sockets() -> Iterator[str]:
    """Run the WebSocket service that the tests talk to."""
    with serve(converse, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, deployed: Service, sockets: str) -> SuiteOutput:
    """Run all tests under the witness, once."""
    env = {"URL": f"http://{deployed.host}", "WS": f"ws://{sockets}"}
    hosts = (deployed.host, sockets)
    return run(tmp_path_factory.mktemp("witness"), CLIENTS, env=env, hosts=hosts, workers=1)


def sighting(output: SuiteOutput, name: str) -> Sighting:
    """Return what was seen of the test of this name."""
    (found,) = (attempt.sighting for nodeid, attempt in output.attempts.items() if nodeid.endswith(f"::{name}"))
    assert found is not None
    return found


def exchanged(output: SuiteOutput, name: str) -> list[tuple[Any, ...]]:
    """Return a test's exchanges without what varies."""
    return [(e.client, e.method, e.path, e.status, e.close_code) for e in sighting(output, name).exchanges]


def test_watched_tests_pass_as_they_would_alone(seen: SuiteOutput) -> None:
    """The witness changes no outcome."""
    assert {name: end for name, end in outcomes(seen).items() if end is not Outcome.PASSED} == {}


@pytest.mark.parametrize(
    ("test", "client", "status"),
    [
        ("httpx", "httpx", 200),
        ("httpx_async", "httpx", 404),
        ("httpcore", "httpcore", 200),
        ("requests", "requests", 200),
        ("urllib", "http.client", 200),
        ("http_client", "http.client", 200),
        ("aiohttp", "aiohttp", 200),
    ],
)
def test_each_client_is_seen_once(seen: SuiteOutput, deployed: Service, test: str, client: str, status: int) -> None:
    """An exchange is recorded once, by the library that the test called, with its bytes."""
    found = sighting(seen, f"test_{test}")
    assert exchanged(seen, f"test_{test}") == [(client, "GET", f"/{test}/{status}", status, None)]
    assert found.exchanges[0].host == deployed.host
    assert found.bytes_sent > 100
    assert found.bytes_received > 50


@pytest.mark.parametrize("test", ["httpx", "httpx_async", "httpcore", "requests", "redirected", "urllib", "aiohttp"])
def test_the_service_receives_the_trace(seen: SuiteOutput, deployed: Service, test: str) -> None:
    """Every request carries the trace that the sighting names, so the service's log can be joined with it."""
    assert deployed.traces(f"/{test}/") == {sighting(seen, f"test_{test}").trace}


def test_the_trace_can_be_recomputed(seen: SuiteOutput) -> None:
    """A trace is made from run, test and attempt, and from nothing else."""
    text = "loop/1\0e2e/test_http.py::test_httpx\x001"
    assert sighting(seen, "test_httpx").trace == hashlib.sha256(text.encode()).hexdigest()[:32]


def test_headers_that_a_test_sets_itself_are_left_alone(seen: SuiteOutput, deployed: Service) -> None:
    """A test that sends its own traceparent still sends it; only the other headers are added."""
    (headers,) = (headers for path, headers in deployed.seen if path.startswith("/http_client/"))
    assert headers["traceparent"] == "mine"
    assert headers["x-cloud-trace-context"].startswith(sighting(seen, "test_http_client").trace)
    assert headers["x-untilgreen-test"] == "e2e/test_http.py::test_http_client"


def test_each_hop_of_a_redirect_is_an_exchange(seen: SuiteOutput) -> None:
    """A redirect is two requests, and both are seen."""
    assert [e[2:4] for e in exchanged(seen, "test_redirected")] == [("/redirected/302", 302), ("/200", 200)]


def test_no_secret_is_written_down(seen: SuiteOutput) -> None:
    """Credentials are kept as a keyed hash and query strings not at all; equal callers stay equal."""
    text = seen.model_dump_json()
    assert "Bearer" not in text
    assert "secret" not in text
    callers = {sighting(seen, name).exchanges[0].principal for name in ("test_httpx", "test_aiohttp", "test_threaded")}
    assert len(callers) == 1
    assert callers.isdisjoint({"", sighting(seen, "test_requests").exchanges[0].principal})


def test_bytes_of_a_pooled_connection_belong_to_the_test_that_moved_them(seen: SuiteOutput) -> None:
    """Two tests on one connection have their own bytes each."""
    first, second = sighting(seen, "test_first_on_a_pool"), sighting(seen, "test_second_on_a_pool")
    assert first.bytes_received == second.bytes_received > 50


def test_a_refused_connection_is_an_exchange_without_answer(seen: SuiteOutput) -> None:
    """Nobody answered, and no byte went to a deployed host."""
    found = sighting(seen, "test_nobody_answers")
    assert [exchange.status for exchange in found.exchanges] == [None]
    assert (found.bytes_sent, found.bytes_received, found.assertions) == (0, 0, 1)


@pytest.mark.parametrize(
    ("test", "client", "path", "code"),
    [
        ("test_threaded", "websockets", "/threaded", 1000),
        ("test_asyncio", "websockets", "/asyncio", 1000),
        ("test_refused", "websockets", "/4401", 4401),
        ("test_aiohttp_socket", "aiohttp", "/4403", 4403),
    ],
)
def test_a_conversation_shows_how_it_was_closed(
    seen: SuiteOutput, test: str, client: str, path: str, code: int
) -> None:
    """A WebSocket is one exchange, with its handshake's status and the close code that the client saw."""
    assert exchanged(seen, test) == [(client, "WS", path, 101, code)]
    assert sighting(seen, test).bytes_received > 100


def test_answers_without_bytes_show_a_mocked_transport(seen: SuiteOutput) -> None:
    """A mocked transport answers, and the kernel moved nothing."""
    found = sighting(seen, "test_mocked_transport")
    assert exchanged(seen, "test_mocked_transport") == [("httpx", "GET", "/mocked/200", 200, None)]
    assert (found.bytes_sent, found.bytes_received) == (0, 0)


def test_patched_clients_are_named_while_they_are_patched(seen: SuiteOutput) -> None:
    """Patches of clients count, for the test that makes them; patches of other things do not."""
    assert sighting(seen, "test_mock").mocks == ("httpx.get",)
    assert sighting(seen, "test_monkeypatch").mocks == ("Client.request",)
    assert sighting(seen, "test_after_the_mocks").mocks == ()


def test_assertions_about_constants_are_told_apart(seen: SuiteOutput) -> None:
    """A comparison that no answer can change is no assertion about the service."""
    constant, real = sighting(seen, "test_constants"), sighting(seen, "test_no_constants")
    assert (constant.assertions, constant.constant_assertions) == (0, 4)
    assert (real.assertions, real.constant_assertions) == (3, 0)


@pytest.mark.parametrize("test", ["test_first_on_a_pool", "test_requests", "test_unittest", "test_refused"])
def test_checks_count_wherever_they_are_written(seen: SuiteOutput, test: str) -> None:
    """An assert in a module beside the tests, raise_for_status, unittest's methods and pytest.raises are assertions."""
    assert sighting(seen, test).assertions
