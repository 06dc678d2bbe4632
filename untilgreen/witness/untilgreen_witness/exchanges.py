"""One request or WebSocket conversation: recorded by the library that the test called, traced by the lowest one."""

from __future__ import annotations

import contextvars
import functools
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

from .counters import REAL
from .sight import DEPLOYED, PRESENT, harmless

KEY = secrets.token_bytes(16)
"""Principals are comparable within one run and lead back to nothing."""
INSIDE: contextvars.ContextVar[bool] = contextvars.ContextVar("untilgreen_inside", default=False)
"""A library above this one already records the exchange."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
SAME = {
    f"{name}:{port}": place
    for place in DEPLOYED
    for host, _, port in [place.rpartition(":")]
    for name in LOOPBACK
    if host in LOOPBACK and f"{name}:{port}" not in DEPLOYED
}
"""Other names of deployed hosts."""
WRITTEN = ("client", "method", "host", "path", "status", "latency_ms", "principal", "phase", "checks", "received")
BEGIN = "begin"
"""The phase of a call that only gets a test going: a negative control lets it through, as it does a fixture's."""
CREDENTIALS = re.compile(r"cookie$|.*(auth|token|session|api-?key)", re.IGNORECASE)
"""How headers are called that say who calls."""


class Exchange:
    """One request or WebSocket conversation."""

    __slots__ = (*WRITTEN, "before", "close_code", "late_status", "started")

    def __init__(self, client: str, method: str, host: str, path: str, credentials: Any) -> None:
        # A library may be asked for anything before it refuses: None for a method, bytes for a host.
        self.client, self.method, self.host = client, text(method), text(host)
        self.path = text(path).split("?", maxsplit=1)[0].split("#", maxsplit=1)[0][:500] or "/"
        self.principal = principal(credentials)
        self.phase = PRESENT.phase
        self.checks = PRESENT.sight.assertions[REAL] if PRESENT.sight else 0
        self.status: int | None = None
        self.late_status: Callable[[], int | None] = nothing
        self.close_code: Callable[[], int | None] = nothing
        self.received: int | None = None
        self.before: int | None = None
        self.latency_ms = 0.0
        self.started = time.perf_counter()

    def end(self) -> None:
        """Note when it was answered, or failed, and which bytes came meanwhile."""
        self.latency_ms = round((time.perf_counter() - self.started) * 1000, 3)
        if self.before is not None:
            self.received = moved_since(self.before)
        if PRESENT.sight is not None:
            PRESENT.sight.answered = True
            if self is not NOT_KEPT:
                PRESENT.sight.tell(self.document())

    def document(self) -> dict[str, Any]:
        """Return what is written down."""
        if self.status is None:
            self.status = self.late_status()
        return {**{name: getattr(self, name) for name in WRITTEN}, "close_code": self.close_code()}


def nothing() -> None:
    """Know nothing more than is known already."""


@harmless
def received_now() -> int:
    """Return the bytes that have come from deployed hosts since the test began."""
    return PRESENT.received(False)


@harmless
def moved_since(before: int) -> int | None:
    """Return the bytes that came from deployed hosts; unknown connections are looked for when there were none."""
    moved = PRESENT.received(False) - before or PRESENT.received(True) - before
    return moved if moved >= 0 else None


def text(value: Any) -> str:
    """Return whatever somebody gave for a text as one."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")


def principal(credentials: Any) -> str:
    """Return a keyed hash of credentials, or nothing for none."""
    if not credentials:
        return ""
    data = credentials if isinstance(credentials, bytes) else str(credentials).encode("utf-8", "backslashreplace")
    return hmac.new(KEY, data, "sha256").hexdigest()[:12]


def credentials_in(headers: Iterable[tuple[Any, Any]]) -> Any:
    """Return the first header that says who calls."""
    for name, value in headers:
        if CREDENTIALS.match(text(name)):
            return value
    return None


def place(host: str, port: int | None, scheme: str = "http") -> str:
    """Return host:port, as the deployed services name it."""
    where = f"{host.lower()}:{port or (443 if scheme in ('https', 'wss') else 80)}"
    return SAME.get(where, where)


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
        "X-Untilgreen-Phase": phase_now(sight),
    }
    there = {name.lower() for name in present}
    return {name: value for name, value in wanted.items() if name.lower() not in there}


def phase_now(sight: Any) -> str:
    """Return the phase that a request says it is of."""
    if not sight.spared or PRESENT.phase != "call":
        return PRESENT.phase
    begun = sum(exchange.phase == "call" and exchange.host in DEPLOYED for exchange in sight.exchanges)
    return BEGIN if begun + (not INSIDE.get()) <= sight.spared else "call"


NOT_KEPT = Exchange("", "", "", "", None)
"""What is told to an exchange that nobody will read."""


def open_exchange(client: str, method: str, host: str, path: str, credentials: Any) -> Exchange:
    """Return an exchange; it is kept when a test runs and no library above already records it."""
    if PRESENT.sight is None or INSIDE.get():
        return NOT_KEPT
    exchange = Exchange(client, method, host, path, credentials)
    PRESENT.sight.add(exchange)
    if exchange.host in DEPLOYED:
        exchange.before = received_now()
    return exchange


class Recording:
    """Records what happens inside as one exchange; the caller sets its status. Lower libraries then keep silent.

    Args:
        describe: gives client, method, host:port, path and credentials; None when it cannot.
        seen: what `describe` looks at.
    """

    def __init__(self, describe: Callable[..., Any], *seen: Any) -> None:
        described = describe(*seen)
        self._exchange = open_exchange(*described) if described else NOT_KEPT

    def __enter__(self) -> Exchange:
        self._token = INSIDE.set(True)
        return self._exchange

    def __exit__(self, *_: object) -> None:
        INSIDE.reset(self._token)
        self._exchange.end()


def recorded(describe: Callable[..., Any], status: str, call: Any) -> Any:
    """Return a patch for a method that sends one request and returns its answer.

    Args:
        describe: gives client, method, host:port, path and credentials from the method's own arguments.
        status: the answer's attribute.
        call: the method.
    """

    def send(*args: Any, **kwargs: Any) -> Any:
        with Recording(describe, args, kwargs) as exchange:
            response = call(*args, **kwargs)
            exchange.status = getattr(response, status, None)
            return response

    return send


def recorded_async(describe: Callable[..., Any], status: str, call: Any) -> Any:
    """Return the same patch for a coroutine."""

    async def send(*args: Any, **kwargs: Any) -> Any:
        with Recording(describe, args, kwargs) as exchange:
            response = await call(*args, **kwargs)
            exchange.status = getattr(response, status, None)
            return response

    return send


def recording(describe: Callable[..., Any], status: str) -> tuple[Any, Any]:
    """Return the patches for a method and for a coroutine that send a request."""
    return functools.partial(recorded, describe, status), functools.partial(recorded_async, describe, status)
