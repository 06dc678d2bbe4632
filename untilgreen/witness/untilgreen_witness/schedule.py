"""Which worker runs which test, and in which order."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Any


class Schedule:
    """Which worker gets which test.

    Neighbours share module fixtures, so a worker takes a run of them, ever shorter ones, and whoever has nothing left
    takes from whoever has most: one test that hangs must not keep its neighbours waiting.

    Args:
        groups: tests that stay together, in the order in which they are wanted.
        workers: how many there are.
        loose: so many groups at the beginning share nothing, and are handed out one by one.
    """

    def __init__(self, groups: Iterable[list[int]], workers: int, loose: int = 0) -> None:
        self._groups = deque(groups)
        self._loose = loose
        self._owned: list[deque[list[int]]] = [deque() for _ in range(workers)]
        self._begun: list[deque[int]] = [deque() for _ in range(workers)]

    def take(self, worker: int) -> int:
        """Return the next test for a worker, or -1."""
        begun, owned = self._begun[worker], self._owned[worker]
        if not begun and not owned:
            owned.extend(self._groups.popleft() for _ in range(self._share()))
        if not begun and not owned:
            richest = max(self._owned, key=len)
            owned.extend([richest.pop()] if richest else [])
        if not begun and owned:
            begun.extend(owned.popleft())
        return begun.popleft() if begun else -1

    def _share(self) -> int:
        if self._loose > 0 and self._groups:
            self._loose -= 1
            return 1
        return min(len(self._groups), max(1, len(self._groups) // (4 * len(self._owned))))

    def give_back(self, worker: int, tests: Iterable[int]) -> None:
        """Put tests back that a dead worker did not reach."""
        self._begun[worker].extendleft(reversed(list(tests)))


def group_of(item: Any, dist: str) -> str:
    """Return what a test must stay together with, by xdist's own rules; nothing when it may run anywhere.

    Args:
        item: the test.
        dist: xdist's option. A marker counts whatever it says: whoever marked a test meant it.
    """
    names = {mark.kwargs.get("name") or (mark.args or ("default",))[0] for mark in item.iter_markers("xdist_group")}
    if names:
        return f"group {'_'.join(sorted(map(str, names)))}"
    if dist == "loadfile":
        return f"file {item.nodeid.split('::', 1)[0]}"
    return f"scope {item.nodeid.rsplit('::', 1)[0]}" if dist == "loadscope" else ""


def grouped(items: list[Any], dist: str) -> list[list[int]]:
    """Group what must stay together, so that a suite written for xdist behaves the same."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        groups[group_of(item, dist) or number].append(number)
    return list(groups.values())
