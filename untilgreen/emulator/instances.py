"""One instance of a revision: a process with its port and its log, from its start to its end."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from untilgreen.emulator import conditions, limits, probes, processes
from untilgreen.emulator.backend import Backend
from untilgreen.emulator.container_log import ContainerLog
from untilgreen.emulator.limits import Processes, Reading, Sample, Usage
from untilgreen.emulator.metadata_server import Identities, Identity, MetadataServer
from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.port_book import PortBook
from untilgreen.emulator.probes import Probe
from untilgreen.emulator.processes import CannotStart, Container, Reaper
from untilgreen.emulator.registry import Image
from untilgreen.emulator.scaling import Bounds, Scaling


def _unwatched(_usage: Usage, _plan: Plan) -> None:
    """Let nobody look."""


@dataclass(frozen=True)
class Grounds:
    """What all instances stand on.

    Args:
        ports: lends each instance its port.
        reaper: ends what is left when the emulator ends.
        folder: holds the instances' private files.
        scaling: what holds for the instances of all revisions.
        identities: gives each instance a metadata server; None when there is none here.
        processes: knows what belongs to an instance.
        watch: told of each revision whose usage can be looked at.
    """

    ports: PortBook
    reaper: Reaper
    folder: Path
    scaling: Scaling = field(default_factory=Scaling)
    identities: Identities | None = None
    processes: Processes = field(default_factory=Processes)
    watch: Callable[[Usage, Plan], None] = _unwatched


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
        account: email of the service account that it runs as.
        port: which port the template names; the real one differs, and only PORT tells it.
        startup: when it counts as started.
        liveness: when it is to be started anew, if ever.
        timeout: seconds that a request may take.
        bounds: how many there may be.
        memory: bytes that it may use.
        cpu: processors that it may use.
        environment: gives the variables of the template, with the secrets' values of this moment.
        logs: URL of the revision's logs.
    """

    service: ServiceName
    revision: str
    labels: dict[str, str]
    image: Image
    command: tuple[str, ...]
    container: str
    account: str
    port: int
    startup: Probe
    liveness: Probe | None
    timeout: float
    bounds: Bounds
    memory: int
    cpu: float
    environment: Callable[[], dict[str, str]]
    logs: str


@dataclass(frozen=True)
class Origin:
    """What all instances of a revision have in common.

    Args:
        plan: what they are made of.
        grounds: what they stand on.
        usage: takes what they use.
    """

    plan: Plan
    grounds: Grounds
    usage: Usage


