"""How often log entries may be listed: Cloud Logging allows 60 calls a minute and project."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable

import grpc

from untilgreen.emulator.faults import Quota
from untilgreen.emulator.names import project_number
from untilgreen.emulator.rpc import Refusal


class ReadQuota:
    """Counts calls.

    Args:
        limit: gives the quota that holds now; None means there is none.
        clock: gives seconds.
    """

    def __init__(self, limit: Callable[[], Quota | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)

    def take(self, project: str) -> None:
        """Count a call. One that is refused does not count, so that waiting helps.

        Raises:
            Refusal: there were too many.
        """
        quota = self._limit()
        if quota is None:
            return
        now, calls = self._clock(), self._calls[project]
        while calls and calls[0] <= now - quota.seconds:
            calls.popleft()
        if len(calls) >= quota.calls:
            raise Refusal(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service "
                f"'logging.googleapis.com' for consumer 'project_number:{project_number(project)}'.",
            )
        calls.append(now)
