"""Who gets which share of a service's requests: one port for the service, and one for each tag."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

from untilgreen.emulator.front_answers import Answer
from untilgreen.emulator.http1 import Head
from untilgreen.emulator.invoker import Invokers
from untilgreen.emulator.names import ServiceName
from untilgreen.emulator.port_book import LOOPBACK, PortBook
from untilgreen.emulator.protos import Allocation, Message, TrafficTargetStatus
from untilgreen.emulator.proxy import Front, RequestLog
from untilgreen.emulator.workload import Workload

LATEST = Allocation.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
REVISION = Allocation.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION


@dataclass(frozen=True)
class Share:
    """A revision's part of the traffic.

    Args:
        revision: short name.
        percent: of the service's requests.
        tag: under which it has a port of its own, or empty.
        latest: whether it has the part because it is the latest ready one.
    """

    revision: str
    percent: int
    tag: str
    latest: bool


def shares(service: Message) -> list[Share]:
    """Return what a service's traffic means now; without targets, the latest ready revision gets all."""
    latest = service.latest_ready_revision.rpartition("/")[2]
    if not service.traffic:
        return [Share(latest, 100, "", latest=True)]
    return [
        Share(target.revision.rpartition("/")[2] or latest, target.percent, target.tag, latest=not target.revision)
        for target in service.traffic
    ]


def status(share: Share, uri: str) -> Message:
    """Return how a share is reported: Cloud Run leaves the revision out where a target says "latest"."""
    return TrafficTargetStatus(
        type_=int(LATEST if share.latest else REVISION),
        revision="" if share.latest else share.revision,
        percent=share.percent,
        tag=share.tag,
        uri=uri,
    )


@dataclass
class ServiceRoute:
    """Where the requests of one port go.

    Args:
        service: whose port it is.
        invokers: lets requests in; None lets all in.
        targets: workloads with their percentage.
    """

    service: ServiceName
    invokers: Invokers | None = None
    targets: list[tuple[Workload, int]] = field(default_factory=list)

    def admit(self, head: Head) -> Head | Answer:
        """Return a request's head as the instance may see it, or the answer to a request that is turned away."""
        return self.invokers.admit(self.service, head) if self.invokers else head

    def choose(self) -> Workload | None:
        """Return who answers the next request: each as often as its percentage says."""
        if len(self.targets) <= 1:
            return self.targets[0][0] if self.targets else None
        return random.choices([w for w, _ in self.targets], [p for _, p in self.targets])[0]  # noqa: S311 - spreads load


@dataclass(frozen=True)
class _Door:
    route: ServiceRoute
    front: Front
    uri: str


class Routes:
    """The open ports of all services.

    Args:
        ports: says which port belongs to whom.
        log: takes the records of requests.
        invokers: lets requests in; None lets all in.
    """

    def __init__(self, ports: PortBook, log: RequestLog, invokers: Invokers | None = None) -> None:
        self._ports = ports
        self._log = log
        self._invokers = invokers
        self._doors: dict[tuple[str, str], _Door] = {}
        self._reached: dict[str, set[str]] = {}

    async def open(self, service: ServiceName, tag: str = "") -> str:
        """Return the URL of a service or of one of its tags, opening its port if need be."""
        key = (str(service), tag)
        if key not in self._doors:
            listening = self._ports.listen(_owner(*key))
            route = ServiceRoute(service, self._invokers)
            front = Front(route, self._log)
            self._doors[key] = _Door(route, front, f"http://{LOOPBACK}:{listening.getsockname()[1]}")
            await front.open(listening)
        return self._doors[key].uri

    def point(self, service: ServiceName, parts: list[tuple[Share, Workload]]) -> None:
        """Send a service's requests to these workloads from now on, and close the ports of tags that are gone."""
        weighed = [(workload, share.percent) for share, workload in parts if share.percent]
        self._doors[str(service), ""].route.targets = weighed
        self._reached[str(service)] = {share.revision for share, _ in parts if share.percent or share.tag}
        tagged = {share.tag: workload for share, workload in parts if share.tag}
        for (name, tag), door in list(self._doors.items()):
            if name == str(service) and tag:
                if tag in tagged:
                    door.route.targets = [(tagged[tag], 100)]
                else:
                    self._doors.pop((name, tag)).front.close()

    def reached(self, service: ServiceName) -> set[str]:
        """Return the short names of the revisions that requests can reach."""
        return self._reached.get(str(service), set())

    def close(self, service: ServiceName) -> None:
        """Close all ports of a service that is gone, and forget them."""
        for key in [key for key in self._doors if key[0] == str(service)]:
            self._doors.pop(key).front.close()
            self._ports.forget(_owner(*key))
        self._reached.pop(str(service), None)

    async def shut(self) -> None:
        """Close every port, for the emulator's own end."""
        for door in self._doors.values():
            door.front.close()
        self._doors.clear()
        await asyncio.sleep(0)


def _owner(service: str, tag: str) -> str:
    return f"{service}#{tag}" if tag else service
