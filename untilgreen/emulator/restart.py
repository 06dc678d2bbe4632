"""Takes up the work of the emulator that used this state before, however that one ended."""

from __future__ import annotations

from collections.abc import Mapping

from untilgreen.emulator import conditions, protos
from untilgreen.emulator.names import service_name
from untilgreen.emulator.operations import Operations
from untilgreen.emulator.protos import Message
from untilgreen.emulator.revisions import Record, Revisions
from untilgreen.emulator.rollout import Rollouts
from untilgreen.emulator.traffic import LATEST, Routes, Share
from untilgreen.emulator.workload import Workload


async def take_up(
    services: Mapping[str, Message], revisions: Revisions, routes: Routes, rollouts: Rollouts, operations: Operations
) -> None:
    """Open the ports of all services again, start what serves, and go on with the rollouts that were under way.

    Args:
        services: by name, as they were kept.
        revisions: as they were kept.
        routes: without any port yet.
        rollouts: go on in the background.
        operations: as they were kept.
    """
    for service in services.values():
        await _reopen(service, revisions, routes, rollouts)
    under_way = set()
    for operation in operations.unfinished():
        asked = protos.Service()
        operation.metadata.Unpack(asked)
        if asked.name in services:
            under_way.add((asked.name, asked.generation))
            _go_on(services[asked.name], asked, operation, revisions, rollouts)
        else:
            operations.finish(operation, asked, conditions.GIVEN_UP)
    for service in services.values():
        if service.reconciling and (service.name, service.generation) not in under_way:
            operation = operations.begin(service_name(service.name).parent, service)
            _go_on(service, service, operation, revisions, rollouts)


async def _reopen(service: Message, revisions: Revisions, routes: Routes, rollouts: Rollouts) -> None:
    """Send requests where they went before; what they need is started meanwhile, and they wait for it."""
    name = service_name(service.name)
    service.uri = await routes.open(name)
    service.urls[:] = [service.uri]
    parts: list[tuple[Share, Workload]] = []
    for status in service.traffic_statuses:
        if status.tag:
            status.uri = await routes.open(name, status.tag)
        short = status.revision or service.latest_ready_revision.rpartition("/")[2]
        record = revisions.find(name.revision(short))
        if record and record.workload:
            share = Share(short, status.percent, status.tag, latest=status.type_ == LATEST)
            parts.append((share, record.workload))
    routes.point(name, parts)
    rollouts.keep(service)
    for share, workload in parts:
        if share.percent or share.tag:
            rollouts.wake(service, workload)


def _go_on(service: Message, asked: Message, operation: Message, revisions: Revisions, rollouts: Rollouts) -> None:
    fresh = revisions.find(asked.latest_created_revision)
    rollouts.go_on(service, _undecided(fresh), asked.generation, operation)


def _undecided(record: Record | None) -> Record | None:
    return record if record and record.message.reconciling else None
