"""What a claim is judged by: four queries, and how their answers make a truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Truth
from untilgreen.model.evidence import Coverage, Item

Query = Callable[[Any, Bundle], Sequence[Item]]
Silence = Callable[[Any, Bundle], Coverage | None]


def nothing(_claim: Any, _bundle: Bundle) -> Sequence[Item]:
    """Find nothing: this sort of claim has no such evidence."""
    return ()


def never(_claim: Any, _bundle: Bundle) -> Coverage | None:
    """Let no absence count: what is silent may still be true."""
    return None


@dataclass(frozen=True, slots=True)
class Check:
    """How one type of claim is judged."""

    support: Query
    """What speaks for it."""
    counter: Query = nothing
    """What speaks against it, though both may be seen of something true: an OOM and the recovery after it."""
    rebuttal: Query = nothing
    """What cannot be seen if it is true: a missing route that answered."""
    absence: Silence = never
    """The complete coverage in which a true claim would have left something."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the evidence says of one claim."""

    truth: Truth
    for_: tuple[Item, ...]
    against: tuple[Item, ...]
    message: str

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return the ids that decided, the contradicting ones first; five of a side are enough to look it up."""
        return tuple(item.id for item in (*self.against[:5], *self.for_[:5]))


def weigh(check: Check, claim: Any, bundle: Bundle) -> Judgement:
    """Run a check's queries and decide.

    Counter-evidence beside support makes a claim contested, not refuted: only a rebuttal wins outright.
    """
    support = tuple(check.support(claim, bundle))
    rebuttal = tuple(check.rebuttal(claim, bundle))
    known = {id(item) for item in rebuttal}  # by identity: comparing thousands of rows field by field takes minutes
    against = rebuttal + tuple(item for item in check.counter(claim, bundle) if id(item) not in known)
    if rebuttal or (against and not support):
        return Judgement(Truth.REFUTED, support, against, f"contradicted by {cited(against)}")
    if against:
        message = f"evidence on both sides: for it {cited(support)}; against it {cited(against)}"
        return Judgement(Truth.CONTESTED, support, against, message)
    if support:
        return Judgement(Truth.SUPPORTED, support, (), f"shown by {cited(support)}")
    return _silent(check.absence(claim, bundle))


def _silent(coverage: Coverage | None) -> Judgement:
    """Judge a claim of which nothing was seen: that refutes it only where everything was looked at."""
    if coverage:
        looked = f"all {coverage.rows} rows of {coverage.kind} for {coverage.subject} ({coverage.query})"
        return Judgement(Truth.REFUTED, (), (), f"nothing of it in {looked}")
    return Judgement(Truth.UNPROVEN, (), (), "no evidence for or against it; more of the log or the metrics would help")


def cited(items: Sequence[Item]) -> str:
    """Return id and words of the first item, and of the first one of another sort, and how many more there are."""
    other = next((item for item in items if type(item) is not type(items[0])), None)
    named = [item for item in (items[0], other) if item]
    words = " and ".join(f"{item.id} {shorten(item.text, 160, placeholder='...')!r}" for item in named)
    left = len(items) - len(named)
    return f"{words} and {left} more" if left else words
