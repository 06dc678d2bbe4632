"""A traceback without a trace: for whose request it was raised, by the functions it passes through and by the moment.

Many services log plain text, which carries no trace. Their tracebacks still tell the handler that they came through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta

from untilgreen.model.evidence import Entry, Request
from untilgreen.triage.callsites import Definition
from untilgreen.triage.frames import way
from untilgreen.triage.handlers import handlers, registered
from untilgreen.triage.scene import Scene

Signature = tuple[str, str, str]
"""Service, exception and place: what two occurrences of one error share."""

_SERVER = 500
_SWITCHED = 101
_OFTEN = 3
"""Logged so many times more often than the service fails, it is no reason for the failing."""


class Nearby:
    """Chooses among the tracebacks that were logged while a request was served.

    Args:
        scene: the indexed bundle.
        signature: names what an error shares with others of its sort.
    """

    def __init__(self, scene: Scene, signature: Callable[[Entry], Signature]) -> None:
        self._scene = scene
        self._signature = signature
        self._logged: dict[str, Counter[Signature]] = {}

    def behind(self, row: Request, entries: Iterable[Entry]) -> Entry | None:
        """Return the traceback that a request left behind, or None when the moment leaves a choice.

        One that passes through what serves the request's path is its own; of several the nearest in time. One that
        passes through what serves another path belongs to another request. Of the rest only a single sort is
        accepted, beside an answer that says that something broke.
        """
        near = [e for e in entries if not (e.revision and row.revision and e.revision != row.revision)]
        own = [e for e in near if self._serves(e, row)]
        if own:
            return min(own, key=lambda e: (self._apart(e, row), e.insert_id))
        if row.status < _SERVER and row.status != _SWITCHED:
            return None
        left = [e for e in near if not self._serves_any(e) and not self._usual(e)]
        return left[0] if len({self._signature(e) for e in left}) == 1 else None

    def _serves(self, entry: Entry, row: Request) -> bool:
        path = self._scene.paths.template(row.path)
        return _through(self._scene, entry, handlers(self._scene, row.service, path))

    def _serves_any(self, entry: Entry) -> bool:
        routes = registered(self._scene, entry.service)
        return any(_through(self._scene, entry, functions) for functions in routes.values())

    def _apart(self, entry: Entry, row: Request) -> timedelta:
        """Return how far from the time of the request it was logged."""
        if entry.at is None or row.at is None:
            return timedelta.max
        end = row.at + timedelta(seconds=row.latency_s)
        return max(row.at - entry.at, entry.at - end, timedelta())

    def _usual(self, entry: Entry) -> bool:
        """Tell whether it is logged all the time, whether requests fail or not."""
        service = entry.service
        if service not in self._logged:
            alone = self._scene.bundle.find(Entry, service=service, raised=True, traced=False)
            self._logged[service] = Counter(self._signature(e) for e in alone)
        return self._logged[service][self._signature(entry)] > _OFTEN * self._failures(service)

    def _failures(self, service: str) -> int:
        routes = (answers for (name, _, _), answers in self._scene.tally.items() if name == service)
        return sum(n for answers in routes for status, n in answers.items() if status >= _SERVER or status == _SWITCHED)


def _through(scene: Scene, entry: Entry, functions: Iterable[Definition]) -> bool:
    lines = way(scene, entry)
    return any(function.holds(spot.path, spot.line) for function in functions for spot in lines)
