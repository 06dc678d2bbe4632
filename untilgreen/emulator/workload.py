"""A revision at work: instances are started when needed, again when they end, and stopped when nobody needs them.

A request takes the least busy instance. When all take as many requests as they may, it waits in a line, and a further
instance is started while there may be one.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from untilgreen.emulator.backend import Backend
from untilgreen.emulator.conditions import RevisionFailed
from untilgreen.emulator.container_log import ContainerLog
from untilgreen.emulator.instances import Grounds, Instance, Origin, Plan, launch
from untilgreen.emulator.limits import Usage
from untilgreen.emulator.scaling import AUTOSCALING, MINIMUM, ROLLOUT, SPARE_S

__all__ = ["Grounds", "NoInstance", "NotStarted", "Overloaded", "Plan", "Workload"]

_ENDING_S = 0.25
"""How long an instance that hung up may take to end."""

_DRAIN_S = 10.0
_BACKOFF_S = (0.0, 0.0, 0.5, 1.0, 2.0, 5.0)
"""Pauses before an instance that keeps ending is started again."""

_STEADY_S = 10.0
"""An instance that lived this long, or that has answered a request, ended for a new reason."""


class NoInstance(Exception):
    """There is nobody to answer, and nobody will come soon."""


class NotStarted(NoInstance):
    """The instance that a request waited for did not start.

    Args:
        ended: whether its process ended, or else never passed its startup probe.
    """

    def __init__(self, *, ended: bool) -> None:
        super().__init__()
        self.ended = ended


class Overloaded(NoInstance):
    """All instances that there may be are busy, and were for too long."""


class Workload:
    """Runs a revision.

    Args:
        plan: what to run.
        grounds: what it stands on.
        log: makes the log of one instance from its id.
    """

    def __init__(self, plan: Plan, grounds: Grounds, log: Callable[[str], ContainerLog]) -> None:
        self.revision = plan.revision
        self.labels = plan.labels
        self.timeout = plan.timeout
        self.usage = Usage(plan.memory, plan.cpu)
        grounds.watch(self.usage, plan)
        self._origin = Origin(plan, grounds, self.usage)
        self._log = log
        self._scaling = grounds.scaling
        self._concurrency = plan.bounds.concurrency
        self._most = plan.bounds.ceiling(self._scaling)
        self._floor = plan.bounds.floor(self._scaling)
        self._instances: list[Instance] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._watchers: set[asyncio.Task[None]] = set()
        self._line: deque[asyncio.Future[Backend]] = deque()
        self._wanted = False
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._ends_in_a_row = 0

    async def start(self) -> None:
        """Start an instance for a rollout, if none runs, and wait until it is ready.

        Raises:
            RevisionFailed: it will not be ready, and why.
        """
        self._wanted = True
        if not self._instances:
            await (next(iter(self._starting), None) or self._begin(ROLLOUT))
        self._fill_up()

    @property
    def active(self) -> bool:
        """Tell whether an instance runs or is being started."""
        return bool(self._instances or self._starting)

    @property
    def instances(self) -> int:
        """Return how many instances are ready."""
        return len(self._instances)

    async def take(self) -> Backend:
        """Return an instance that takes one more request; `give_back` ends that.

        Raises:
            NoInstance: none can be had.
        """
        backend = self._free()
        if not backend:
            return await self._wait()
        backend.busy += 1
        return backend

    def give_back(self, backend: Backend) -> None:
        """Say that a request has ended."""
        backend.busy -= 1
        if not backend.busy:
            backend.quiet_since = time.monotonic()
        if self._line:
            self._serve_line()

    async def doubt(self, backend: Backend) -> None:
        """Find out whether an instance that hung up has ended: for a moment a dying one still takes connections."""
        instance = next((instance for instance in self._instances if instance.backend is backend), None)
        if instance is None:
            return
        backend.doubted += 1
        await asyncio.wait([instance.ended], timeout=_ENDING_S)
        backend.doubted -= 1
        if instance.ended.done():
            self._lose(instance)
        self._serve_line()
        self._grow()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count a request in, from its arrival on."""
        self._busy += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._quiet.set()

    def release(self) -> None:
        """Say that no new request will come. `drain` then stops the instances, unless `start` takes that back."""
        self._wanted = False

    async def drain(self) -> None:
        """Stop the instances after the requests in flight."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), _DRAIN_S)
        if not self._wanted:
            await self.stop()

    async def stop(self) -> None:
        """Stop the instances now."""
        self._wanted = False
        for task in tuple(self._starting):
            task.cancel()
        instances, self._instances = self._instances, []
        self._turn_away(None)
        await asyncio.gather(*(instance.stop() for instance in instances))

    def _free(self) -> Backend | None:
        """Return the least busy instance that may take one more request."""
        best, least = None, self._concurrency
        for instance in self._instances:
            backend = instance.backend
            if backend.busy < least and not backend.doubted:
                best, least = backend, backend.busy
        return best

    async def _wait(self) -> Backend:
        """Wait in line: as long as instances are being started, and then for as long as a request may wait."""
        if not self._wanted:
            raise NoInstance
        place: asyncio.Future[Backend] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        self._grow()
        try:
            while not place.done():
                await asyncio.wait([place], timeout=self._scaling.pending)
                if not self._starting:
                    break
        except asyncio.CancelledError:
            self._leave(place)
            raise
        if not place.done():
            place.cancel()
            raise Overloaded
        return place.result()

    def _leave(self, place: asyncio.Future[Backend]) -> None:
        """Step out of the line, also when the place has just been served."""
        if not place.cancel() and not place.exception():
            self.give_back(place.result())

    def _serve_line(self) -> None:
        """Give free instances to those who wait, first come, first served."""
        while self._line and (backend := self._free()):
            place = self._line.popleft()
            if not place.done():
                backend.busy += 1
                place.set_result(backend)

    def _grow(self) -> None:
        """Start further instances for those who wait, as far as there may be more."""
        if any(instance.backend.doubted for instance in self._instances):
            return
        waiting = sum(not place.done() for place in self._line)
        while len(self._starting) * self._concurrency < waiting and self._more_allowed():
            self._begin(AUTOSCALING)

    def _fill_up(self) -> None:
        """Start the instances that stay even when nothing is asked."""
        while self._wanted and len(self._instances) + len(self._starting) < self._floor:
            self._begin(MINIMUM if self._instances else AUTOSCALING)

    def _more_allowed(self) -> bool:
        return self._wanted and len(self._instances) + len(self._starting) < self._most

    def _begin(self, reason: str) -> asyncio.Task[None]:
        task = asyncio.create_task(self._start(reason))
        self._starting.add(task)
        task.add_done_callback(self._started)
        return task

    async def _start(self, reason: str) -> None:
        await asyncio.sleep(_BACKOFF_S[min(self._ends_in_a_row, len(_BACKOFF_S) - 1)])
        try:
            instance = await launch(self._origin, self._log, reason)
        except BaseException:
            self._ends_in_a_row += 1
            raise
        self._instances.append(instance)
        watcher = asyncio.create_task(self._watch(instance))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    def _started(self, task: asyncio.Task[None]) -> None:
        """Let those who wait know how it went."""
        self._starting.discard(task)
        error = None if task.cancelled() else task.exception()
        self._serve_line()
        if not error and not task.cancelled():
            self._grow()
        elif not self.active:
            self._turn_away(error)

    def _turn_away(self, error: BaseException | None) -> None:
        """Tell everybody in line that nobody will come."""
        ended = isinstance(error, RevisionFailed) and error.ended
        line, self._line = self._line, deque()
        for place in line:
            if not place.done():
                place.set_exception(NotStarted(ended=ended) if error else NoInstance())

    async def _watch(self, instance: Instance) -> None:
        """See an instance's end, or end it when it has had nothing to do for long; start another one if need be."""
        while not instance.ended.done():
            await asyncio.wait([instance.ended], timeout=self._patience(instance))
            if not instance.ended.done() and self._is_spare(instance):
                self._instances.remove(instance)
                await instance.stop()
                instance.log.exited(instance.code)
        self._lose(instance)
        self._fill_up()
        self._grow()

    def _patience(self, instance: Instance) -> float:
        """Return after how many seconds to look again whether an instance is needed."""
        idle = self._scaling.idle or SPARE_S
        left = idle - (time.monotonic() - instance.backend.quiet_since)
        return left if left > 0 else idle

    def _is_spare(self, instance: Instance) -> bool:
        idle = self._scaling.idle or SPARE_S
        quiet = not instance.backend.busy and time.monotonic() - instance.backend.quiet_since >= idle
        return quiet and instance in self._instances and len(self._instances) > self._floor

    def _lose(self, instance: Instance) -> None:
        """Take note that an instance has ended by itself."""
        if instance not in self._instances:
            return
        self._instances.remove(instance)
        instance.log.exited(instance.code)
        steady = instance.backend.answered or time.monotonic() - instance.since > _STEADY_S
        self._ends_in_a_row = 0 if steady else self._ends_in_a_row + 1
