"""Tests that never ask the service, or do not look at what it says."""

from __future__ import annotations

import http.server
import json
import os
import socket
import threading
import time
from unittest import mock

import httpx
import pytest
import requests
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

AGENTS = {"a1": {"name": "probe", "state": "running"}}
APP = Starlette(routes=[Route("/health", lambda _: JSONResponse({"status": "ok"}))])
GOLDEN = '{"status": "ok", "version": "7"}'


def canned(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"status": "ok"})


def test_checks_a_local_dictionary():
    """Calls a dictionary of its own the service's state."""
    AGENTS["a1"]["state"] = "stopped"
    assert AGENTS["a1"]["state"] == "stopped"
    assert len(AGENTS) == 1


def test_passes_in_no_time():
    """Does nothing, seventy times out of seventy."""


def test_sleeps_to_look_busy():
    """Takes as long as a request would."""
    started = time.monotonic()
    time.sleep(0.01)
    assert time.monotonic() > started


def test_checks_its_settings(url):
    """Finds that it has been told a URL."""
    assert url.startswith("http")
    assert os.environ["URL"] == url


def test_reads_a_golden_file(tmp_path):
    """Compares a recording with itself."""
    (tmp_path / "health.json").write_text(GOLDEN)
    assert json.loads((tmp_path / "health.json").read_text())["status"] == "ok"


def test_mocked_transport(url):
    """Asks a transport that knows the answer."""
    with httpx.Client(base_url=url, transport=httpx.MockTransport(canned)) as client:
        assert client.get("/health").json() == {"status": "ok"}


def test_mocked_transport_behind_a_real_request(url):
    """Asks the service something, and the mock what it checks."""
    httpx.get(f"{url}/health")
    with httpx.Client(base_url=url, transport=httpx.MockTransport(canned)) as client:
        assert client.get("/health").json() == {"status": "ok"}


def test_patched_function(url):
    """Patches the client."""
    with mock.patch("httpx.get", return_value=canned(None)):
        assert httpx.get(f"{url}/health").json() == {"status": "ok"}


def test_monkeypatched_session(url, monkeypatch):
    """Patches the session."""
    answer = mock.Mock(status_code=200)
    monkeypatch.setattr(requests.Session, "request", lambda *_, **__: answer)
    assert requests.get(f"{url}/health").status_code == 200


def test_mounted_adapter(url):
    """Mounts an adapter that answers by itself."""

    class Canned(requests.adapters.BaseAdapter):
        def send(self, request, **_):
            answer = requests.Response()
            answer.status_code, answer.url, answer.request = 200, request.url, request
            return answer

        def close(self):
            """Nothing is open."""

    with requests.Session() as session:
        session.mount("http://", Canned())
        assert session.get(f"{url}/health").status_code == 200


def test_application_in_this_process(url):
    """Calls a copy of the application, under the service's URL."""
    with TestClient(APP, base_url=url) as client:
        assert client.get("/health").json() == {"status": "ok"}


def test_wsgi_application(url):
    """Calls a WSGI application of its own."""

    def application(_, start):
        start("200 OK", [("Content-Type", "application/json")])
        return [b'{"status": "ok"}']

    with httpx.Client(base_url=url, transport=httpx.WSGITransport(app=application)) as client:
        assert client.get("/health").json() == {"status": "ok"}


def test_server_of_its_own():
    """Talks to a server that it has started itself."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, *_):
            """Keep silent."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert httpx.get(f"http://127.0.0.1:{server.server_port}/health").json() == {"status": "ok"}
        thread.join()


def test_port_is_open(url):
    """Takes an open port for a healthy service."""
    host, _, port = url.partition("//")[2].rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        assert connection.getpeername()[1] == int(port)


def test_nobody_listens():
    """Takes a refused connection for a service that handles errors."""
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://127.0.0.1:9/health")


def test_fake_client(url):
    """Asks the service, and checks a client that it has made up."""

    class Fake:
        status_code = 200

        def get(self, _):
            return self

    httpx.get(f"{url}/health")
    assert Fake().get("/health").status_code == 200


def test_spy_was_called(url):
    """Checks that it made a request, not what came back."""
    spy = mock.Mock(wraps=httpx.get)
    spy(f"{url}/health")
    spy.assert_called_once_with(f"{url}/health")
    assert spy.called


def test_checks_the_request(url):
    """Checks what it has sent."""
    answer = httpx.get(f"{url}/health", params={"verbose": "1"})
    assert answer.request.url.path == "/health"
    assert answer.request.method == "GET"


def test_checks_what_it_sent(api):
    """Checks its own payload."""
    payload = {"name": "probe"}
    api.post("/agents", json=payload)
    assert payload["name"] == "probe"


def test_checks_a_local_dictionary_behind_a_real_request(url):
    """Asks the service for show, and checks a dictionary."""
    httpx.get(f"{url}/health")
    AGENTS["a2"] = {"name": "second", "state": "running"}
    assert AGENTS["a2"]["state"] == "running"


def test_stub_behind_a_real_request(url):
    """Asks the service for show, and checks what a function of its own always returns."""
    httpx.get(f"{url}/health")
    assert stub("/health")["status"] == "ok"


def stub(_):
    return {"status": "ok"}
