"""Health checks over HTTP."""

from __future__ import annotations

import ssl
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
        # Reading the certificates of a whole system takes longer than most answers: once is enough.
        self._tls = ssl.create_default_context()
        # No proxy reaches this machine's own loopback.
        self._direct, self._usual = self._client(trust_env=False), self._client(trust_env=True)

    def check(self, service: str, url: str, trace: str = "") -> HealthCheck:
        """Ask once. Never raises: no answer is an answer."""
        headers = {"traceparent": f"00-{trace}-{trace[:16]}-01"} if trace else {}
        at, started = datetime.now(UTC), time.monotonic()
        try:
            client = self._direct if httpx.URL(url).host in _OWN else self._usual
            answer = client.get(url, headers=headers)
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

    def _client(self, *, trust_env: bool) -> httpx.Client:
        """Return a client that opens a connection for each look: a kept one would only ever see one instance."""
        alone = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(
            timeout=self._timeout_s, follow_redirects=False, trust_env=trust_env, verify=self._tls, limits=alone
        )
