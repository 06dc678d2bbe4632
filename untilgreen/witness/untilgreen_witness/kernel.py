"""Bytes between this process and the deployed hosts."""

from __future__ import annotations

import functools
import os
import socket
import stat
import struct
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .exchanges import place
from .sight import PRESENT, harmless, patch_now

TCP_INFO, TCP_INFO_BYTES = 11, 136  # linux/tcp.h: tcpi_bytes_acked and tcpi_bytes_received lie at 120 and 128


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
        self._lock = threading.RLock()
        self._add_proxies()
        self._patch()
        PRESENT.received = self.received

    def _add_proxies(self) -> None:
        """Behind a proxy, the connection to the deployed host ends at the proxy."""
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
            url = urlsplit(os.environ.get(name) or os.environ.get(name.lower()) or "")
            if url.hostname:
                self._places.add(place(url.hostname, url.port))
                self._names.add(url.hostname)

    def _patch(self) -> None:
        resolve, connect, connect_ex = socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex
        close = socket.socket._real_close  # type: ignore[attr-defined]  # noqa: SLF001 - the true end

        def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            found = resolve(host, port, *args, **kwargs)
            name = host.decode("latin-1").lower() if isinstance(host, bytes) else str(host).lower()
            if name in self._names:
                ends: list[Any] = [row[4] for row in found]
                self._places.update(f"{ip}:{port}" for ip, port, *_ in ends if f"{name}:{port}" in self._places)
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
        socket.socket._real_close = real_close  # type: ignore[attr-defined]  # noqa: SLF001 - as above

    @harmless
    def _watch(self, sock: socket.socket, address: Any) -> None:
        """Follow a socket that goes to a deployed host."""
        if isinstance(address, tuple) and place(str(address[0]).replace("::ffff:", ""), address[1]) in self._places:
            fd = sock.fileno()  # "::ffff:" is how a socket of version 6 names an address of version 4
            self._open[fd] = [os.fstat(fd).st_ino, sock.family, 0, 0]

    @harmless
    def _count(self, fd: int, *, last: bool = False) -> None:
        with self._lock:
            known = self._open.get(fd)
            if known is None:
                return
            now = self.read(fd, known)
            if now is None or last:
                self._open.pop(fd, None)
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

    def received(self, look: bool = False) -> int:
        """Return the bytes that have come since the last `take`.

        Args:
            look: look for connections, too, that did not pass through Python's sockets: those of gRPC and uvloop.
        """
        if look:
            self._look()
        for fd in list(self._open):
            self._count(fd)
        return self._received

    @harmless
    def _look(self) -> None:
        """Follow connections to deployed hosts that libraries in C have opened."""
        for entry in list(Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd").iterdir()):
            fd = int(entry.name)
            if fd in self._open or not is_socket(fd):
                continue
            borrowed = socket.socket.__base__(fileno=fd)  # type: ignore[misc]
            try:
                self._watch(borrowed, borrowed.getpeername())
            except OSError:  # it listens, or is not connected any more
                continue
            finally:
                borrowed.detach()

    def take(self) -> tuple[int, int]:
        """Return the bytes since the last time, pooled connections included."""
        self.received()
        taken, self._sent, self._received = (self._sent, self._received), 0, 0
        return taken


def is_socket(fd: int) -> bool:
    """Tell whether a descriptor is one of a socket."""
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False


SOCKET_CALLS = (
    (socket.socket, "send", 0),
    (socket.socket, "sendall", 0),
    (socket.socket, "recv", 1),
    (socket.socket, "recv_into", 1),
)


class Counted(Kernel):
    """The same without TCP_INFO: counts what passes through Python's own sockets."""

    def _patch(self) -> None:
        super()._patch()
        import ssl  # noqa: PLC0415 - slow to import, and needed only here

        encrypted = ((ssl.SSLSocket, "write", 0), (ssl.SSLSocket, "read", 1))
        for owner, name, side in SOCKET_CALLS + encrypted:
            patch_now(owner, name, functools.partial(self._counting, side))

    def _counting(self, side: int, call: Any) -> Any:
        @functools.wraps(call)
        def counted(sock: Any, *args: Any, **kwargs: Any) -> Any:
            done = call(sock, *args, **kwargs)
            if sock.fileno() in self._open:
                size = done if isinstance(done, int) else len(done if done is not None else args[0])
                self._sent += size if side == 0 else 0
                self._received += size if side == 1 else 0
            return done

        return counted

    def read(self, fd: int, known: list[int]) -> tuple[int, int] | None:
        """Say only whether the connection is still the same; the bytes were counted as they passed."""
        try:
            return (0, 0) if os.fstat(fd).st_ino == known[0] else None
        except OSError:
            return None


def kernel_counts() -> bool:
    """Tell whether this system's TCP_INFO holds byte counters."""
    try:
        with socket.socket() as probe:
            return (
                sys.platform == "linux"
                and len(probe.getsockopt(socket.IPPROTO_TCP, TCP_INFO, TCP_INFO_BYTES)) == TCP_INFO_BYTES
            )
    except OSError:
        return False
