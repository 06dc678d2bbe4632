"""What can be done side by side: services that wait for nobody, then those that waited for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def levels(depends_on: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """Group names so that each comes after all it depends on, and as early as it can.

    Args:
        depends_on: name -> those before it; each of them comes earlier in the mapping, or does not matter.
    """
    depth: dict[str, int] = {}
    for name, others in depends_on.items():
        depth[name] = 1 + max((depth[other] for other in others if other in depth), default=-1)
    return tuple(tuple(n for n in depth if depth[n] == level) for level in range(max(depth.values(), default=-1) + 1))


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Do a work for each item at the same time, and return the results in the order of the items.

    The threads are daemons: an interrupted loop does not wait for a container that never starts. All of them have
    ended when this returns or raises an error of the work; of several errors the first item's is raised.
    """
    futures = [_begin(work, item) for item in items]
    for future in futures:
        future.exception()
    return [future.result() for future in futures]


def _begin(work: Callable[[Item], Result], item: Item) -> Future[Result]:
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work(item))
        except BaseException as error:  # noqa: BLE001 - handed on to whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
