"""Brings a service to what it should be: starts a new revision, moves the traffic, says how it went."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections import defaultdict
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from untilgreen.emulator import conditions, traffic
from untilgreen.emulator.conditions import Failure, RevisionFailed
from untilgreen.emulator.names import ServiceName, service_name
from untilgreen.emulator.operations import Operations
from untilgreen.emulator.protos import Message
from untilgreen.emulator.revisions import Record, Revisions
from untilgreen.emulator.state import Shelf
from untilgreen.emulator.traffic import Routes, Share
from untilgreen.emulator.workload import Workload


class RouteFailed(Exception):
    """The traffic cannot go where it should.

    Args:
        failure: what the service says about it.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Rollouts:
    """Carries out what services were asked for. Revisions start side by side; traffic moves one change after another.

    Args:
        revisions: all there are.
        routes: the open ports.
        operations: told how each rollout ended.
        kept: where services outlive the emulator.
    """

    def __init__(self, revisions: Revisions, routes: Routes, operations: Operations, kept: Shelf) -> None:
        self._revisions = revisions
        self._routes = routes
        self._operations = operations
        self._kept = kept
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._running: dict[asyncio.Task[None], str] = {}

    def begin(self, service: Message, fresh: Record | None) -> Message:
        """Start a rollout in the background and return its operation.

        Args:
            service: as it was asked for; its state is written into it.
            fresh: the revision that was made for it, if its template had changed.
        """
        service.reconciling = True
        service.terminal_condition.CopyFrom(conditions.reconciling(conditions.READY))
        operation = self._operations.begin(service_name(service.name).parent, service)
        self.go_on(service, fresh, service.generation, operation)
        return operation

    def go_on(self, service: Message, fresh: Record | None, generation: int, operation: Message) -> None:
        """Carry out in the background what a generation of a service asked for."""
        self._spawn(service.name, self._carry_out(service, fresh, generation, operation))

    def wake(self, service: Message, workload: Workload) -> None:
        """Start in the background what served before the emulator ended; if that fails, each request tries again."""

        async def start() -> None:
            with suppress(RevisionFailed):
                await workload.start()

        self._spawn(service.name, start())

    def keep(self, service: Message) -> None:
        """Let a service outlive the emulator as it is now."""
        self._kept.put(service.name, service.SerializeToString)

    async def remove(self, service: Message) -> None:
        """Give up the rollouts of a service, close its ports, and stop all its revisions at once."""
        for task in [task for task, name in self._running.items() if name == service.name]:
            task.cancel()
            await asyncio.wait([task])
        self._routes.close(service_name(service.name))
        workloads = [record.workload for record in self._revisions.forget(service.name) if record.workload]
        await asyncio.gather(*(workload.stop() for workload in workloads))

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running[task] = name
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()):
            sys.stderr.write("".join(traceback.format_exception(error)))

    async def _carry_out(self, service: Message, fresh: Record | None, generation: int, operation: Message) -> None:
        failure: Failure | None = conditions.GIVEN_UP
        try:
            failure = await self._bring_up(service, fresh) if fresh else self._standing_failure(service)
            async with self._turns[service.name]:
                route_failure = None if failure and fresh else await self._route(service)
                _conclude(service, generation, failure, route_failure)
                failure = failure or route_failure
                self.keep(service)
                self._retire_idle(service)
        finally:
            self._operations.finish(operation, service, failure)

    async def _bring_up(self, service: Message, fresh: Record) -> Failure | None:
        try:
            if fresh.failure:
                raise fresh.failure
            if fresh.workload:
                await fresh.workload.start()
        except RevisionFailed as cause:
            self._revisions.fail(fresh, cause)
            return conditions.service_failure(fresh.short, cause)
        self._revisions.succeed(fresh)
        # Two rollouts may overtake one another: an older revision never takes the place of a newer one.
        ready = [record.message.name for record in self._revisions.of(service.name) if _is_ready(record)]
        service.latest_ready_revision = ready[-1]
        self.keep(service)
        return None

    def _standing_failure(self, service: Message) -> Failure | None:
        """A service that follows its latest revision stays failed as long as that one is."""
        latest = self._revisions.find(service.latest_created_revision)
        follows = any(share.latest for share in traffic.shares(service))
        if latest and latest.failure and follows:
            return conditions.service_failure(latest.short, latest.failure)
        return None

    async def _route(self, service: Message) -> Failure | None:
        """Point the ports where the traffic says. On failure everything stays as it was."""
        name = service_name(service.name)
        try:
            parts = [(share, await self._ready(name, share)) for share in traffic.shares(service)]
        except RouteFailed as error:
            return error.failure
        uris = {share.tag: await self._routes.open(name, share.tag) for share, _ in parts if share.tag}
        self._routes.point(name, parts)
        del service.traffic_statuses[:]
        service.traffic_statuses.extend(traffic.status(share, uris.get(share.tag, "")) for share, _ in parts)
        return None

    async def _ready(self, name: ServiceName, share: Share) -> Workload:
        """Return a share's workload, started if requests can reach it."""
        record = self._revisions.find(name.revision(share.revision))
        if not record:
            raise RouteFailed(conditions.route_missing(share.revision))
        if record.failure or not record.workload:
            raise RouteFailed(_not_ready(record))
        if share.percent or share.tag:
            try:
                await record.workload.start()
            except RevisionFailed as cause:
                raise RouteFailed(conditions.service_failure(record.short, cause)) from None
        return record.workload

    def _retire_idle(self, service: Message) -> None:
        """Stop revisions that no request can reach, so that memory does not grow with each deployment."""
        reached = self._routes.reached(service_name(service.name))
        for record in self._revisions.of(service.name):
            if record.workload and record.workload.active and _is_ready(record) and record.short not in reached:
                record.workload.release()
                self._spawn("", record.workload.drain())


def _is_ready(record: Record) -> bool:
    return record.failure is None and not record.message.reconciling


def _not_ready(record: Record) -> Failure:
    """Return what a service says when its traffic names a revision that cannot have any."""
    if record.failure:
        return conditions.service_failure(record.short, record.failure)
    return conditions.route_missing(record.short)


def _conclude(service: Message, generation: int, failure: Failure | None, route_failure: Failure | None) -> None:
    """Write down how it ended. What failed leaves the state of the last serving revision."""
    if service.generation != generation:
        return
    del service.conditions[:]
    service.conditions.append(_decided(conditions.ROUTES_READY, route_failure))
    service.conditions.append(_decided(conditions.CONFIGURATIONS_READY, failure))
    service.terminal_condition.CopyFrom(_decided(conditions.READY, failure or route_failure))
    service.reconciling = False
    service.update_time.GetCurrentTime()
    if not failure and not route_failure:
        service.observed_generation = generation


def _decided(kind: str, failure: Failure | None) -> Message:
    if failure is None:
        return conditions.succeeded(kind)
    return conditions.failed(kind, failure.message, failure.reason, failure.revision_reason)
