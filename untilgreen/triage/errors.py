"""Which logged exceptions belong to a failure, and which of them occur in passing tests too."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from untilgreen.model.evidence import Case, Entry, Request
from untilgreen.triage.frames import Spot, app_spot, short
from untilgreen.triage.masking import first_line, mask
from untilgreen.triage.nearby import Nearby, Signature
from untilgreen.triage.scene import Scene

_QUIET = ("DEBUG", "INFO", "NOTICE", "WARNING")
"""Severities by which somebody says that it is no error; plain text has none and may be one."""

BY_TRACE, BY_TIME = 0.95, 0.7
"""How strongly a traceback is linked to a failure; measured in the linking trial."""


@dataclass(frozen=True, slots=True)
class Error:
    """A logged exception that belongs to a failure.

    Args:
        entry: where it was logged; `entry.raised` is set.
        spot: its deepest line in the product's own source, if any.
        strength: 0 to 1, how surely it belongs to this failure.
    """

    entry: Entry
    spot: Spot | None
    strength: float

    @property
    def exception(self) -> str:
        """Return the exception's name as it was logged."""
        return self.entry.raised.exception if self.entry.raised else ""


class Errors:
    """Finds the exceptions behind failures.

    Args:
        scene: the indexed bundle.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._spots: dict[tuple[str, tuple[tuple[str, int], ...], str], Spot | None] = {}
        self._nearby = Nearby(scene, self.signature)
        self._passing = Counter(s for case in scene.passed for s in self._signatures(case))
        self._failing = Counter(s for case in scene.bad for s in self._signatures(case))

    def spot(self, entry: Entry) -> Spot | None:
        """Return the deepest line of a traceback in the service's own source."""
        frames = entry.raised.frames if entry.raised else ()
        key = entry.service, tuple((f.path, f.line) for f in frames), "" if frames else entry.message
        if key not in self._spots:
            self._spots[key] = app_spot(self._scene, entry)
        return self._spots[key]

    def signature(self, entry: Entry) -> Signature:
        """Return what this error shares with others of its sort: no line, no id."""
        raised, spot = entry.raised, self.spot(entry)
        name = short(raised.exception) if raised else ""
        message = raised.message if raised else ""
        return entry.service, name, f"{spot.path} {spot.function}" if spot else mask(first_line(message))

    def of(self, case: Case, service: str, row: Request | None) -> Error | None:
        """Return the exception of a service that explains a failure, or None.

        What passing tests log at least as often explains nothing. Of the rest, what no passing test logs
        comes first, then what its logger took seriously, then what lies in the product's own source, then the earliest.
        """
        entries = [e for e in self._scene.raised(case.trace, service) if not self.left(e)]
        found = [Error(e, self.spot(e), BY_TRACE) for e in entries if self._telling(e)]
        if found:
            return min(found, key=self._rank)
        return self._by_time(row) if row and not entries else None

    def left(self, entry: Entry) -> bool:
        """Tell whether it was raised because the caller no longer waited."""
        raised = entry.raised
        return raised is not None and self._scene.knowledge.exception_is(raised.exception, raised.message, "left")

    def _rank(self, error: Error) -> tuple[int, bool, bool]:
        return self._passing[self.signature(error.entry)], error.entry.severity in _QUIET, error.spot is None

    def _by_time(self, row: Request) -> Error | None:
        """Accept a traceback without a trace only when its functions or the moment leave no choice."""
        entry = self._nearby.behind(row, [e for e in self._scene.near(row) if not self.left(e)])
        return Error(entry, self.spot(entry), BY_TIME) if entry else None

    def _telling(self, entry: Entry) -> bool:
        signature = self.signature(entry)
        passing, failing = self._passing[signature], self._failing[signature]
        return passing * max(len(self._scene.bad), 1) < failing * max(len(self._scene.passed), 1) and passing < failing

    def _signatures(self, case: Case) -> set[Signature]:
        return {self.signature(e) for e in self._scene.raised(case.trace)}
