"""An emulator with apps that the ports' contract tests deploy."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from untilgreen.adapters.snapshot_registry import SnapshotRegistry

PROJECT = "emulator-moon"
REGION = "moon-central1"

SEED = f"""
project: {PROJECT}
secrets:
  open: {{generate: 32, accessors: [app@{PROJECT}.iam.gserviceaccount.com]}}
  closed: {{generate: 32}}
  disabled: {{generate: 32, accessors: [app@{PROJECT}.iam.gserviceaccount.com]}}
"""

APP = """
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = int(self.path.strip("/") or 200) if self.path.strip("/").isdigit() else 200
        if self.path == "/log":
            print(json.dumps({"message": "paid", "severity": "ERROR", "order": 3}), flush=True)
        if self.path == "/raise":
            try:
                {}["order"]
            except KeyError:
                import traceback
                traceback.print_exc()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(os.environ.get("GREETING", "hello").encode())

    def log_message(self, *args):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

DYING = "import monitoring\n"


@dataclass(frozen=True)
class Moon:
    """An emulator with images to deploy.

    Attributes:
        endpoint: host:port.
        good: image of an app that serves.
        dying: image of an app that dies while it imports.
        name: gives a service name that nobody has used.
        registry: where its images lie.
    """

    endpoint: str
    good: str
    dying: str
    name: Callable[[], str]
    registry: Path


@contextmanager
def rise(state: Path, folders: Callable[[str], Path]) -> Iterator[Moon]:
    """Start an emulator that holds two images and three secrets."""
    seed = state / "seed.yaml"
    seed.write_text(SEED)
    registry = SnapshotRegistry(state / "registry")
    numbers = itertools.count(1)
    command = [sys.executable, "-m", "untilgreen.emulator", "--state", state, "--seed", seed, "--with-parent"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        yield Moon(
            endpoint=json.loads(process.stdout.readline() if process.stdout else b"")["endpoint"],
            good=_image(registry, "good", APP, folders("good")),
            dying=_image(registry, "dying", DYING, folders("dying")),
            name=lambda: f"app{next(numbers)}",
            registry=state / "registry",
        )
        process.terminate()


def _image(registry: SnapshotRegistry, name: str, code: str, context: Path) -> str:
    (context / "Procfile").write_text("web: python app.py\n")
    (context / "app.py").write_text(code)
    image = f"registry.moon/contract/{name}"
    return f"{image}@{registry.push(image, context, ['Procfile', 'app.py'])}"
