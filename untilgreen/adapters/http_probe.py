"""Health checks over HTTP."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import httpx

from untilgreen.model.delivery import HealthCheck

_DETAIL = 200
"""Characters of an unhealthy answer that are kept: enough for a reason, too little for a page."""

_OWN = frozenset({"127.0.0.1", "::1", "localhost"})


class HttpProbe:
    """Asks over HTTP, once, without following redirects: a login page is not health.

    Args:
        timeout_s: how long one answer may take.
    """

    def __init__(self, timeout_s: float = 5) -> None:
        self._timeout_s = timeout_s

    def check(self, service: str, url: str, trace: str = "") -> HealthCheck:
        """Ask once. Never raises: no answer is an answer."""
        headers = {"traceparent": f"00-{trace}-{trace[:16]}-01"} if trace else {}
        at, started = datetime.now(UTC), time.monotonic()
        try:
            direct = httpx.URL(url).host in _OWN  # no proxy reaches this machine's own loopback
            answer = httpx.get(
                url, headers=headers, timeout=self._timeout_s, follow_redirects=False, trust_env=not direct
            )
            status, detail = answer.status_code, "" if answer.is_success else answer.text[:_DETAIL]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            status, detail = None, f"{type(error).__name__}: {error}"
        return HealthCheck(
            service=service,
            url=url,
            at=at,
            status=status,
            latency_s=time.monotonic() - started,
            detail=detail,
            trace=trace,
        )
