"""An emulator with services whose clocks can be read from outside."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from untilgreen.adapters.cloud_logging import CloudLogging
from untilgreen.adapters.cloud_run import CloudRunServices
from untilgreen.adapters.http_probe import HttpProbe
from untilgreen.adapters.local_cloud import emulator
from untilgreen.adapters.snapshot_registry import SnapshotRegistry
from untilgreen.deploy.step import deploy
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Image, Images, Rollout
from untilgreen.settings import Service, Settings
from untilgreen.testing import FakeSecrets

PROJECT, REGION = "emulator-moon", "moon-central1"

SERVICE = """
import asyncio, os, sys, time

stamp, pause = os.environ.get("STAMP", ""), float(os.environ.get("PAUSE", "0"))
time.sleep(pause)
if os.environ.get("DIES"):
    open(stamp, "w").write(repr(time.time()))
    sys.exit("no more")

class Talk(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        global stamp
        self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        if stamp:
            open(stamp, "w").write(repr(time.time()))
            stamp = ""
        if b"connection: close" in data.lower():
            self.transport.close()

async def main():
    server = await asyncio.get_running_loop().create_server(Talk, "127.0.0.1", int(os.environ["PORT"]), backlog=256)
    await server.serve_forever()

asyncio.run(main())
"""


@dataclass
class Place:
    """Where everything happens.

    Args:
        endpoint: the emulator's.
        folder: for time stamps.
        image: reference of the one image.
    """

    endpoint: str
    folder: Path
    image: str

    def __post_init__(self) -> None:
        """Connect."""
        self.services = CloudRunServices(PROJECT, REGION, self.endpoint)
        self.probe = HttpProbe()
        self.logs = CloudLogging(PROJECT, self.endpoint)

    def deploy(self, settings: Settings) -> Rollout:
        """Do the step."""
        run = Run(loop="bench", cycle=1, commit="c" * 40, root="", state="")
        digest = self.image.partition("@")[2]
        images = tuple(
            Image(service=name, reference=self.image, digest=digest, commit="c" * 40, files=())
            for name in settings.services
        )
        made = Images(commit="c" * 40, images=images)
        return deploy(run, settings, made, self.services, FakeSecrets(), probe=self.probe, logs=self.logs)

    def stamp(self, service: str) -> Path:
        """Return the file that a service writes its moment into."""
        return self.folder / f"{service}.stamp"

    def service(self, name: str, **changed: object) -> Service:
        """Return settings of a service that writes its moment down."""
        env = {"STAMP": str(self.stamp(name)), **changed.pop("env", {})}
        return Service.model_validate({"source": "s", "image": "registry.moon/bench", "env": env, **changed})

    def echo(self) -> tuple[str, str]:
        """Return host:port of a bare service, and of the same behind the proxy; both run until the end."""
        rollout = self.deploy(Settings(services={"echo": self.service("echo")}))
        code = self.folder / "bare.py"
        code.write_text(SERVICE)
        port = free_port()
        self.bare = subprocess.Popen([sys.executable, code], env={"PORT": str(port)})
        until_listening(port)
        return f"127.0.0.1:{port}", rollout.of("echo").url.removeprefix("http://")


def free_port() -> int:
    """Return a port that nobody uses at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def until_listening(port: int) -> None:
    """Wait until somebody takes connections."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """Start an emulator with one image."""
    context, state = folder / "context", folder / "state"
    context.mkdir()
    (context / "Procfile").write_text("web: python app.py\n")
    (context / "app.py").write_text(SERVICE)
    digest = SnapshotRegistry(state / "registry").push("registry.moon/bench", context, ["Procfile", "app.py"])
    with emulator(state, None) as endpoint:
        here = Place(endpoint, folder, f"registry.moon/bench@{digest}")
        try:
            yield here
        finally:
            if bare := getattr(here, "bare", None):
                bare.kill()
                bare.wait()
