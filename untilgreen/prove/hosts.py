"""Which exchanges were with which hosts, whatever way a host is written."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from untilgreen.model.suite import Exchange


def hosts_of(urls: Iterable[str]) -> frozenset[str]:
    """Return host or host:port of each URL, as it is written there."""
    return frozenset(urlsplit(url).netloc.rpartition("@")[2].lower() for url in urls)


def is_among(host: str, hosts: frozenset[str]) -> bool:
    """Tell whether a host:port is one of these; URLs leave the port out where it is their scheme's own."""
    name, _, port = host.lower().rpartition(":")
    return bool(frozenset({host.lower(), name} if port in ("80", "443") else {host.lower()}) & hosts)


def exchanges_with(exchanges: Iterable[Exchange], hosts: frozenset[str]) -> tuple[Exchange, ...]:
    """Return those with one of these hosts; all of them when no host is named."""
    return tuple(exchange for exchange in exchanges if not hosts or is_among(exchange.host, hosts))