class Instance:
    """A running instance. It ends by itself, by `stop`, or because it broke a limit or its liveness probe.

    Args:
        origin: what it was made of.
        container: its process.
        backend: its port.
        log: takes what is said of it.
        metadata: its own metadata server, if there is one.
    """

    def __init__(
        self, origin: Origin, container: Container, backend: Backend, log: ContainerLog, metadata: MetadataServer | None
    ) -> None:
        self.backend = backend
        self.log = log
        self.since = time.monotonic()
        self._plan = origin.plan
        self._grounds = origin.grounds
        self._usage = origin.usage
        self._container = container
        self._metadata = metadata
        self._usage.began(backend.instance)
        self._guards = [asyncio.create_task(self._hold_limit())]
        self.ended = asyncio.create_task(self._end())

    @property
    def code(self) -> int:
        """Return how the process ended: its exit code or, below zero, a signal."""
        return self.ended.result()

    async def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL if that is not enough."""
        self.backend.close()
        await self._container.stop()
        await self.ended

    async def until_ready(self) -> None:
        """Wait for the startup probe, or for whatever ends the wait sooner.

        Raises:
            RevisionFailed: it will not be ready.
        """
        probe, plan, log = self._plan.startup, self._plan, self.log
        await asyncio.wait([self.ended], timeout=probe.delay)
        connected = False
        for number in range(1, probe.threshold + 1):
            attempt = asyncio.create_task(probes.attempt(probe, self.backend.port, number))
            try:
                await asyncio.wait([attempt, self.ended], return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not attempt.done():
                    attempt.cancel()
            if self.ended.done():
                log.exited(self.code)
                log.probe_failed(probe, plan.port, number, "CANCELLED")
                raise conditions.never_listened(plan.port, plan.logs, ended=True)
            connected = connected or attempt.result().connected
            if attempt.result().passed:
                log.probe_passed(probe, plan.port, number)
                self._begin_liveness()
                return
            log.probe_failed(probe, plan.port, number, "DEADLINE_EXCEEDED")
        raise conditions.probe_failed(plan.logs) if connected else conditions.never_listened(plan.port, plan.logs)

    def _begin_liveness(self) -> None:
        if self._plan.liveness:
            self._guards.append(asyncio.create_task(self._stay_alive(self._plan.liveness)))

    async def _stay_alive(self, probe: Probe) -> None:
        """Ask again and again, and end the process after so many failures in a row."""
        await asyncio.sleep(probe.delay)
        failures = 0
        while True:
            asked = time.monotonic()
            failures = 0 if await probes.look(probe, self.backend.port, probe.timeout) else failures + 1
            if failures >= probe.threshold:
                break
            await asyncio.sleep(max(0.0, probe.period - (time.monotonic() - asked)))
        self.log.liveness_failed(probe, self._plan.port, failures)
        self._container.kill()

    async def _hold_limit(self) -> None:
        broken = await limits.guard(self._container.pid, self._grounds.processes, self._usage, self._sample)
        if broken:
            self.log.system(limits.exceeded(*broken), "ERROR")
            self.backend.out_of_memory = True
            self._container.kill()

    def _sample(self, reading: Reading) -> Sample:
        return Sample(time.time(), self.backend.instance, reading.memory, reading.cpu, self.backend.busy)

    async def _end(self) -> int:
        code = await self._container.ended
        for guard in self._guards:
            guard.cancel()
        self._usage.ended(self.backend.instance)
        self.backend.close()
        self._grounds.ports.give_back(self.backend.port)
        if self._metadata:
            self._metadata.close()
        return code


async def launch(origin: Origin, log_of: Callable[[str], ContainerLog], reason: str) -> Instance:
    """Start an instance and wait until it is ready.

    Args:
        origin: what to start.
        log_of: makes its log from its id.
        reason: the line that tells why it is started.

    Raises:
        RevisionFailed: it will not be ready, and why.
    """
    instance_id = hashlib.sha512(os.urandom(16)).hexdigest()
    log = log_of(instance_id)
    log.system(reason)
    instance = await _start(origin, log, instance_id)
    try:
        await instance.until_ready()
    except BaseException:
        await instance.stop()
        raise
    return instance


async def _start(origin: Origin, log: ContainerLog, instance_id: str) -> Instance:
    plan, grounds = origin.plan, origin.grounds
    port, metadata = grounds.ports.lend(), None
    try:
        if grounds.identities:
            metadata = await grounds.identities.open(Identity(plan.account, plan.service, instance_id))
        env = _environment(plan, port) | (metadata.environment() if metadata else {})
        command = list(plan.command) or processes.argv(plan.image.command)
        folder = grounds.folder / instance_id[:16]
        container = await processes.start(
            command, plan.image.folder, folder, env=env, reaper=grounds.reaper, sink=log.write
        )
    except BaseException as error:
        grounds.ports.give_back(port)
        if metadata:
            metadata.close()
        if isinstance(error, CannotStart):
            log.system(f"terminated: Application failed to start: {error}", "ERROR")
            raise conditions.never_listened(plan.port, plan.logs, ended=True) from None
        raise
    return Instance(origin, container, Backend(port, instance_id), log, metadata)


def _environment(plan: Plan, port: int) -> dict[str, str]:
    name = plan.service.service
    ours = {"PORT": str(port), "K_REVISION": plan.revision, "K_SERVICE": name, "K_CONFIGURATION": name}
    return processes.clean_environment() | plan.environment() | ours
