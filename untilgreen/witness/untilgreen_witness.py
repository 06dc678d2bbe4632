"""The witness: runs inside the user's own pytest, sees what each test does, and writes it down at once.

One file, because it is injected (`PYTHONPATH=<its folder> pytest -p untilgreen_witness`) into environments that know
nothing of untilgreen: any Python from 3.9, any pytest from 7, nothing else. It never imports a client library; it
patches those that the tests import, when they import them. Without `UNTILGREEN_ORDER` it does nothing.

    Events     JSON lines, each written at once, so that a killed process loses nothing it had finished
    Sight      what one test did: exchanges, bytes, assertions, mocks
    Kernel     bytes to the deployed hosts, counted by the kernel
    Clients    one patch a library
    Asserts    counts passed assertions, constants apart
    Mocks      patches of clients and sockets that are active
    Recorder   pytest's reports as events
    Pool       collects once, forks workers, feeds them, survives their death
"""

from __future__ import annotations

import ast
import builtins
import contextvars
import faulthandler
import functools
import gc
import hashlib
import hmac
import importlib
import importlib.abc
import importlib.machinery
import json
import os
import random
import secrets
import selectors
import signal
import socket
import stat
import struct
import sys
import threading
import time
import traceback
import warnings
from collections import defaultdict, deque
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator
from urllib.parse import quote, urlsplit

import pytest

TEXT_LIMIT = 20_000
EXCHANGE_LIMIT = 120  # a polling test makes thousands; the first hundred and the last twenty tell its story
QUEUE_DEPTH = 3  # the test that runs, the next one (pytest must know it), and one so that no worker waits for the pool
DEATH_GRACE_S = 2.0
TCP_INFO, TCP_INFO_BYTES = 11, 136  # linux/tcp.h: tcpi_bytes_acked and tcpi_bytes_received lie at 120 and 128

ORDER: dict[str, Any] = json.loads(Path(os.environ["UNTILGREEN_ORDER"]).read_text()) if "UNTILGREEN_ORDER" in os.environ else {}
KEY = secrets.token_bytes(16)
"""Principals are comparable within one run and lead back to nothing."""


# ---------------------------------------------------------------------------------------------------------- Events


class Events:
    """The results file. O_APPEND makes lines of several processes whole."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, event: str, **fields: Any) -> None:
        """Write one line."""
        data = json.dumps({"event": event, **fields}, default=repr).encode() + b"\n"
        while data:
            data = data[os.write(self._fd, data) :]


def clip(text: str) -> str:
    """Keep head and tail of a long text, and make it valid Unicode."""
    if len(text) > TEXT_LIMIT:
        half = TEXT_LIMIT // 2 - 40
        text = f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode()


# ----------------------------------------------------------------------------------------------------------- Sight


class Exchange:
    """One request or WebSocket conversation."""

    __slots__ = ("client", "close_code", "host", "latency_ms", "method", "path", "principal", "started", "status")

    def __init__(self, client: str, method: str, host: str, path: str, credentials: Any) -> None:
        self.client, self.method, self.host = client, method, host
        self.path = path.split("?")[0].split("#")[0][:500] or "/"
        self.principal = principal(credentials)
        self.status: int | None = None
        self.close_code: Callable[[], int | None] = lambda: None
        self.latency_ms = 0.0
        self.started = time.perf_counter()

    def answer(self, status: int | None) -> None:
        """Note the answer, or None when none came."""
        self.status = status
        self.latency_ms = round((time.perf_counter() - self.started) * 1000, 3)

    def document(self) -> dict[str, Any]:
        """Return what is written down."""
        names = ("client", "method", "host", "path", "status", "latency_ms", "principal")
        return {**{name: getattr(self, name) for name in names}, "close_code": self.close_code()}


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


NOW: list[Sight | None] = [None]
"""The test that runs in this process. There is only one at a time, whatever thread asks."""
INSIDE: contextvars.ContextVar[bool] = contextvars.ContextVar("untilgreen_inside", default=False)
"""A library above this one already records the exchange."""
ACTIVE_MOCKS: dict[Any, str] = {}


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


def is_deployed(host: str) -> bool:
    """Tell whether a host:port belongs to a deployed service."""
    return host in DEPLOYED


def trace_headers(host: str, present: Iterable[str]) -> dict[str, str]:
    """Return the headers that make this test findable in the services' logs; what the test sets itself stays as it is."""
    sight = NOW[0]
    if sight is None or not is_deployed(host):
        return {}
    span = secrets.token_hex(8)
    wanted = {
        "traceparent": f"00-{sight.trace}-{span}-01",
        "X-Cloud-Trace-Context": f"{sight.trace}/{int(span, 16)};o=1",
        "X-Untilgreen-Test": sight.name,
    }
    there = {name.lower() for name in present}
    return {name: value for name, value in wanted.items() if name.lower() not in there}


def open_exchange(client: str, method: str, host: str, path: str, credentials: Any) -> Exchange | None:
    """Start recording, unless no test runs or a library above already records."""
    sight = NOW[0]
    if sight is None or INSIDE.get():
        return None
    exchange = Exchange(client, method, host, path, credentials)
    sight.add(exchange)
    return exchange


DEPLOYED = frozenset(host.lower() for host in ORDER.get("hosts", ()))


# ---------------------------------------------------------------------------------------------------------- Kernel


