"""What takes notices to people: apprise against a real HTTP server, and the stand-in in memory."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from untilgreen.adapters.apprise_courier import AppriseCourier
from untilgreen.model.notice import Notice, NoticeKind
from untilgreen.ports import Courier
from untilgreen.testing import FakeCourier

NOTICE = Notice(
    kind=NoticeKind.NEW_CAUSE,
    title="untilgreen shop: new cause",
    reason="1 cause: KeyError: <b>x</b> &amp; _y_",
    link="http://127.0.0.1:4270/runs/flow-run/1",
)
Arrived = list[dict[str, str]]


@pytest.fixture
def hook() -> Iterator[tuple[int, Arrived]]:
    """Run a webhook; return its port and what arrived."""
    arrived: Arrived = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port, arrived
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=30)


@pytest.fixture
def closed() -> Iterator[int]:
    """Return a port that nobody listens at while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(params=["apprise", "fake"])
def couriers(
    request: pytest.FixtureRequest, hook: tuple[int, Arrived], closed: int
) -> Callable[..., tuple[Courier, Callable[[], list[str]]]]:
    """Return a maker of couriers with so many good and bad addresses, and of a look at what arrived."""

    def make(good: int, bad: int = 0) -> tuple[Courier, Callable[[], list[str]]]:
        if request.param == "fake":
            fake = FakeCourier(good + bad, frozenset(range(good, good + bad)))
            return fake, lambda: [f"{one.title}|{one.reason}\n{one.link}" for one in fake.delivered]
        port, arrived = hook
        urls = [f"json://127.0.0.1:{port}/"] * good + [f"json://127.0.0.1:{closed}/"] * bad
        return AppriseCourier(tuple(urls)), lambda: [f"{one['title']}|{one['message']}" for one in arrived]

    return make


Couriers = Callable[..., tuple[Courier, Callable[[], list[str]]]]
TEXT = f"{NOTICE.title}|{NOTICE.reason}\n{NOTICE.link}"


def test_every_address_gets_the_notice(couriers: Couriers) -> None:
    """Title, reason and link arrive as they were written, once for each address."""
    courier, arrived = couriers(2)
    assert courier.deliver(NOTICE) == ()
    assert arrived() == [TEXT, TEXT]


def test_one_that_fails_keeps_no_other_from_it(couriers: Couriers) -> None:
    """An address that does not answer is named by its place, and the others get the notice."""
    courier, arrived = couriers(1, bad=1)
    (trouble,) = courier.deliver(NOTICE)
    assert trouble.startswith("notify.urls.1: it did not take the notice")
    assert arrived() == [TEXT]


def test_without_addresses_nothing_is_sent(couriers: Couriers) -> None:
    """Nobody is told when nobody wants to be."""
    courier, arrived = couriers(0)
    assert courier.deliver(NOTICE) == ()
    assert arrived() == []


def test_an_address_comes_from_the_environment_and_is_never_shown(
    hook: tuple[int, Arrived], closed: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An address in a variable is used, and neither a log nor what is said about it holds its password."""
    caplog.set_level(logging.DEBUG, "untilgreen")
    caplog.set_level(logging.DEBUG, "apprise")
    monkeypatch.setenv("HOOK", f"json://me:hunter2@127.0.0.1:{hook[0]}/")
    monkeypatch.setenv("DEAD", f"json://me:hunter2@127.0.0.1:{closed}/")
    monkeypatch.setenv("ODD", "nonsense://hunter2")
    monkeypatch.delenv("UNSET", raising=False)
    told = AppriseCourier(("env:HOOK", "env:DEAD", "env:ODD", "env:UNSET")).deliver(NOTICE)
    assert len(hook[1]) == 1
    assert [one.partition(":")[0] for one in told] == ["notify.urls.1", "notify.urls.2", "notify.urls.3"]
    assert "UNSET is not set" in told[2]
    assert "hunter2" not in "".join(told) + caplog.text
