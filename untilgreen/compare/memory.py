"""What the ledgers of this and of earlier loops remember of the cycles before one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from untilgreen.compare.ages import trace
from untilgreen.compare.jumps import NEWEST, Figures
from untilgreen.compare.observed import Observed
from untilgreen.errors import EvidenceIncomplete
from untilgreen.ledger import Ledger
from untilgreen.model.analysis import Comparison, Triage
from untilgreen.model.evidence import Manifest
from untilgreen.model.retrospect import CausePast, Retrospect, Sight
from untilgreen.model.suite import Outcome, SuiteRun

Read = TypeVar("Read")

_REBUILT = 20
"""Newest cycles that are gone through again when older versions left no Retrospect."""


@dataclass(frozen=True)
class Page:
    """One cycle of any loop."""

    ledger: Ledger
    seen: Sight

    def observed(self) -> Observed | None:
        """Return what it saw; None when it did not come so far."""
        return observe(self.ledger, self.seen.cycle)

    def retrospect(self) -> Retrospect | None:
        """Return what it told of all before it; None for a ledger of an older version."""
        return self.ledger.recall(self.seen.cycle, Retrospect)

    def figures(self) -> Figures | None:
        """Return what it measured; None when its suite was not reached."""
        return measure(self.ledger, self.seen.cycle)


@dataclass
class Memory:
    """The cycles before one, of all loops, and what could not be read of them."""

    pages: Sequence[Page]
    """Oldest first."""
    notes: list[str] = field(default_factory=list)

    def known(self) -> tuple[CausePast, ...]:
        """Return the causes after the newest of these cycles, resolved ones too."""
        rows: tuple[CausePast, ...] = ()
        last: list[Observed] = []
        for page in self._since_told():
            told = self._read(page, page.retrospect)
            now = self._read(page, page.observed) if told is None else None
            if told:
                rows = (*told.causes, *told.closed)
            elif now:
                rows = tuple(row for part in trace(rows, now, last, page.seen) for row in part)
                last = [now]
        return rows

    def last(self) -> Observed | None:
        """Return what the newest cycle saw that saw anything."""
        return next((now for page in reversed(self.pages) if (now := self._read(page, page.observed))), None)

    def figures(self) -> list[Figures]:
        """Return what the newest whole cycles measured, the oldest first."""
        found: list[Figures] = []
        for page in reversed(self.pages):
            measured = self._read(page, page.figures)
            if measured and measured.whole and measured.collected:
                found.append(measured)
            if len(found) == NEWEST:
                break
        return found[::-1]

    def _since_told(self) -> Sequence[Page]:
        """Return the newest page that tells of all before it, and those after it."""
        for index in range(len(self.pages) - 1, -1, -1):
            if self._read(self.pages[index], self.pages[index].retrospect):
                return self.pages[index:]
        return self.pages[-_REBUILT:]

    def _read(self, page: Page, read: Callable[[], Read | None]) -> Read | None:
        """Read a page; one that is damaged is left out, and that is said once."""
        try:
            return read()
        except (EvidenceIncomplete, ValueError) as error:
            said = f"cycle {page.seen.cycle} of loop {page.seen.loop} is left out: {str(error).splitlines()[0]}"
            if said not in self.notes:
                self.notes.append(said)
            return None


def remember(state: Path, now: Sight) -> Memory:
    """Return all cycles of all loops that began before one.

    Args:
        state: the folder that holds all loops.
        now: the cycle that looks back.
    """
    pages, notes = list[Page](), list[str]()
    for file in state.glob("loops/*/loop.json"):
        ledger = Ledger(state, file.parent.name)
        try:
            pages += [Page(ledger, seen) for number in ledger.cycles() if (seen := sight(ledger, number))]
        except (EvidenceIncomplete, ValueError) as error:
            notes.append(f"loop {ledger.loop_id} is left out: {str(error).splitlines()[0]}")
    before = (page for page in pages if _order(page.seen) < _order(now))
    return Memory(sorted(before, key=lambda page: _order(page.seen)), notes)


def _order(seen: Sight) -> tuple[object, str, int]:
    return seen.at, seen.loop, seen.cycle


def sight(ledger: Ledger, number: int) -> Sight | None:
    """Return which cycle it is; None when it was not opened."""
    opening = ledger.opening(number)
    if opening is None:
        return None
    return Sight(loop=ledger.loop_id, cycle=number, commit=opening.commit, at=opening.started)


def observe(ledger: Ledger, number: int) -> Observed | None:
    """Return what a cycle saw; None when it did not come so far."""
    found, suite = ledger.recall(number, Triage), ledger.recall(number, SuiteRun)
    if found is None or suite is None:
        return None
    return Observed(
        number=number,
        ran=suite.ran,
        triage=found,
        results=tuple(ledger.results(number)),
        comparison=ledger.recall(number, Comparison),
    )


def measure(ledger: Ledger, number: int) -> Figures | None:
    """Return what a cycle measured; None when its suite was not reached."""
    suite, loop, manifest = ledger.recall(number, SuiteRun), ledger.asked(), ledger.recall(number, Manifest)
    if suite is None:
        return None
    asked = (loop.settings if loop else {}).get("suite") or {}
    return Figures(
        number=number,
        whole=suite.ran and not asked.get("focus"),
        collected=suite.collected,
        executed=suite.collected - suite.count(Outcome.SKIPPED, Outcome.NOT_RUN, Outcome.LOST),
        suite_s=(suite.finished - suite.started).total_seconds(),
        steps={step: seconds for step, seconds in ledger.seconds(number).items() if step != "suite"},
        tests={
            result.nodeid: result.last.duration_s
            for result in ledger.results(number)
            if result.outcome is Outcome.PASSED and result.last
        },
        evidence=manifest.counts if manifest else {},
    )
