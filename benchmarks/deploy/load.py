"""Requests over connections that stay open, with as little of our own work as possible."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What a number of requests took."""

    median_s: float
    per_second: float


def measure(address: str, connections: int, requests: int) -> Load:
    """Send requests, one after another on each connection."""
    return asyncio.run(_measure(address, connections, requests))


async def _measure(address: str, connections: int, requests: int) -> Load:
    await _talk(address, 50)
    begun = time.perf_counter()
    times = await asyncio.gather(*(_talk(address, requests // connections) for _ in range(connections)))
    seconds = time.perf_counter() - begun
    taken = [second for each in times for second in each]
    return Load(statistics.median(taken), len(taken) / seconds)


async def _talk(address: str, requests: int) -> list[float]:
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    question = f"GET /any HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
    taken = []
    for _ in range(requests):
        begun = time.perf_counter()
        writer.write(question)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await reader.readexactly(2)
        taken.append(time.perf_counter() - begun)
    writer.close()
    return taken
