"""Log lines as services write them: two hundred call sites, words and values, some far more frequent than others."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator

_WORDS = (
    "user order cart agent session request upstream queue worker cache token payment "
    "invoice mail webhook retry batch shard index schema migration lock row connection "
    "pool handshake socket stream event topic consumer offset partition region bucket object "
    "upload download header cookie redirect route handler middleware policy role scope permission "
    "deadline latency timeout budget quota limit flag rollout canary health probe sentinel "
    "cron job task "
)
WORDS = tuple(_WORDS.split())
CALL_SITES = 200

Value = Callable[[random.Random], str]
VALUES: tuple[Value, ...] = (
    lambda r: str(r.randrange(10**6)),
    lambda r: str(uuid.UUID(int=r.getrandbits(128))),
    lambda r: f"{r.getrandbits(64):016x}",
    lambda r: f"10.0.{r.randrange(255)}.{r.randrange(255)}:{r.randrange(65535)}",
    lambda r: f"/api/v1/orders/{r.randrange(10**5)}",
    lambda r: f"user{r.randrange(9999)}@example.com",
    lambda r: f"{r.randrange(900)}ms",
    lambda r: f"status={r.choice((200, 404, 503))}",
    lambda r: f"2026-03-04T09:{r.randrange(60):02d}:07.123Z",
    lambda r: f"{r.random() * 100:.2f}",
)


def lines(number: int) -> Iterator[str]:
    """Return so many lines, the same in every run."""
    chance = random.Random(7)  # noqa: S311 - scenery, no secret
    sites = [_site(chance) for _ in range(CALL_SITES)]
    for _ in range(number):
        site = sites[min(int(chance.expovariate(1 / 40)), CALL_SITES - 1)]
        yield " ".join(part if isinstance(part, str) else part(chance) for part in site)


def _site(chance: random.Random) -> list[str | Value]:
    count = chance.randrange(8, 22)
    return [chance.choice(WORDS) if chance.random() < 0.75 else chance.choice(VALUES) for _ in range(count)]  # noqa: PLR2004 - three words for each value
