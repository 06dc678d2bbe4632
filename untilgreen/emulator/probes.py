"""Startup and liveness probes: TCP, HTTP and gRPC, with Cloud Run's defaults.

A startup probe is looked at often within each of its periods, so that a start is seen at once; what its failure takes
is as long as on Cloud Run.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

from grpc import RpcError, aio

from untilgreen.emulator.port_book import LOOPBACK
from untilgreen.emulator.protos import Message

_POLL_S = 0.025
_POLL_ASKING_S = 0.05
"""An answer that is not yet good costs the app a request; a refused connection costs nothing."""

_HANG_UP_S = 0.2
_SERVING = 1
_CHECK = "/grpc.health.v1.Health/Check"
_CHANNEL = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0), ("grpc.enable_retries", 0))
"""A refused connection of one look must not slow down the next one."""

DEFAULT_START_S = 240


@dataclass(frozen=True)
class Probe:
    """How a container is asked whether it is well.

    Args:
        kind: `STARTUP` or `LIVENESS`.
        action: `TCP`, `HTTP` or `GRPC`.
        target: HTTP path, gRPC service, or empty.
        headers: sent with each HTTP probe.
        delay: seconds before the first look.
        period: seconds from one attempt to the next.
        threshold: failures in a row that decide.
        timeout: seconds that one answer may take.
        default: whether the template named no probe.
    """

    kind: str
    action: str
    target: str
    headers: tuple[tuple[str, str], ...]
    delay: float
    period: float
    threshold: int
    timeout: float
    default: bool = False

    @property
    def title(self) -> str:
        """Return what the platform's log calls it."""
        return f"{'Default ' if self.default else ''}{self.kind} {self.action} probe"

    @property
    def where(self) -> str:
        """Return what the platform's log says after the port."""
        return f' path "{self.target}"' if self.action == "HTTP" else ""


@dataclass(frozen=True)
class Attempt:
    """How one attempt of a probe ended."""

    passed: bool
    connected: bool
    number: int


def startup_probe(container: Message) -> Probe:
    """Return a container's startup probe, Cloud Run's own when it has none."""
    probe = container.startup_probe
    if not container.HasField("startup_probe") or _is_default(probe):
        return Probe("STARTUP", "TCP", "", (), 0, DEFAULT_START_S, 1, DEFAULT_START_S, default=True)
    return _probe("STARTUP", probe)


def liveness_probe(container: Message) -> Probe | None:
    """Return a container's liveness probe, if it has one: Cloud Run has none of its own."""
    return _probe("LIVENESS", container.liveness_probe) if container.HasField("liveness_probe") else None


def fill_defaults(container: Message) -> None:
    """Write Cloud Run's defaults into a revision's probes, as its API shows them."""
    port = container.ports[0].container_port
    if not container.HasField("startup_probe"):
        probe = container.startup_probe
        probe.period_seconds = probe.timeout_seconds = DEFAULT_START_S
        probe.failure_threshold = 1
        probe.tcp_socket.port = port
    for name in ("startup_probe", "liveness_probe"):
        if container.HasField(name):
            _fill(getattr(container, name), port)


async def attempt(probe: Probe, port: int, number: int) -> Attempt:
    """Look until the probe passes or its period is over."""
    deadline = time.monotonic() + probe.period
    connected = False
    while time.monotonic() < deadline:
        limit = min(probe.timeout, max(deadline - time.monotonic(), 0.01))
        passed = await look(probe, port, limit)
        if passed:
            return Attempt(passed=True, connected=True, number=number)
        connected = connected or passed is not None
        await asyncio.sleep(_POLL_S if passed is None else _POLL_ASKING_S)
    return Attempt(passed=False, connected=connected, number=number)


async def look(probe: Probe, port: int, limit: float) -> bool | None:
    """Ask once. None when nobody listens.

    Args:
        probe: what to ask.
        port: where the container listens.
        limit: seconds that the answer may take.
    """
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return None
    try:
        if probe.action == "HTTP":
            return await asyncio.wait_for(_ask(probe, port, reader, writer), limit)
    except (OSError, TimeoutError, ValueError):
        return False
    finally:
        writer.close()
    return probe.action == "TCP" or await _check(probe.target, port, limit)


async def _ask(probe: Probe, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    headers = "".join(f"{name}: {value}\r\n" for name, value in probe.headers)
    writer.write(
        f"GET {probe.target} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nUser-Agent: GoogleHC/1.0\r\n{headers}"
        "Connection: close\r\n\r\n".encode()
    )
    version, _, rest = (await reader.readline()).partition(b" ")
    # Hanging up on a server that still writes would put a broken pipe into the app's own log.
    with suppress(TimeoutError):
        await asyncio.wait_for(reader.read(), _HANG_UP_S)
    return version.startswith(b"HTTP/") and 200 <= int(rest[:3]) < 400  # noqa: PLR2004 - what Cloud Run calls healthy


async def _check(service: str, port: int, limit: float) -> bool:
    """Ask by gRPC's health protocol; its two messages have one field each, so they are written by hand."""
    name = service.encode()
    request = (b"\x0a" + bytes([len(name)]) + name) if name else b""
    try:
        async with aio.insecure_channel(f"{LOOPBACK}:{port}", options=_CHANNEL) as channel:
            answer = await channel.unary_unary(_CHECK)(request, timeout=limit)
    except RpcError:
        return False
    return bool(answer == bytes([0x08, _SERVING]))


def _probe(kind: str, probe: Message) -> Probe:
    http, grpc = probe.HasField("http_get"), probe.HasField("grpc")
    path = probe.http_get.path or "/"
    return Probe(
        kind=kind,
        action="HTTP" if http else "GRPC" if grpc else "TCP",
        target=path if http else probe.grpc.service if grpc else "",
        headers=tuple((h.name, h.value) for h in probe.http_get.http_headers) if http else (),
        delay=probe.initial_delay_seconds,
        period=probe.period_seconds or 10,
        threshold=probe.failure_threshold or 3,
        timeout=probe.timeout_seconds or 1,
    )


def _is_default(probe: Message) -> bool:
    times = (probe.initial_delay_seconds, probe.period_seconds, probe.timeout_seconds, probe.failure_threshold)
    return probe.HasField("tcp_socket") and times == (0, DEFAULT_START_S, DEFAULT_START_S, 1)


def _fill(probe: Message, port: int) -> None:
    probe.period_seconds = probe.period_seconds or 10
    probe.timeout_seconds = probe.timeout_seconds or 1
    probe.failure_threshold = probe.failure_threshold or 3
    if probe.HasField("http_get"):
        probe.http_get.path = probe.http_get.path or "/"
    action = next((name for name in ("http_get", "grpc") if probe.HasField(name)), "tcp_socket")
    getattr(probe, action).port = port
