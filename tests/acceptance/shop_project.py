"""A small project that untilgreen has never seen: one service of the standard library and six tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SERVICE = """\
import json, os, traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        try:
            self.answer(200, self.page())
        except Exception as error:
            print(json.dumps({"severity": "ERROR", "message": str(error), "stack_trace": traceback.format_exc(),
                "logging.googleapis.com/trace": self.headers.get("traceparent", "--").split("-")[1]}), flush=True)
            self.answer(500, {"error": "internal"})
    def page(self):
        if self.path == "/health":
            return {"ok": True}
        item = self.path.rsplit("/", 1)[1]
        return {"item": item, "price": price(item)}
    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *args):
        pass

def price(item):
    return len(item) * 10

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
"""

TESTS = """\
import os, httpx, pytest

@pytest.mark.parametrize("item", ["tea", "milk", "honey", "bread", "lemon", "sugar"])
def test_price(item):
    answer = httpx.get(os.environ["SHOP_URL"] + "/items/" + item)
    assert answer.status_code == 200
    assert answer.json() == {"item": item, "price": len(item) * 10}
"""

SETTINGS = """\
services:
  shop:
    source: shop
    image: registry.example/shop
    health: {startup_s: 5, timeout_s: 10}
suite:
  path: e2e
  workers: 2
  env: {SHOP_URL: "{shop.url}"}
approve: {mode: policy}
max_cycles: 2
"""

FILES = {
    "untilgreen.yaml": SETTINGS,
    "shop/main.py": SERVICE,
    "shop/Procfile": "web: python main.py\n",
    "e2e/test_shop.py": TESTS,
    ".gitignore": ".untilgreen/\n",
}

Project = Callable[..., Path]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def commit(root: Path, message: str) -> None:
    """Commit everything in a folder."""
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", message]):
        subprocess.run(["git", *arguments], cwd=root, env=quiet, check=True)  # noqa: S607 - git from the path, no shell