class Kernel:
    """Bytes between this process and the deployed hosts, whoever sends them.

    Sockets are known by their descriptor, because TLS moves a descriptor from one Python object to another; the inode
    tells whether it is still the same connection.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        self._names = {host.rsplit(":", 1)[0] for host in hosts}
        self._places = set(hosts)
        self._open: dict[int, list[int]] = {}
        self._sent = self._received = 0
        self._add_proxies()
        self._patch()

    def _add_proxies(self) -> None:
        """Behind a proxy, the connection to the deployed host ends at the proxy."""
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
            url = urlsplit(os.environ.get(name) or os.environ.get(name.lower()) or "")
            if url.hostname:
                self._places.add(place(url.hostname, url.port))
                self._names.add(url.hostname)

    def _patch(self) -> None:
        resolve, connect, connect_ex = socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex
        close = socket.socket._real_close  # type: ignore[attr-defined]

        def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            found = resolve(host, port, *args, **kwargs)
            name = host.decode("latin-1") if isinstance(host, bytes) else host
            if name and name.lower() in self._names:
                self._places.update(f"{row[4][0]}:{row[4][1]}" for row in found if f"{name.lower()}:{row[4][1]}" in self._places)
            return found

        def note(call: Any) -> Any:
            @functools.wraps(call)
            def noted(sock: socket.socket, address: Any) -> Any:
                self._watch(sock, address)
                return call(sock, address)

            return noted

        def real_close(sock: socket.socket, *args: Any) -> Any:
            self._count(sock.fileno(), last=True)
            return close(sock, *args)

        socket.getaddrinfo = getaddrinfo
        socket.socket.connect = note(connect)  # type: ignore[method-assign]
        socket.socket.connect_ex = note(connect_ex)  # type: ignore[method-assign]
        socket.socket._real_close = real_close  # type: ignore[attr-defined]

    def _watch(self, sock: socket.socket, address: Any) -> None:
        """Follow a socket that goes to a deployed host."""
        if isinstance(address, tuple) and f"{str(address[0]).lower()}:{address[1]}" in self._places:
            fd = sock.fileno()
            self._open[fd] = [os.fstat(fd).st_ino, sock.family, 0, 0]

    def _count(self, fd: int, *, last: bool = False) -> None:
        known = self._open.get(fd)
        if known is None:
            return
        now = self.read(fd, known)
        if now is None or last:
            del self._open[fd]
        if now is not None:
            self._sent += max(0, now[0] - known[2])
            self._received += max(0, now[1] - known[3])
            known[2:] = now

    def read(self, fd: int, known: list[int]) -> tuple[int, int] | None:
        """Return the bytes acknowledged by and received from the peer, or None when the connection is gone."""
        try:
            if os.fstat(fd).st_ino != known[0]:
                return None
            borrowed = socket.socket.__base__(known[1], socket.SOCK_STREAM, 0, fd)  # type: ignore[misc]
            try:
                info = borrowed.getsockopt(socket.IPPROTO_TCP, TCP_INFO, TCP_INFO_BYTES)
            finally:
                borrowed.detach()
        except OSError:
            return None
        sent, received = struct.unpack_from("QQ", info, 120)
        return sent, received

    def take(self) -> tuple[int, int]:
        """Return the bytes since the last time, pooled connections included."""
        for fd in list(self._open):
            self._count(fd)
        taken, self._sent, self._received = (self._sent, self._received), 0, 0
        return taken


class Counted(Kernel):
    """The same without TCP_INFO: counts what passes through Python's own sockets."""

    def _patch(self) -> None:
        super()._patch()
        for owner, name, side in SOCKET_CALLS:
            patch_now(owner, name, functools.partial(self._counting, side))

    def _counting(self, side: int, call: Any) -> Any:
        @functools.wraps(call)
        def counted(sock: Any, data: Any, *args: Any) -> Any:
            done = call(sock, data, *args)
            known = self._open.get(sock.fileno())
            if known is not None:
                size = done if isinstance(done, int) else len(done if done is not None else data)
                if side == 0:
                    self._sent += size
                else:
                    self._received += size
            return done

        return counted

    def read(self, fd: int, known: list[int]) -> tuple[int, int] | None:
        """Say only whether the connection is still the same; the bytes were counted as they passed."""
        try:
            return (0, 0) if os.fstat(fd).st_ino == known[0] else None
        except OSError:
            return None


SOCKET_CALLS = ((socket.socket, "send", 0), (socket.socket, "sendall", 0), (socket.socket, "recv", 1), (socket.socket, "recv_into", 1))


def kernel_counts() -> bool:
    """Tell whether this system's TCP_INFO holds byte counters."""
    try:
        with socket.socket() as probe:
            return sys.platform == "linux" and len(probe.getsockopt(socket.IPPROTO_TCP, TCP_INFO, TCP_INFO_BYTES)) == TCP_INFO_BYTES
    except OSError:
        return False


# --------------------------------------------------------------------------------------------------------- Clients


def patch_now(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace owner.name by make(the original), if there is such a thing in this version."""
    original = getattr(owner, name, None)
    if original is not None:
        setattr(owner, name, functools.wraps(original)(make(original)))


def recorded(client: str, describe: Callable[..., tuple[str, str, str, Any]], status: Callable[[Any], int]) -> Callable[[Any], Any]:
    """Return a patch that records one exchange a call. `describe` gives method, host:port, path, credentials."""

    def make(call: Any) -> Any:
        def wrapped(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            exchange = open_exchange(client, *describe(request))
            if exchange is None:
                return call(self, request, *args, **kwargs)
            token, answer = INSIDE.set(True), None
            try:
                answer = status(call(self, request, *args, **kwargs))
            finally:
                INSIDE.reset(token)
                exchange.answer(answer)

        return wrapped

    return make
