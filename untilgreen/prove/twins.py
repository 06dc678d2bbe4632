"""Tests that are one function with other parameters, and did the same: they share the work of being controlled.

Each of them is run under one control, in turn; what two or more show lends to the others. When one of them passes, or
says nothing, each is run by itself. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from untilgreen.model.suite import Control, Exchange, Result, Trial
from untilgreen.prove.control import asked, controls_of, failed_as_it_should, own
from untilgreen.prove.prelude import prelude

EACH = 2
"""So many twins stand under each control: one alone might fail for a reason of its own."""


@dataclass(frozen=True)
class Spread:
    """Which twin stands under which control."""

    families: tuple[tuple[str, ...], ...]
    turns: Mapping[str, tuple[Control, ...]]
    """Node id -> the controls that it leaves to its twins."""

    def leaves(self, nodeid: str, control: Control) -> bool:
        """Tell whether a test leaves a control to its twins."""
        return control in self.turns.get(nodeid, ())

    def lend(self, trials: Iterable[Trial]) -> tuple[tuple[Trial, ...], frozenset[tuple[str, Control]]]:
        """Return what twins show for one another, and which tests must be run by themselves after all.

        Args:
            trials: of those whose turn it was. A control that came to none of a family says nothing about it.
        """
        told: dict[tuple[str, Control], Trial] = {(trial.nodeid, trial.control): trial for trial in trials}
        lent: list[Trial] = []
        alone: set[tuple[str, Control]] = set()
        for family in self.families:
            for control in {control for nodeid in family for control in self.turns[nodeid]}:
                shown = [trial for nodeid in family if (trial := told.get((nodeid, control)))]
                others = [nodeid for nodeid in family if self.leaves(nodeid, control)]
                if shown and all(map(failed_as_it_should, shown)):
                    lent += [shown[0].model_copy(update={"nodeid": n, "twin": shown[0].nodeid}) for n in others]
                elif shown:
                    alone |= {(nodeid, control) for nodeid in others}
        return tuple(lent), frozenset(alone)


def spread(results: Iterable[Result], hosts: frozenset[str]) -> Spread:
    """Find twins, and say whose turn each control is.

    Args:
        results: of tests that are due under every control.
        hosts: of the deployed services.
    """
    found: dict[Any, list[Result]] = defaultdict(list)
    for result in results:
        function, bracket, _ = result.nodeid.partition("[")
        exchanges = asked(result, hosts)
        if bracket and exchanges:
            found[function, _shape(result, exchanges)].append(result)
    families: list[tuple[str, ...]] = []
    turns: dict[str, tuple[Control, ...]] = {}
    for twins in found.values():
        controls = controls_of(twins[0], asked(twins[0], hosts))
        if len(twins) >= EACH * len(controls):
            families.append(tuple(twin.nodeid for twin in twins))
            turns |= _turns(families[-1], controls)
    return Spread(tuple(families), turns)


def _turns(family: Sequence[str], controls: Sequence[Control]) -> dict[str, tuple[Control, ...]]:
    mine = {nodeid: controls[place % len(controls)] for place, nodeid in enumerate(family)}
    return {nodeid: tuple(control for control in controls if control is not kept) for nodeid, kept in mine.items()}


def _shape(result: Result, exchanges: tuple[Exchange, ...]) -> tuple[object, ...]:
    """Return what twins have in common: what they asked for and got by themselves, and how much of it they checked."""
    sighting = result.last.sighting if result.last else None
    checked = (sighting.assertions - sighting.early_assertions, sighting.swallowed_assertions) if sighting else ()
    calls = ((e.client, e.method, e.status, e.close_code, bool(e.principal), e.checks) for e in own(exchanges))
    return (*calls, checked, prelude(result, exchanges))
