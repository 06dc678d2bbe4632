"""Distributions: values counted in classes, as Cloud Monitoring keeps them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from untilgreen.emulator.protos import Distribution, Message


@dataclass(frozen=True)
class Linear:
    """Classes of one width from 0 on."""

    classes: int
    width: float

    def place(self, value: float) -> int:
        """Return the number of a value's class; 0 is for what is below all bounds."""
        return 0 if value < 0 else min(int(value / self.width), self.classes) + 1

    def edge(self, number: int) -> float:
        """Return where a class ends and the next one begins."""
        return number * self.width

    def write(self, options: Message) -> None:
        """Say in a message what the classes are."""
        options.linear_buckets.num_finite_buckets = self.classes
        options.linear_buckets.width = self.width


@dataclass(frozen=True)
class Exponential:
    """Classes that begin at `scale` and grow by a factor."""

    classes: int
    factor: float
    scale: float = 1.0

    def place(self, value: float) -> int:
        """Return the number of a value's class; 0 is for what is below all bounds."""
        if value < self.scale:
            return 0
        return min(int(math.log(value / self.scale, self.factor)), self.classes) + 1

    def edge(self, number: int) -> float:
        """Return where a class ends and the next one begins."""
        return float(self.scale * self.factor**number)

    def write(self, options: Message) -> None:
        """Say in a message what the classes are."""
        options.exponential_buckets.num_finite_buckets = self.classes
        options.exponential_buckets.growth_factor = self.factor
        options.exponential_buckets.scale = self.scale


Classes = Linear | Exponential


@dataclass
class Spread:
    """How many values fell into which class.

    Args:
        classes: what the classes are.
        counts: by the class's number.
        total: sum of the values.
        squares: sum of their squares.
    """

    classes: Classes
    counts: dict[int, int] = field(default_factory=dict)
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        place = self.classes.place(value)
        self.counts[place] = self.counts.get(place, 0) + 1
        self.total += value
        self.squares += value * value

    @property
    def count(self) -> int:
        """Return how many values there are."""
        return sum(self.counts.values())

    def percentile(self, percent: float) -> float:
        """Return the value that so many percent are not above, as if each class were evenly filled."""
        wanted, seen = self.count * percent / 100, 0
        for place in sorted(self.counts):
            number = self.counts[place]
            if seen + number >= wanted:
                low, high = self._edges(place)
                return low + (high - low) * max(0.0, wanted - seen) / number
            seen += number
        return 0.0

    def message(self) -> Message:
        """Return it as the API shows it."""
        count = self.count
        mean = self.total / count if count else 0.0
        shown = Distribution(count=count, mean=mean)
        shown.sum_of_squared_deviation = max(0.0, self.squares - count * mean * mean)
        self.classes.write(shown.bucket_options)
        shown.bucket_counts.extend(self.counts.get(place, 0) for place in range(max(self.counts, default=-1) + 1))
        return shown

    def _edges(self, place: int) -> tuple[float, float]:
        low = 0.0 if place == 0 else self.classes.edge(place - 1)
        return low, low if place > self.classes.classes else self.classes.edge(place)


def merged(spreads: Iterable[Spread]) -> Spread:
    """Return all values of several distributions with the same classes; there must be one at least."""
    first, *others = spreads
    both = Spread(first.classes, dict(first.counts), first.total, first.squares)
    for other in others:
        both.total += other.total
        both.squares += other.squares
        for place, number in other.counts.items():
            both.counts[place] = both.counts.get(place, 0) + number
    return both


def spread(classes: Classes, values: Iterable[float]) -> Spread:
    """Return the distribution of values."""
    made = Spread(classes)
    for value in values:
        made.add(value)
    return made
