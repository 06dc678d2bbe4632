"""What stands in for services: broken for tests, the real thing for fixtures, gone when the control is over."""

from __future__ import annotations

import asyncio
import http.server
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus
from websockets.sync.client import connect

from untilgreen.adapters.breaking_proxy import BreakingProxy
from untilgreen.model.suite import Control
from untilgreen.ports import StandIns
from untilgreen.testing import FakeStandIns

FIXTURE = {"X-Untilgreen-Phase": "setup"}
TEST = {"X-Untilgreen-Phase": "call"}


class Echo(http.server.BaseHTTPRequestHandler):
    """Tells what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        told = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.rfile.read(length).decode(),
        }
        data = json.dumps(told).encode()
        self.send_response(302 if self.path.startswith("/moved") else 200)
        self.send_header("Location", f"http://{self.headers['Host']}/there")
        self.send_header("Set-Cookie", "a=1; Secure; Domain=127.0.0.1; Path=/")
        self.send_header("Set-Cookie", "b=secure; HttpOnly")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - http.server looks for these names

    def log_message(self, *_: Any) -> None:
        """Keep silent."""


@pytest.fixture
def real() -> Iterator[str]:
    """Run a service that works."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def ask(url: str, headers: dict[str, str], method: str = "GET", **more: Any) -> httpx.Response:
    """Ask once, without a proxy of this machine."""
    with httpx.Client(trust_env=False) as client:
        return client.request(method, url, headers=headers, **more)


@pytest.mark.parametrize("stand_ins", [BreakingProxy(), FakeStandIns()], ids=["proxy", "fake"])
@pytest.mark.parametrize("control", Control)
def test_each_service_has_a_stand_in_of_its_own(stand_ins: StandIns, control: Control) -> None:
    """Every service gets another URL than its own and than any other, each time."""
    services = {"api": "http://127.0.0.1:9", "auth": "http://127.0.0.1:10"}
    with stand_ins.broken(services, control) as first, stand_ins.broken(services, control, entirely=True) as second:
        urls = [*first.values(), *second.values(), *services.values()]
        assert (set(first), set(second), len(set(urls))) == (set(services), set(services), 6)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("headers", [TEST, {}], ids=["test", "no header"])
def test_what_a_test_asks_is_broken(real: str, headers: dict[str, str], method: str) -> None:
    """A test, and whoever does not say where it comes from, gets 500, an empty 200, or no answer at all."""
    with BreakingProxy().broken({"api": real}, Control.ERROR) as found:
        assert ask(f"{found['api']}/x", headers, method, content="{}" * (method != "GET")).status_code == 500
    with BreakingProxy().broken({"api": real}, Control.EMPTY) as found:
        empty = ask(f"{found['api']}/x", headers, method)
        assert (empty.status_code, empty.content) == (200, b"")
    with BreakingProxy().broken({"api": real}, Control.SILENCE) as found, pytest.raises(httpx.TransportError):
        ask(f"{found['api']}/x", headers, method)


@pytest.mark.parametrize("control", Control)
@pytest.mark.parametrize("phase", ["setup", "teardown", "begin"])
def test_what_a_fixture_asks_is_answered_by_the_service(real: str, control: Control, phase: str) -> None:
    """Path, query, method, body and headers arrive as they were sent, under the host's real name."""
    headers = {"X-Untilgreen-Phase": phase, "Authorization": "Bearer t", "X-Long": "1"}
    with BreakingProxy().broken({"api": real}, control) as found:
        headers["Origin"] = found["api"]
        told = ask(f"{found['api']}/a%2Fb/%C3%A4?q=1&q=%20", headers, "POST", content=b"x" * 100_000).json()
    assert (told["method"], told["path"], len(told["body"])) == ("POST", "/a%2Fb/%C3%A4?q=1&q=%20", 100_000)
    assert told["headers"]["host"] == real.removeprefix("http://")
    assert (told["headers"]["authorization"], told["headers"]["origin"]) == ("Bearer t", real)


def test_answers_name_the_stand_in(real: str) -> None:
    """A redirect leads back to the stand-in, and a cookie is one that it gets."""
    with BreakingProxy().broken({"api": real}, Control.ERROR) as found:
        answer = ask(f"{found['api']}/moved", FIXTURE, "HEAD")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{found['api']}/there")
    assert answer.headers.get_list("Set-Cookie") == ["a=1; Path=/", "b=secure; HttpOnly"]


def test_entirely_broken(real: str) -> None:
    """When everything is to break, fixtures get it, too."""
    with BreakingProxy().broken({"api": real}, Control.ERROR, entirely=True) as found:
        assert ask(f"{found['api']}/x", FIXTURE).status_code == 500


def test_a_service_that_is_gone_stays_gone() -> None:
    """When the real service does not answer a fixture, nobody does."""
    gone = "http://127.0.0.1:9"
    with BreakingProxy().broken({"api": gone}, Control.ERROR) as found, pytest.raises(httpx.TransportError):
        ask(f"{found['api']}/x", FIXTURE)


@pytest.mark.parametrize("headers", [TEST, FIXTURE, {}], ids=["test", "fixture", "no header"])
def test_conversations_are_broken(real: str, headers: dict[str, str]) -> None:
    """A WebSocket is refused with 500, or opened and closed at once with 1000, or dropped, whoever opens it."""
    with BreakingProxy().broken({"api": real}, Control.ERROR) as found, pytest.raises(InvalidStatus) as refused:
        connect(found["api"].replace("http", "ws"), additional_headers=headers, proxy=None)
    assert refused.value.response.status_code == 500
    with BreakingProxy().broken({"api": real}, Control.EMPTY) as found:
        url = found["api"].replace("http", "ws")
        with connect(url, additional_headers=headers, subprotocols=["v1"], proxy=None) as talk:  # type: ignore[list-item]  # a NewType of str
            assert list(talk) == []
            assert (talk.close_code, talk.subprotocol) == (1000, "v1")
    with BreakingProxy().broken({"api": real}, Control.SILENCE) as found, pytest.raises(InvalidMessage):
        connect(found["api"].replace("http", "ws"), additional_headers=headers, proxy=None)


def test_nobody_listens_afterwards(real: str) -> None:
    """When the control is over, its ports are closed, even while somebody holds a connection."""
    with httpx.Client(trust_env=False) as client:
        with BreakingProxy().broken({"api": real}, Control.ERROR) as found:
            assert client.get(found["api"]).status_code == 500
        with pytest.raises(httpx.TransportError):
            client.get(found["api"])


def test_nothing_is_logged(real: str, caplog: pytest.LogCaptureFixture) -> None:
    """Requests carry credentials: neither a request nor garbage leaves a line in any log."""

    async def garbage(url: str) -> None:
        reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        await reader.read()
        writer.close()

    caplog.set_level(logging.DEBUG, logger="aiohttp")
    with BreakingProxy().broken({"api": real}, Control.SILENCE) as found:
        asyncio.run(garbage(found["api"]))
        ask(f"{found['api']}/x", FIXTURE)
    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []
