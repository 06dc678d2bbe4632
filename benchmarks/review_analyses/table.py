"""What became of true and of false analyses, per type of claim, as text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from benchmarks.faults.score import Figure, share
from benchmarks.review_analyses.sample import Sample
from untilgreen.model.analysis import Decision, Review

Judged = Sequence[tuple[Sample, Review]]
STOPPED, WRONGLY = 0.95, 0.05
"""Of the false ones at least, of the true ones at most."""


def stopped(judged: Judged) -> Figure:
    """Return which share of the false analyses was not let through: rejected, or sent to a human."""
    return share([r.decision is not Decision.APPROVED for s, r in judged if not s.true])


def rejected(judged: Judged) -> Figure:
    """Return which share of the false analyses was rejected outright."""
    return share([r.decision is Decision.REJECTED for s, r in judged if not s.true])


def wrongly(judged: Judged) -> Figure:
    """Return which share of the true analyses was rejected."""
    return share([r.decision is Decision.REJECTED for s, r in judged if s.true])


def approved(judged: Judged) -> Figure:
    """Return which share of the true analyses was approved at once."""
    return share([r.decision is Decision.APPROVED for s, r in judged if s.true])


def met(judged: Judged) -> bool:
    """Tell whether both targets are met."""
    return stopped(judged).value >= STOPPED and wrongly(judged).value <= WRONGLY


def render(judged: Judged) -> str:
    """Return the tables."""
    names = ("true", "app.", "human", "rej.", "false", "rej.", "human", "app.")
    head = f"{'claim':<24} {' '.join(f'{name:>5}' for name in names)}"
    rows = [_row(name, counts) for name, counts in sorted(_by_claim(judged).items())]
    title = f"{'figure':<44} {'value':>6}  {'95 % interval':<13} {'n':>5}  target"
    figures = [
        _figure("false not let through (rejected or human)", stopped(judged), f">= {STOPPED}"),
        _figure("  of these rejected outright", rejected(judged), ""),
        _figure("true wrongly rejected", wrongly(judged), f"<= {WRONGLY}"),
        _figure("true approved without a human", approved(judged), ""),
    ]
    return "\n".join([head, *rows, "", title, *figures, *_through(judged)])


def _by_claim(judged: Judged) -> dict[str, Counter[tuple[bool, Decision]]]:
    counts: dict[str, Counter[tuple[bool, Decision]]] = defaultdict(Counter)
    for sample, review in judged:
        for name in sample.about:
            counts[name][sample.true, review.decision] += 1
    return counts


def _row(name: str, counts: Counter[tuple[bool, Decision]]) -> str:
    true = [counts[True, d] for d in (Decision.APPROVED, Decision.NEEDS_HUMAN, Decision.REJECTED)]
    false = [counts[False, d] for d in (Decision.REJECTED, Decision.NEEDS_HUMAN, Decision.APPROVED)]
    cells = [f"{sum(true):>5}", *(f"{n:>5}" for n in true), f"{sum(false):>5}", *(f"{n:>5}" for n in false)]
    return f"{name:<24} {' '.join(cells)}"


def _figure(name: str, figure: Figure, target: str) -> str:
    between = f"{figure.low:.3f} - {figure.high:.3f}"
    return f"{name:<44} {figure.value:>6.3f}  {between:<13} {figure.count:>5}  {target}".rstrip()


def _through(judged: Judged) -> list[str]:
    """Name what went wrong, one a line."""
    wrong = {(False, Decision.APPROVED): "APPROVED, FALSE", (True, Decision.REJECTED): "REJECTED, TRUE"}
    return [
        f"{wrong[s.true, r.decision]}: {s.fault} {s.way}: {s.analysis.leaf.claim.type} {s.analysis.leaf.claim.subject}"
        for s, r in judged
        if (s.true, r.decision) in wrong
    ]
