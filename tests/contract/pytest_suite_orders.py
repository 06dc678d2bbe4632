"""Small suites on disk, orders to run them, a watcher that remembers, and a service that answers."""

from __future__ import annotations

import http.server
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOrder, SuiteOutput


class Remembering:
    """A watcher that keeps what it was told."""

    def __init__(self) -> None:
        self.total: list[int] = []
        self.ended: dict[str, Outcome] = {}
        self.whys: dict[str, str] = {}

    def collected(self, total: int) -> None:
        """Keep the total."""
        self.total.append(total)

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        """Keep the end."""
        self.ended[nodeid] = outcome
        self.whys[nodeid] = why


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers the status that the path asks for, and remembers the headers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.server.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        status = int(self.path.partition("?")[0].rpartition("/")[2] or 200)
        self.send_response(status)
        if status in (301, 302):
            self.send_header("Location", "/200")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Keep silent."""


class Service(http.server.ThreadingHTTPServer):
    """A deployed service."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.seen: list[tuple[str, dict[str, str]]] = []

    @property
    def host(self) -> str:
        """Return host:port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def traces(self, path: str) -> set[str]:
        """Return the trace ids that came with requests to a path."""
        return {headers["traceparent"].split("-")[1] for seen, headers in self.seen if seen.startswith(path)}


@contextmanager
def service() -> Iterator[Service]:
    """Run a service for the time of a test."""
    server = Service()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def order(folder: Path, tests: str | dict[str, str], **changes: Any) -> SuiteOrder:
    """Write tests into a checkout and order them."""
    files = {"test_it.py": tests} if isinstance(tests, str) else tests
    for name, text in files.items():
        file = folder / "checkout" / "e2e" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
    wanted: dict[str, Any] = {
        "run_id": "loop/1",
        "root": str(folder / "checkout"),
        "path": "e2e",
        "python": sys.executable,
        "workers": 2,
        "hosts": ("127.0.0.1:9",),
        "folder": str(folder / "suite"),
        "deadline_s": 60,
        "test_timeout_s": 30,
    }
    bare = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # no suite here needs a plugin, and each costs a tenth of a second
    return SuiteOrder.model_validate(wanted | changes | {"env": bare | changes.get("env", {})})


def run(folder: Path, tests: str | dict[str, str], **changes: Any) -> SuiteOutput:
    """Write tests and run them."""
    return PytestSuite().run(order(folder, tests, **changes), Remembering())


def outcomes(output: SuiteOutput) -> dict[str, Outcome]:
    """Return the outcome of each test by its name alone."""
    return {nodeid.rpartition("::")[2]: attempt.outcome for nodeid, attempt in output.attempts.items()}


def running(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
