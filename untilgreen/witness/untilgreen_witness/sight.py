"""What one test does, seen from inside its process: exchanges, assertions, mocks."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from .order import ORDER

EXCHANGE_LIMIT = 120  # a polling test makes thousands; the first hundred and the last twenty tell its story
KEY = secrets.token_bytes(16)
"""Principals are comparable within one run and lead back to nothing."""
INSIDE: contextvars.ContextVar[bool] = contextvars.ContextVar("untilgreen_inside", default=False)
"""A library above this one already records the exchange."""
ACTIVE_MOCKS: dict[Any, str] = {}
FAULTS: set[str] = set()
"""What the witness itself could not do."""
DEPLOYED = frozenset(
    place
    for host in ORDER.get("hosts", ())
    for place in ([host.lower()] if ":" in host else [f"{host.lower()}:443", f"{host.lower()}:80"])
)
"""host:port of the deployed services."""


class Exchange:
    """One request or WebSocket conversation."""

    __slots__ = (
        "client",
        "close_code",
        "host",
        "latency_ms",
        "method",
        "path",
        "phase",
        "principal",
        "started",
        "status",
    )

    def __init__(self, client: str, method: str, host: str, path: str, credentials: Any) -> None:
        # A library may be asked for anything before it refuses: None for a method, bytes for a host.
        self.client, self.method, self.host = client, text(method), text(host)
        self.path = text(path).split("?", maxsplit=1)[0].split("#", maxsplit=1)[0][:500] or "/"
        self.principal = principal(credentials)
        self.phase = PRESENT.phase
        self.status: int | None = None
        self.close_code: Callable[[], int | None] = lambda: None
        self.latency_ms = 0.0
        self.started = time.perf_counter()

    def end(self) -> None:
        """Note when it was answered, or failed."""
        self.latency_ms = round((time.perf_counter() - self.started) * 1000, 3)

    def document(self) -> dict[str, Any]:
        """Return what is written down."""
        names = ("client", "method", "host", "path", "status", "latency_ms", "principal", "phase")
        return {**{name: getattr(self, name) for name in names}, "close_code": self.close_code()}


def text(value: Any) -> str:
    """Return whatever somebody gave for a text as one."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")


class Sight:
    """What one test did, seen in this process."""

    def __init__(self, nodeid: str) -> None:
        text = "\0".join((ORDER["run_id"], nodeid, str(ORDER["attempt"])))
        self.trace = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
        self.name = quote(nodeid.encode("utf-8", "backslashreplace"), safe="/:.[]-_")[:200]
        self.exchanges: list[Exchange] = []
        self.assertions = [0, 0]  # constant, real
        self.mocks = set(ACTIVE_MOCKS.values())

    def add(self, exchange: Exchange) -> None:
        """Keep an exchange; in the middle of very many, forget."""
        self.exchanges.append(exchange)
        if len(self.exchanges) > EXCHANGE_LIMIT:
            del self.exchanges[EXCHANGE_LIMIT - 20]

    def document(self, sent: int, received: int) -> dict[str, Any]:
        """Return what is written down."""
        return {
            "trace": self.trace,
            "exchanges": [exchange.document() for exchange in self.exchanges],
            "bytes_sent": sent,
            "bytes_received": received,
            "assertions": self.assertions[1],
            "constant_assertions": self.assertions[0],
            "mocks": sorted(self.mocks),
        }


class Present:
    """The test that runs in this process. There is only one at a time, whatever thread asks."""

    sight: Sight | None = None
    phase = "setup"
    """Of the test: setup, call or teardown."""


PRESENT = Present()


def principal(credentials: Any) -> str:
    """Return a keyed hash of credentials, or nothing for none."""
    if not credentials:
        return ""
    data = credentials if isinstance(credentials, bytes) else str(credentials).encode("utf-8", "backslashreplace")
    return hmac.new(KEY, data, "sha256").hexdigest()[:12]


def credentials_in(headers: Iterable[tuple[Any, Any]]) -> Any:
    """Return the first header that says who calls."""
    for name, value in headers:
        text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
        if text.lower() in ("authorization", "x-api-key", "cookie"):
            return value
    return None


def place(host: str, port: int | None, scheme: str = "http") -> str:
    """Return host:port."""
    return f"{host.lower()}:{port or (443 if scheme in ('https', 'wss') else 80)}"


def trace_headers(host: str, present: Iterable[str]) -> dict[str, str]:
    """Return the headers that make this test findable in the services' logs; what it sets itself stays as it is."""
    sight = PRESENT.sight
    if sight is None or host not in DEPLOYED:
        return {}
    span = secrets.token_hex(8)
    wanted = {
        "traceparent": f"00-{sight.trace}-{span}-01",
        "X-Cloud-Trace-Context": f"{sight.trace}/{int(span, 16)};o=1",
        "X-Untilgreen-Test": sight.name,
        "X-Untilgreen-Phase": PRESENT.phase,
    }
    there = {name.lower() for name in present}
    return {name: value for name, value in wanted.items() if name.lower() not in there}


def open_exchange(client: str, method: str, host: str, path: str, credentials: Any) -> Exchange:
    """Return an exchange; it is kept when a test runs and no library above already records it."""
    exchange = Exchange(client, method, host, path, credentials)
    if PRESENT.sight is not None and not INSIDE.get():
        PRESENT.sight.add(exchange)
    return exchange


def harmless(call: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a fault of the witness out of the test that it watches; the fault is told, and proves nothing."""

    @functools.wraps(call)
    def tried(*args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the user's test must not fail for it
            FAULTS.add(f"{call.__qualname__}: {type(error).__name__}: {error}"[:300])
            return None

    return tried


@contextlib.contextmanager
def recording(describe: Callable[..., Any], *seen: Any) -> Iterator[Exchange]:
    """Record what happens inside as one exchange; the caller sets its status. Lower libraries then keep silent.

    Args:
        describe: gives client, method, host:port, path and credentials; None when it cannot.
        seen: what `describe` looks at.
    """
    described = describe(*seen)
    exchange = open_exchange(*described) if described else Exchange("", "", "", "", None)
    token = INSIDE.set(True)
    try:
        yield exchange
    finally:
        INSIDE.reset(token)
        exchange.end()


def passed(real: int) -> None:
    """Count an assertion that passed: 1 when it compares something that is not a constant, else 0."""
    sight = PRESENT.sight
    if sight is not None:
        sight.assertions[real] += 1


def counting(call: Any) -> Any:
    """Return a patch for a method that checks something and raises when it does not hold."""

    def checked(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        passed(1)
        return result

    return checked


def patch_now(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace owner.name by make(the original), if there is such a thing in this version."""
    original = getattr(owner, name, None)
    if original is not None:
        setattr(owner, name, functools.wraps(original)(make(original)))
