"""Takes the figures of the real processes and of the requests, at every interval.

Cloud Monitoring samples every 60 s and shows a sample up to 240 s later. Here it is 2 s and at once, unless
`metrics_interval` and `metrics_delay` say otherwise; what instances used in between is not lost but counted in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from untilgreen.emulator.instances import Plan
from untilgreen.emulator.limits import Look, Usage
from untilgreen.emulator.monitoring_metrics import LATENCIES
from untilgreen.emulator.monitoring_store import Answered, Figures, MonitoringStore, Row
from untilgreen.emulator.monitoring_values import Spread
from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.proxy import RequestLog
from untilgreen.emulator.request_log import RequestRecord

_STEP_S = 0.5
"""How late a change of the interval may be noticed."""


@dataclass(frozen=True)
class Pace:
    """How often samples are taken, and how much later each can be seen; seconds both."""

    interval: float
    delay: Callable[[], float]


class Sampler:
    """Watches revisions and counts their requests.

    Args:
        store: takes what is measured.
        pace: tells how often, now.
        log: gets the records of requests after they were counted.
    """

    def __init__(self, store: MonitoringStore, pace: Callable[[], Pace], log: RequestLog) -> None:
        self._store = store
        self._pace = pace
        self._log = log
        self._watched: WeakKeyDictionary[Usage, Plan] = WeakKeyDictionary()
        self._answers: dict[tuple[ServiceName, str], dict[int, Spread]] = {}
        self._since = time.time_ns()
        self._task: asyncio.Task[None] | None = None

    def watch(self, usage: Usage, plan: Plan) -> None:
        """Take samples of a revision from now on, as long as it exists."""
        self._watched[usage] = plan

    def add(self, *records: RequestRecord) -> None:
        """Count requests that have ended."""
        for record in records:
            if record.revision:
                by_status = self._answers.setdefault((record.service, record.revision), {})
                by_status.setdefault(record.status, Spread(LATENCIES)).add(record.latency * 1000)
        self._log.add(*records)

    def start(self) -> None:
        """Begin to take samples."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Take the last samples, and no more."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self.sample()

    async def _run(self) -> None:
        while True:
            due = self._since / 1e9 + self._pace().interval
            left = due - time.time()
            if left <= 0:
                self.sample()
            else:
                await asyncio.sleep(min(left, _STEP_S))

    def sample(self) -> None:
        """Take what was used and answered since the last time."""
        # Clients' times end at the microsecond: a finer one would not be found again by its own time.
        since, now, delay = self._since, time.time_ns() // 1000 * 1000, self._pace().delay
        answers, self._answers, self._since = self._answers, {}, now
        rows = []
        for usage, plan in list(self._watched.items()):
            look, answered = usage.look(), answers.pop((plan.service, plan.revision), None)
            if look or answered:
                rows.append(Row(now, since, plan.service, plan.revision, plan.container, _figures(look, answered)))
        if rows:
            self._store.add((row, now + int(delay() * 1e9)) for row in rows)


def _figures(look: Look | None, answered: dict[int, Spread] | None) -> Figures:
    counted = {status: Answered(s.count, s.total, s.squares, s.counts) for status, s in (answered or {}).items()}
    if not look:
        return Figures(answered=counted)
    return Figures(look.memory, look.cpu, look.active, look.idle, counted)
