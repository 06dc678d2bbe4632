"""The port Probe, over HTTP and over the fake."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from untilgreen.adapters.http_probe import HttpProbe
from untilgreen.ports import Probe
from untilgreen.testing import FakeProbe


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Location", "/200")
        self.end_headers()
        self.wfile.write(b"because")

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve the answers."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("kind", ["http", "fake"])
@pytest.mark.parametrize(("status", "ok"), [(200, True), (204, True), (302, False), (404, False), (503, False)])
def test_status_decides(kind: str, status: int, ok: bool, url: str) -> None:
    """Only 2xx is healthy; redirects are not followed."""
    probe: Probe = HttpProbe() if kind == "http" else FakeProbe({"app": [status]})
    check = probe.check("app", f"{url}/{status}")
    assert (check.service, check.url, check.status, check.ok) == ("app", f"{url}/{status}", status, ok)


@pytest.mark.parametrize("kind", ["http", "fake"])
@pytest.mark.parametrize("nowhere", ["http://127.0.0.1:1/", "not a url", "http://[", ""])
def test_no_answer_is_an_answer(kind: str, nowhere: str) -> None:
    """When nothing answers there is no status, and the detail says why; nothing is raised."""
    probe: Probe = HttpProbe(timeout_s=1) if kind == "http" else FakeProbe({"app": [None]})
    check = probe.check("app", nowhere)
    assert (check.status, check.ok) == (None, False)
    assert check.detail


def test_bad_answers_say_why(url: str) -> None:
    """The beginning of a bad answer is kept, that of a good one is not."""
    assert HttpProbe().check("app", f"{url}/503").detail == "because"
    assert HttpProbe().check("app", f"{url}/200").detail == ""
