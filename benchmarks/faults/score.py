"""The arithmetic of the benchmark: ranks, clusters, and how sure a figure is. Pure."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

_Z = 1.959964
"""Of a 95 % interval."""
_RESAMPLES = 2_000


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval.

    Args:
        value: 0 to 1.
        low: the interval's lower end.
        high: its upper end.
        count: of how many cases.
    """

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Candidate:
    """Something that is offered as a cause.

    Args:
        merit: what it is ranked by, the greatest first.
        right: whether it names the true cause.
    """

    merit: tuple[float, ...]
    right: bool


def rank(candidates: Iterable[Candidate]) -> int | None:
    """Return the place of the best right candidate, from 1; wrong ones of equal merit come before it.

    None when no candidate is right.
    """
    candidates = list(candidates)
    best = max((c.merit for c in candidates if c.right), default=None)
    return None if best is None else 1 + sum(not c.right and c.merit >= best for c in candidates)


def accuracy_at(ranks: Sequence[int | None], k: int) -> Figure:
    """Return which share of the causes is found among the first k candidates."""
    return share([found is not None and found <= k for found in ranks])


def average_at(ranks: Sequence[int | None], k: int) -> Figure:
    """Return the mean of the accuracies at 1 to k."""
    return mean([sum(found is not None and found <= n for n in range(1, k + 1)) / k for found in ranks])


def share(hits: Sequence[bool]) -> Figure:
    """Return a share with Wilson's interval; of nothing it is 1 and known to nobody."""
    n, hit = len(hits), sum(hits)
    if not n:
        return Figure(1.0, 0.0, 1.0, 0)
    p, z2 = hit / n, _Z * _Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return Figure(p, max(0.0, middle - half), min(1.0, middle + half), n)


def mean(values: Sequence[float]) -> Figure:
    """Return a mean with a bootstrap interval."""
    return bootstrap(values, lambda drawn: sum(drawn) / len(drawn))


def bootstrap(cases: Sequence[object], statistic: Callable[[Sequence], float]) -> Figure:  # type: ignore[type-arg]  # whatever the cases are
    """Return a statistic of cases with the interval that drawing them again gives; always the same draws."""
    if not cases:
        return Figure(1.0, 0.0, 1.0, 0)
    chance = random.Random(20260501)  # noqa: S311 - draws again, guards nothing
    drawn = sorted(statistic(chance.choices(cases, k=len(cases))) for _ in range(_RESAMPLES))
    return Figure(statistic(cases), drawn[int(0.025 * _RESAMPLES)], drawn[int(0.975 * _RESAMPLES) - 1], len(cases))


@dataclass(frozen=True)
class Labelled:
    """A failing test with its true cause and the group that it was put into; groups of two faults never meet."""

    fault: Hashable
    cause: Hashable
    group: Hashable


def v_measure(tests: Sequence[Labelled]) -> float:
    """Return the harmonic mean of homogeneity and completeness over all tests; 1 when there are none."""
    causes = Counter((t.fault, t.cause) for t in tests)
    groups = Counter((t.fault, t.group) for t in tests)
    both = Counter((t.fault, t.cause, t.group) for t in tests)
    n = len(tests)
    impure = -sum(count / n * math.log(count / groups[fault, group]) for (fault, _, group), count in both.items())
    torn = -sum(count / n * math.log(count / causes[fault, cause]) for (fault, cause, _), count in both.items())
    homogeneity = 1 - impure / _entropy(causes, n) if len(causes) > 1 else 1.0
    completeness = 1 - torn / _entropy(groups, n) if len(groups) > 1 else 1.0
    total = homogeneity + completeness
    return 2 * homogeneity * completeness / total if total else 0.0


def _entropy(counts: Counter[tuple[Hashable, ...]], n: int) -> float:
    return -sum(count / n * math.log(count / n) for count in counts.values())


@dataclass(frozen=True)
class Pairs:
    """Pairs of tests of one fault: those put together, those that belong together, and both."""

    together: int
    belonging: int
    both: int

    @property
    def precision(self) -> float:
        """Return which share of the pairs put together belongs together."""
        return self.both / self.together if self.together else 1.0

    @property
    def recall(self) -> float:
        """Return which share of the pairs that belong together is put together."""
        return self.both / self.belonging if self.belonging else 1.0

    @property
    def f1(self) -> float:
        """Return their harmonic mean."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def pairs(tests: Sequence[Labelled]) -> Pairs:
    """Count the pairs within each fault: that two faults are not mixed up is no merit."""
    groups = Counter((t.fault, t.group) for t in tests)
    causes = Counter((t.fault, t.cause) for t in tests)
    both = Counter((t.fault, t.cause, t.group) for t in tests)
    return Pairs(*(sum(math.comb(count, 2) for count in counts.values()) for counts in (groups, causes, both)))
