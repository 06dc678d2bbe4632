"""What instances use of memory and CPU, measured, and the end of those that use more memory than they may.

Linux only: where there is no /proc nothing is measured and no limit holds. Memory is the resident memory of all
processes of an instance. Once that sum is above the limit, pages that several of them share are counted once, as
Cloud Run does. Files that a container writes do not count here, as they would there.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
_UNITS = {
    "": 1,
    "k": 1000,
    "M": 1000**2,
    "G": 1000**3,
    "T": 1000**4,
    "Ki": 1024,
    "Mi": MIB,
    "Gi": 1024**3,
    "Ti": 1024**4,
}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(|k|M|G|T|Ki|Mi|Gi|Ti)")
_CPU = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m?)")
_MORE_MEMORY = "Consider increasing the memory limit, see https://cloud.google.com/run/docs/configuring/memory-limits"
_PROC = "/proc"
_MEASURED = Path(_PROC, "self", "stat").is_file()
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")

_LOOK_S, _CLOSE_LOOK_S, _CLOSE = 0.1, 0.025, 0.7
"""How often memory is looked at, and how often once it is near its limit."""

_SCAN_S = 0.5
"""How old the list of all processes may be: a process that an instance starts counts that much later at most."""

_SHORTEST_S = 0.25
"""Over less than this, processor time in ticks of 10 ms says nothing."""

_KEEP_S = 1.0
_KEPT = 600
_GROUP, _TIMES, _PAGES = 2, slice(11, 15), 21
"""Places in /proc/PID/stat, counted after the name of the program; the times are its own and its ended children's."""


def memory_bytes(quantity: str) -> int:
    """Return the bytes of a quantity such as `512Mi` or `1G`.

    Raises:
        ValueError: it is none.
    """
    match = _QUANTITY.fullmatch(quantity)
    if not match:
        raise ValueError(f"'{quantity}' is not a quantity")
    return int(float(match[1]) * _UNITS[match[2]])


def cpus(quantity: str) -> float:
    """Return the processors of a quantity such as `1`, `0.5` or `500m`.

    Raises:
        ValueError: it is none.
    """
    match = _CPU.fullmatch(quantity)
    if not match:
        raise ValueError(f"'{quantity}' is not a quantity")
    return float(match[1]) / (1000 if match[2] else 1)


@dataclass(frozen=True, slots=True)
class Sample:
    """What an instance used at one moment.

    Args:
        at: seconds since 1970.
        instance: its id.
        memory: bytes.
        cpu: seconds of processor time since it started.
        requests: in flight.
    """

    at: float
    instance: str
    memory: int
    cpu: float
    requests: int


@dataclass(frozen=True, slots=True)
class Look:
    """What the instances of a revision used since somebody last looked.

    Args:
        memory: share of the limit, of each sample; of an instance without a new one, its latest.
        cpu: share of the limit, of each instance: its mean over that time.
        active: instances that are at work on a request.
        idle: the others.
    """

    memory: tuple[float, ...]
    cpu: tuple[float, ...]
    active: int
    idle: int


class Usage:
    """What the instances of a revision used: about one sample a second of each, the newest 600 in all.

    Args:
        memory_limit: bytes that each instance may use.
        cpu_limit: processors that each instance may use; told, but not enforced here.
    """

    def __init__(self, memory_limit: int, cpu_limit: float) -> None:
        self.memory_limit = memory_limit
        self.cpu_limit = cpu_limit
        self._samples: deque[Sample] = deque(maxlen=_KEPT)
        self._fresh: deque[Sample] = deque(maxlen=_KEPT)
        self._latest: dict[str, Sample] = {}
        self._before: dict[str, Sample] = {}
        self._gone: set[str] = set()

    def add(self, sample: Sample) -> None:
        """Take a sample."""
        self._samples.append(sample)
        self._fresh.append(sample)
        self._latest[sample.instance] = sample

    def samples(self, since: float = 0.0) -> list[Sample]:
        """Return the samples later than a moment, oldest first.

        Args:
            since: seconds since 1970.
        """
        return [sample for sample in self._samples if sample.at > since]

    def began(self, instance: str) -> None:
        """Note that an instance starts now, from nothing."""
        self._before[instance] = Sample(time.time(), instance, 0, 0.0, 0)

    def ended(self, instance: str) -> None:
        """Note that an instance has ended: what it used until now still counts."""
        self._gone.add(instance)

    def look(self) -> Look | None:
        """Return what was used since the last look, or None when there was nobody to use anything."""
        fresh, self._fresh = list(self._fresh), deque(maxlen=_KEPT)
        latest, seen = self._latest, {sample.instance for sample in fresh}
        alive = [sample for instance, sample in latest.items() if instance not in self._gone]
        memory = [*fresh, *(sample for sample in alive if sample.instance not in seen)]
        cpu = [share for sample in latest.values() if (share := self._cpu(sample)) is not None]
        self._forget()
        if not memory:
            return None
        active = sum(sample.requests > 0 for sample in alive)
        return Look(tuple(s.memory / self.memory_limit for s in memory), tuple(cpu), active, len(alive) - active)

    def _cpu(self, sample: Sample) -> float | None:
        before = self._before.get(sample.instance)
        if before is None or sample.at - before.at < _SHORTEST_S:
            return None
        return (sample.cpu - before.cpu) / (sample.at - before.at) / self.cpu_limit

    def _forget(self) -> None:
        """Begin anew: the next look is compared with what is known now."""
        for instance in self._gone:
            self._latest.pop(instance, None)
            self._before.pop(instance, None)
        self._gone.clear()
        for instance, sample in self._latest.items():
            before = self._before.get(instance)
            if before is None or sample.at - before.at >= _SHORTEST_S:
                self._before[instance] = sample


