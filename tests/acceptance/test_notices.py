"""A team that does not watch is told what changed, by a loop that really runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.acceptance.shop_project import SERVICE, SETTINGS, Done, Project

pytestmark = pytest.mark.slow

BROKEN = SERVICE.replace("return len(item) * 10", "return len(itme) * 10")


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Run a webhook; return its address and what arrived."""
    arrived: list[dict[str, str]] = []

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
        yield f"json://me:hunter2@127.0.0.1:{server.server_port}/", arrived
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=30)


def test_a_change_is_told_and_the_same_again_is_not(
    hook: tuple[str, list[dict[str, str]]],
    project: Project,
    environment: dict[str, str],
    untilgreen: Callable[..., Done],
) -> None:
    """A red loop tells first red and its end, with a link; resumed and run anew it is silent; no address is kept."""
    url, arrived = hook
    environment["HOOK"] = url
    notify = "notify: {urls: [env:HOOK]}\n"
    root = project(**{"shop/main.py": BROKEN, "untilgreen.yaml": SETTINGS + notify})
    done = untilgreen("run", "--repo", root)
    assert done.code == 1, done.err
    assert [one["title"].rpartition(": ")[2] for one in arrived] == ["first red", "stopped"]
    assert "NameError at shop/main.py" in arrived[0]["message"]
    assert "no_fix: no approved fix is left" in arrived[1]["message"]
    assert all("/runs/flow-run/" in one["message"] for one in arrived)
    assert untilgreen("resume", "--repo", root).code == 1
    assert untilgreen("run", "--repo", root).code == 1
    assert len(arrived) == 2
    assert "hunter2" not in done.out + done.err + everything(root / ".untilgreen/loops")


def everything(folder: Path) -> str:
    """Return all that lies below a folder as text."""
    return "".join(file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file())
