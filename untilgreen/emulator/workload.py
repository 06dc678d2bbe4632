"""A revision at work: its instance is started when needed, again when it ends, and stopped when nobody needs it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from untilgreen.emulator import conditions, probes, processes
from untilgreen.emulator.backend import Backend
from untilgreen.emulator.conditions import RevisionFailed
from untilgreen.emulator.container_log import ContainerLog
from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.port_book import PortBook
from untilgreen.emulator.probes import StartupProbe
from untilgreen.emulator.processes import CannotStart, Container, Reaper
from untilgreen.emulator.registry import Image

_PENDING_S = 10.0
"""How long a request waits for an instance that is being started."""

_ENDING_S = 0.25
"""How long an instance that hung up may take to end."""

_DRAIN_S = 10.0
_BACKOFF_S = (0.0, 0.0, 0.5, 1.0, 2.0, 5.0)
"""Pauses before an instance that keeps ending is started again."""

_STEADY_S = 10.0
"""An instance that lived this long, or that has answered a request, ended for a new reason."""

ROLLOUT = (
    "Starting new instance. Reason: DEPLOYMENT_ROLLOUT - Instance started due to traffic shifting between revisions "
    "due to deployment, traffic split adjustment, or deployment health check."
)
RESTART = (
    "Starting new instance. Reason: AUTOSCALING - Instance started due to configured scaling factors (e.g. CPU "
    "utilization, request throughput, etc.) or no existing capacity for current traffic."
)


class NoInstance(Exception):
    """There is nobody to answer, and nobody will come soon."""


@dataclass(frozen=True)
class Grounds:
    """What all workloads stand on.

    Args:
        ports: lends each instance its port.
        reaper: ends what is left when the emulator ends.
        folder: holds the instances' private files.
    """

    ports: PortBook
    reaper: Reaper
    folder: Path


@dataclass(frozen=True)
class Plan:
    """What an instance of a revision is made of.

    Args:
        service: whose it is.
        revision: short name.
        labels: the user's, which also stand on log entries.
        image: what to start; its digest never changes.
        command: overrides the image's, if not empty.
        container: the container's name, for the log.
        port: which port the template names; the real one differs, and only PORT tells it.
        probe: when it counts as started.
        timeout: seconds that a request may take.
        environment: gives the variables of the template, with the secrets' values of this moment.
        logs: URL of the revision's logs.
    """

    service: ServiceName
    revision: str
    labels: dict[str, str]
    image: Image
    command: tuple[str, ...]
    container: str
    port: int
    probe: StartupProbe
    timeout: float
    environment: Callable[[], dict[str, str]]
    logs: str


@dataclass(frozen=True)
class _Instance:
    container: Container
    backend: Backend
    log: ContainerLog
    since: float


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
        self._plan = plan
        self._grounds = grounds
        self._log = log
        self._instance: _Instance | None = None
        self._starting: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._doubted: Backend | None = None
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
        if not self._instance:
            await self._begin(ROLLOUT)

    async def backend(self) -> Backend:
        """Return the instance to talk to, waiting a while for one that is being started.

        Raises:
            NoInstance: none runs, and none could be started.
        """
        if self._instance and self._instance.backend is self._doubted:
            await self.doubt(self._doubted)
        if self._instance:
            return self._instance.backend
        if not self._wanted:
            raise NoInstance
        try:
            await asyncio.wait_for(asyncio.shield(self._begin(RESTART)), _PENDING_S)
        except (TimeoutError, RevisionFailed):
            raise NoInstance from None
        if not self._instance:
            raise NoInstance
        return self._instance.backend

    async def doubt(self, backend: Backend) -> None:
        """Find out whether an instance that hung up has ended: for a moment a dying one still takes connections."""
        instance = self._instance
        if instance is None or instance.backend is not backend:
            return
        self._doubted = backend
        await asyncio.wait([instance.container.ended], timeout=_ENDING_S)
        self._doubted = None
        if instance.container.ended.done():
            self._lose(instance)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count a request in flight."""
        self._busy += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._quiet.set()

    @property
    def active(self) -> bool:
        """Tell whether an instance runs or is being started."""
        return bool(self._instance or (self._starting and not self._starting.done()))

    def release(self) -> None:
        """Say that no new request will come. `drain` then stops the instance, unless `start` takes that back."""
        self._wanted = False

    async def drain(self) -> None:
        """Stop the instance after the requests in flight."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), _DRAIN_S)
        if not self._wanted:
            await self.stop()

    async def stop(self) -> None:
        """Stop the instance now."""
        self._wanted = False
        if self._starting:
            self._starting.cancel()
        instance, self._instance = self._instance, None
        if instance:
            instance.backend.close()
            await instance.container.stop()

    def _begin(self, reason: str) -> asyncio.Task[None]:
        """Start an instance; who comes while one is being started waits for the same."""
        if not self._starting or self._starting.done():
            self._starting = asyncio.create_task(self._start(reason))
            self._starting.add_done_callback(_seen)
        return self._starting

    async def _start(self, reason: str) -> None:
        await asyncio.sleep(_BACKOFF_S[min(self._ends_in_a_row, len(_BACKOFF_S) - 1)])
        port = self._grounds.ports.lend()
        instance_id = hashlib.sha512(os.urandom(16)).hexdigest()
        log = self._log(instance_id)
        try:
            log.system(reason)
            container = await self._launch(port, instance_id, log)
            try:
                await self._until_ready(container, port, log)
            except BaseException:
                await container.stop()
                raise
        except BaseException:
            self._ends_in_a_row += 1
            self._grounds.ports.give_back(port)
            raise
        self._instance = _Instance(container, Backend(port, instance_id), log, time.monotonic())
        self._watcher = asyncio.create_task(self._watch(self._instance))

    async def _launch(self, port: int, instance_id: str, log: ContainerLog) -> Container:
        plan = self._plan
        env = processes.clean_environment() | plan.environment()
        env |= {"PORT": str(port), "K_REVISION": plan.revision}
        env |= {"K_SERVICE": plan.service.service, "K_CONFIGURATION": plan.service.service}
        folder = self._grounds.folder / instance_id[:16]
        command = list(plan.command) or processes.argv(plan.image.command)
        try:
            return await processes.start(
                command, plan.image.folder, folder, env=env, reaper=self._grounds.reaper, sink=log.write
            )
        except CannotStart as error:
            log.system(f"terminated: Application failed to start: {error}", "ERROR")
            raise conditions.never_listened(plan.port, plan.logs) from None

    async def _until_ready(self, container: Container, port: int, log: ContainerLog) -> None:
        """Wait for the startup probe, or for whatever ends the wait sooner."""
        probe, plan = self._plan.probe, self._plan
        await asyncio.wait([container.ended], timeout=probe.delay)
        connected = False
        for number in range(1, probe.threshold + 1):
            attempt = asyncio.create_task(probes.attempt(probe, port, number))
            try:
                await asyncio.wait([attempt, container.ended], return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not attempt.done():
                    attempt.cancel()
            if container.ended.done():
                log.exited(container.ended.result())
                log.probe_failed(probe, plan.port, number, "CANCELLED")
                raise conditions.never_listened(plan.port, plan.logs)
            connected = connected or attempt.result().connected
            if attempt.result().passed:
                log.probe_passed(probe, plan.port, number)
                return
            log.probe_failed(probe, plan.port, number, "DEADLINE_EXCEEDED")
        raise conditions.probe_failed(plan.logs) if connected else conditions.never_listened(plan.port, plan.logs)

    async def _watch(self, instance: _Instance) -> None:
        """See an instance's end, and start another one if it was not meant to end."""
        await instance.container.ended
        self._grounds.ports.give_back(instance.backend.port)
        self._lose(instance)
        if self._wanted:
            with suppress(RevisionFailed):
                await self._begin(RESTART)

    def _lose(self, instance: _Instance) -> None:
        """Take note that an instance has ended by itself."""
        if self._instance is not instance:
            return
        self._instance = None
        instance.backend.close()
        instance.log.exited(instance.container.ended.result())
        steady = instance.backend.answered or time.monotonic() - instance.since > _STEADY_S
        self._ends_in_a_row = 0 if steady else self._ends_in_a_row + 1


def _seen(task: asyncio.Task[None]) -> None:
    """Keep asyncio from complaining about a failure that nobody waited for: the instance's log tells it."""
    if not task.cancelled():
        task.exception()