class Processes:
    """Knows which processes belong to which process group. Only those that are new are looked at closely."""

    def __init__(self) -> None:
        self._group_of: dict[int, int] = {}
        self._members: dict[int, list[int]] = {}
        self._scanned = 0.0

    def of(self, group: int) -> list[int]:
        """Return the ids of a group's processes, its leader first; some may have gone or left the group since."""
        if time.monotonic() - self._scanned > _SCAN_S:
            self._scan()
        return [group, *(pid for pid in self._members.get(group, ()) if pid != group)]

    def _scan(self) -> None:
        self._scanned = time.monotonic()
        listed = [int(name) for name in os.listdir(_PROC) if name.isdigit()]  # noqa: PTH208 - paths would cost more
        known = self._group_of
        self._group_of = {pid: known[pid] if pid in known else _group(pid) for pid in listed}
        self._members = {}
        for pid, group in self._group_of.items():
            self._members.setdefault(group, []).append(pid)


@dataclass(frozen=True, slots=True)
class Reading:
    """Memory in bytes and processor time in seconds of a group of processes."""

    memory: int
    cpu: float


def read(group: int, pids: list[int]) -> Reading:
    """Return what processes of a group use together; those that are gone use nothing."""
    own = b"%d" % group
    found = [fields for pid in pids if (fields := _stat(pid)) and fields[_GROUP] == own]
    ticks = sum(int(ticks) for fields in found for ticks in fields[_TIMES])
    return Reading(sum(int(fields[_PAGES]) for fields in found) * _PAGE, ticks / _TICKS)


def exact_memory(group: int, pids: list[int]) -> int:
    """Return the bytes of processes of a group with what they share counted once: slower than `read`."""
    return sum(_proportional(group, pid) for pid in pids)


async def guard(
    group: int, processes: Processes, usage: Usage, sample: Callable[[Reading], Sample]
) -> tuple[int, int] | None:
    """Measure a process group until it uses more memory than it may; return the limit and its use in bytes then.

    Args:
        group: its number.
        processes: knows its members.
        usage: takes samples, and names the limit.
        sample: makes a sample of a reading.
    """
    if not _MEASURED:
        return None
    kept = 0.0
    while True:
        reading = read(group, processes.of(group))
        if time.monotonic() - kept >= _KEEP_S:
            kept = time.monotonic()
            usage.add(sample(reading))
        if reading.memory > usage.memory_limit:
            used = exact_memory(group, processes.of(group))
            if used > usage.memory_limit:
                usage.add(sample(Reading(used, reading.cpu)))
                return usage.memory_limit, used
        near = reading.memory > usage.memory_limit * _CLOSE
        await asyncio.sleep(_CLOSE_LOOK_S if near else _LOOK_S)


def exceeded(limit: int, used: int) -> str:
    """Return what the platform's log says of an instance that used more memory than it may."""
    return f"Memory limit of {limit // MIB} MiB exceeded with {used // MIB} MiB used. {_MORE_MEMORY}"


def _stat(pid: int) -> list[bytes]:
    """Return the fields of a process after its program's name, which may hold anything; none when it is gone."""
    try:
        with open(f"{_PROC}/{pid}/stat", "rb") as file:  # noqa: PTH123 - a path would cost more
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def _group(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[_GROUP]) if fields else 0


def _proportional(group: int, pid: int) -> int:
    try:
        with open(f"{_PROC}/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123 - as above
            return next(int(line.split()[1]) for line in file if line.startswith(b"Pss:")) * 1024
    except (OSError, StopIteration, ValueError):
        return read(group, [pid]).memory
