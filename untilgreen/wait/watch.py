"""Watches one path of one service until it has answered well several times in a row, or time is up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from untilgreen.clock import Clock
from untilgreen.model.delivery import HealthCheck
from untilgreen.ports import Probe

_FIRST_S, _LAST_S, _GROWTH = 0.01, 0.1, 1.4
"""Pauses between two looks: a service that has just come up is seen within a tenth of a second."""


class Watch:
    """Looks at paths of one service, with one deadline for all of them.

    Args:
        service: whose.
        consecutive: good answers in a row that are enough.
        timeout_s: how long to wait for them; each path is looked at once even after that.
        probe: asks.
        clock: tells the time.
    """

    def __init__(self, service: str, consecutive: int, timeout_s: float, probe: Probe, clock: Clock) -> None:
        self._service = service
        self._consecutive = consecutive
        self._deadline = clock.now() + timedelta(seconds=timeout_s)
        self._probe = probe
        self._clock = clock

    def path(
        self, base: str, path: str, kind: Literal["health", "ready"] = "health", until: datetime | None = None
    ) -> tuple[HealthCheck, ...]:
        """Return the newest looks at a path, at most as many as are enough.

        Args:
            base: the service's URL.
            path: below it.
            kind: what the answers tell.
            until: gives up earlier than the deadline.
        """
        url = f"{base.rstrip('/')}/{path.lstrip('/')}"
        deadline = min(self._deadline, until) if until else self._deadline
        checks: tuple[HealthCheck, ...] = (self._look(url, kind),)
        pause = _FIRST_S
        while not self.enough(checks) and self._clock.now() < deadline:
            self._clock.sleep(pause)
            pause = min(pause * _GROWTH, _LAST_S)
            checks = (*checks, self._look(url, kind))[-self._consecutive :]
        return checks

    def enough(self, checks: Sequence[HealthCheck]) -> bool:
        """Tell whether these are good answers in a row, and enough of them."""
        return len(checks) >= self._consecutive and all(check.ok for check in checks)

    def _look(self, url: str, kind: Literal["health", "ready"]) -> HealthCheck:
        check = self._probe.check(self._service, url, uuid4().hex)
        return check.model_copy(update={"kind": kind})


def told(check: HealthCheck) -> str:
    """Say what an answer was and how long it took."""
    answer = f"{check.status} {check.detail}".strip() if check.status is not None else check.detail or "no answer"
    return f"{answer} after {check.latency_s:.2f} s"
