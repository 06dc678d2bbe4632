"""Startup probes: TCP and HTTP, with Cloud Run's defaults, looked at often so that a start is seen at once."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass

from untilgreen.emulator.port_book import LOOPBACK
from untilgreen.emulator.protos import Message

_POLL_S = 0.025
_POLL_HTTP_S = 0.05
"""An answer that is not yet good costs the app a request; a refused connection costs nothing."""

_HANG_UP_S = 0.2


@dataclass(frozen=True)
class StartupProbe:
    """When a container counts as started.

    Args:
        path: HTTP path, or empty for TCP.
        headers: sent with each HTTP probe.
        delay: seconds before the first look.
        period: seconds of one attempt; within it the emulator looks many times.
        threshold: attempts before the container is given up.
        timeout: seconds that one HTTP answer may take.
        default: whether the template named no probe.
    """

    path: str
    headers: tuple[tuple[str, str], ...]
    delay: float
    period: float
    threshold: int
    timeout: float
    default: bool

    @property
    def title(self) -> str:
        """Return what the platform's log calls it."""
        return ("Default " if self.default else "") + ("STARTUP HTTP probe" if self.path else "STARTUP TCP probe")


@dataclass(frozen=True)
class Attempt:
    """How one attempt of a probe ended."""

    passed: bool
    connected: bool
    number: int


def startup_probe(container: Message) -> StartupProbe:
    """Return a container's startup probe, Cloud Run's own when it has none."""
    if not container.HasField("startup_probe"):
        return StartupProbe("", (), 0, 240, 1, 240, default=True)
    probe = container.startup_probe
    http = probe.HasField("http_get")
    return StartupProbe(
        path=(probe.http_get.path or "/") if http else "",
        headers=tuple((h.name, h.value) for h in probe.http_get.http_headers) if http else (),
        delay=probe.initial_delay_seconds,
        period=probe.period_seconds or 10,
        threshold=probe.failure_threshold or 3,
        timeout=probe.timeout_seconds or 1,
        default=False,
    )


async def attempt(probe: StartupProbe, port: int, number: int) -> Attempt:
    """Look until the probe passes or its period is over."""
    deadline = time.monotonic() + probe.period
    connected = False
    while time.monotonic() < deadline:
        limit = min(probe.timeout, max(deadline - time.monotonic(), 0.01))
        status = await _look(probe, port, limit)
        connected = connected or status is not None
        if status is not None and (not probe.path or 200 <= status < 400):  # noqa: PLR2004 - what Cloud Run calls healthy
            return Attempt(passed=True, connected=True, number=number)
        await asyncio.sleep(_POLL_S if status is None else _POLL_HTTP_S)
    return Attempt(passed=False, connected=connected, number=number)


async def _look(probe: StartupProbe, port: int, limit: float) -> int | None:
    """Return an HTTP status, 0 for a connection without one, or None when nobody listens."""
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return None
    try:
        return await asyncio.wait_for(_ask(probe, port, reader, writer), limit) if probe.path else 0
    except (OSError, TimeoutError, ValueError):
        return 0
    finally:
        writer.close()


async def _ask(probe: StartupProbe, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    headers = "".join(f"{name}: {value}\r\n" for name, value in probe.headers)
    writer.write(
        f"GET {probe.path} HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nUser-Agent: GoogleHC/1.0\r\n{headers}"
        "Connection: close\r\n\r\n".encode()
    )
    version, _, rest = (await reader.readline()).partition(b" ")
    # Hanging up on a server that still writes would put a broken pipe into the app's own log.
    with suppress(TimeoutError):
        await asyncio.wait_for(reader.read(), _HANG_UP_S)
    return int(rest[:3]) if version.startswith(b"HTTP/") else 0
