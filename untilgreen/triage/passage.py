"""The way that an exception took: an old line may fail because of what a function above it does since a change."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.model.evidence import Hunk
from untilgreen.triage.callsites import Definition, index_of
from untilgreen.triage.changes import bringing_line
from untilgreen.triage.errors import Error
from untilgreen.triage.frames import Spot, way
from untilgreen.triage.handlers import registered, running_well, touching
from untilgreen.triage.scene import Scene

_ABOVE = 3
"""Frames looked at where no handler ends the way: higher up are the loops that everything runs through."""


def changed_on_the_way(scene: Scene, error: Error) -> tuple[Spot, Hunk] | None:
    """Return the nearest function on an exception's way that one commit changed, and the change.

    Above the handler nothing is looked at: what all requests run through does not tell them apart.
    """
    service = error.entry.service
    well = running_well(scene, service, way(scene, error.entry))
    for spot in _below_the_handler(scene, error):
        hunk = bringing_line(scene, spot)
        hunks = touching(scene, [d for d in _around(scene, service, spot) if d not in well])
        if hunk or len({h.commit for h in hunks}) == 1:
            return spot, hunk or hunks[0]
    return None


def _below_the_handler(scene: Scene, error: Error) -> Iterator[Spot]:
    lines = way(scene, error.entry)
    handlers = {d for found in registered(scene, error.entry.service).values() for d in found}
    ends = (n for n, spot in enumerate(lines, start=1) if any(d.holds(spot.path, spot.line) for d in handlers))
    yield from lines[: next(ends, _ABOVE)]


def _around(scene: Scene, service: str, spot: Spot) -> list[Definition]:
    definitions = index_of(scene, service).definitions.get(spot.function, ())
    return [d for d in definitions if d.holds(spot.path, spot.line)]
