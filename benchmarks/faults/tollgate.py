"""The outside world: the tollgate of another team, which nobody in the repository can see into."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Tollgate:
    """Lets requests through, but for a share of them.

    Args:
        url: where it is.
        share: of requests that are answered with 503, 0 to 1.
        chance: decides which.
    """

    url: str = ""
    share: float = 0.0
    chance: random.Random = field(default_factory=random.Random)

    def turn(self, share: float, seed: int = 0) -> None:
        """Answer so many requests with 503 from now on, the same ones of each seed."""
        self.share, self.chance = share, random.Random(seed)  # noqa: S311 - guards nothing

    def status(self) -> int:
        """Answer one request."""
        return 503 if self.chance.random() < self.share else 200


@contextmanager
def tollgate() -> Iterator[Tollgate]:
    """Run one on a port of the loopback interface until the end."""
    gate = Tollgate()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(gate.status())
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    gate.url = f"http://127.0.0.1:{server.server_address[1]}/toll"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
