"""A circuit breaker: when a deployed service is gone, the suite ends instead of failing a thousand times.

with breaker(probe, {"backend": "https://backend.example/health"}, breaker_s=2) as halt:
    suite.run(order, watcher, halt)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import urlsplit

from untilgreen.model.delivery import HealthCheck
from untilgreen.ports import Halt, Probe, never

PAUSE_S = 0.3
"""Between two looks at a service. Each look is a row in its request log, so not more than it takes."""
ENOUGH = 2
"""Looks in a row that must have gone wrong: one may be anything."""
_SHOWN = 120
"""Characters of an unhealthy answer that a reason shows."""


class Pulse:
    """What the looks at one service say about it. Keeps no time of its own.

    Only an answer that came, or a look that gave up, counts: a service that answers slowly is one that answers.

    Args:
        service: whose.
        breaker_s: for how long it may be gone.
        begun: when the looking began, in seconds of any clock.
    """

    def __init__(self, service: str, breaker_s: float, begun: float) -> None:
        self._service = service
        self._breaker_s = breaker_s
        self._well = begun
        self._since: datetime | None = None
        self._failed = 0

    def hear(self, check: HealthCheck, now: float) -> str:
        """Take in one look.

        Args:
            check: what was seen.
            now: when it was over, by the clock of `begun`.

        Returns:
            Why the suite should end; empty while it should not.
        """
        if check.ok:
            self._well, self._since, self._failed = now, None, 0
            return ""
        self._failed += 1
        self._since = self._since or check.at
        if self._failed < ENOUGH or now - self._well < self._breaker_s:
            return ""
        path = urlsplit(check.url).path or "/"
        return (
            f"{self._service} has not answered {path} since {self._since:%H:%M:%S} UTC ({_told(check)}); "
            "the rest was not run"
        )

    def pause(self, now: float) -> float:
        """Return the seconds until the next look: a service that is down is looked at again when its time is up."""
        left = self._well + self._breaker_s - now
        return min(PAUSE_S, left) if self._failed and left > 0 else PAUSE_S


class Breaker:
    """Watches services, each from a thread of its own, and remembers the first reason to end.

    Args:
        probe: asks them; its own time-out bounds how late an unanswered question is noticed.
        urls: service -> URL of its health.
        breaker_s: for how long a service may be gone.
    """

    def __init__(self, probe: Probe, urls: Mapping[str, str], breaker_s: float) -> None:
        self._probe = probe
        self._over = threading.Event()
        self._reason = ""
        self._threads = [
            # A question that nobody answers must not keep the program from ending.
            threading.Thread(target=self._watch, args=(name, url, breaker_s), name=f"breaker-{name}", daemon=True)
            for name, url in urls.items()
        ]

    def halt(self) -> str:
        """Return why the suite should end; empty while it should not."""
        return self._reason

    def start(self) -> None:
        """Begin to watch."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads; one that waits for an answer ends with it."""
        self._over.set()
        for thread in self._threads:
            thread.join(PAUSE_S)

    def _watch(self, service: str, url: str, breaker_s: float) -> None:
        pulse = Pulse(service, breaker_s, time.monotonic())
        while not self._over.is_set():
            reason = pulse.hear(self._probe.check(service, url), time.monotonic())
            if reason:
                self._reason = self._reason or reason
                return
            self._over.wait(pulse.pause(time.monotonic()))


@contextmanager
def breaker(probe: Probe, urls: Mapping[str, str], breaker_s: float) -> Iterator[Halt]:
    """Watch services for the time of a suite.

    Args:
        probe: asks them.
        urls: service -> URL of its health.
        breaker_s: for how long a service may give no 2xx; 0 watches nothing.

    Yields:
        What a suite asks whether it should end.
    """
    if not breaker_s:
        yield never
        return
    watching = Breaker(probe, urls, breaker_s)
    watching.start()
    try:
        yield watching.halt
    finally:
        watching.stop()


def _told(check: HealthCheck) -> str:
    detail = " ".join(check.detail.split())[:_SHOWN]
    if check.status is None:
        return detail or "no answer"
    return f"{check.status}: {detail}" if detail else f"{check.status}"
