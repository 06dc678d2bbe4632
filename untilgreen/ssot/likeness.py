"""How alike two functions are, and which of a tree's functions is most like one."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from untilgreen.ssot.shape import Shape

SAME = 0.8
"""Dice from which a function is a copy."""
VARIANT = 0.9
"""The same for methods of one name in different classes: a protocol makes them look alike."""
ALIKE = 0.5
ALIKE_WEIGHT = 25
CONTAINED = 0.7
CONTAINED_WEIGHT = 40
"""Thresholds on shared weight keep small functions out: getters are all alike."""
ALIKE_PIECES = 8
CONTAINED_PIECES = 12
"""The same in pieces as rare as can be: in a large tree everything weighs more."""
_STATEMENTS = 4
_FEATURES = 8
_COMMON = 60
"""A feature that more functions share tells none of them apart."""
_CANDIDATES = 40
_TURNED = 6
"""One condition in so many that stands the other way round halves the likeness."""
_REPLACED = 2.0
"""Times the share of what is called that something else is called instead of."""
_EDITED = 0.1
"""Such a share is an edit of a copy, and no other purpose."""
_LEAST = 0.25


@dataclass(frozen=True)
class Likeness:
    """How alike two functions are."""

    other: Shape
    dice: float
    containment: float
    """Share of the other function that is found again."""
    weight: float
    """Of what both share; rare pieces weigh more."""
    pieces: float
    """The weight, counted in pieces that no third function has."""
    variants: bool = False
    """Whether both are methods of one name in different classes, and so may be meant to look alike."""

    @property
    def notable(self) -> bool:
        """Tell whether it is worth a finding."""
        if self.variants:
            return self.dice >= VARIANT and self.weight >= ALIKE_WEIGHT
        alike = self.dice >= ALIKE and self.weight >= ALIKE_WEIGHT and self.pieces >= ALIKE_PIECES
        holds = self.weight >= CONTAINED_WEIGHT and self.pieces >= CONTAINED_PIECES
        return alike or (self.containment >= CONTAINED and holds)

    @property
    def copied(self) -> bool:
        """Tell whether it is so much alike that nobody need be asked."""
        return self.notable and self.dice >= SAME


class Index:
    """All functions of a tree, searchable by likeness."""

    def __init__(self, functions: Sequence[Shape]) -> None:
        self.functions = [shape for shape in functions if tells_apart(shape)]
        self._frequency: Counter[int] = Counter()
        for shape in functions:
            self._frequency.update(shape.features.keys())
        self._total = len(functions)
        self._rarest = math.log(1 + self._total / 2) or 1.0
        self._holders: dict[int, list[Shape]] = defaultdict(list)
        for shape in self.functions:
            for feature in shape.features:
                self._holders[feature].append(shape)

    def compare(self, one: Shape, other: Shape) -> Likeness:
        """Say how alike two functions are; dice is the same both ways round."""
        shared = self._weight(one.features & other.features)
        if not shared:
            return Likeness(other, 0.0, 0.0, 0.0, 0.0)
        mine, theirs = self._weight(one.features), self._weight(other.features)
        same = sameness(one, other)
        dice, containment = same * 2 * shared / (mine + theirs), same * shared / theirs
        return Likeness(other, dice, containment, shared, shared / self._rarest, _variants(one, other))

    def closest(self, shape: Shape) -> Likeness | None:
        """Return the function most like this one, apart from itself and what lies around or inside it."""
        counts: Counter[Shape] = Counter()
        for feature in shape.features:
            holders = self._holders.get(feature, [])
            counts.update(holders if len(holders) <= _COMMON else [])
        likely = (other for other, _ in counts.most_common(_CANDIDATES))
        others = [other for other in likely if not other.overlaps(shape) and other.callable]
        found = [likeness for other in others if (likeness := self.compare(shape, other)).notable]
        return max(found, key=lambda likeness: likeness.dice, default=None)

    def _weight(self, features: Counter[int]) -> float:
        return sum(count * self._rarity(feature) for feature, count in features.items())

    def _rarity(self, feature: int) -> float:
        return math.log(1 + self._total / (1 + self._frequency[feature]))


def _variants(one: Shape, other: Shape) -> bool:
    (mine, name), (theirs, same) = (shape.name.rpartition(".")[::2] for shape in (one, other))
    return name == same and bool(mine and theirs) and (one.path, mine) != (other.path, theirs)


def tells_apart(shape: Shape) -> bool:
    """Tell whether a function has enough in it to be told from others."""
    return shape.statements >= _STATEMENTS and len(shape.features) >= _FEATURES


def sameness(one: Shape, other: Shape) -> float:
    """Return how far two functions go the same way round, from `_LEAST` to 1, whatever pieces they share."""
    shared = one.turns.keys() & other.turns.keys()
    turned = sum(not one.turns[place] & other.turns[place] for place in shared)
    ways = 1 - 0.5 * min(1.0, _TURNED * turned / len(shared)) if shared else 1.0
    replaced = max(0.0, _replaced(one.calls, other.calls) - _EDITED)
    return max(_LEAST, ways * (1 - min(1.0, _REPLACED * replaced)))


def _replaced(mine: Mapping[int, frozenset[str]], theirs: Mapping[int, frozenset[str]]) -> float:
    """Return the share of called names in whose places the other one calls what this one never does."""
    my_names, their_names = frozenset[str]().union(*mine.values()), frozenset[str]().union(*theirs.values())
    gone: set[str] = set()
    come: set[str] = set()
    for place in mine.keys() & theirs.keys():
        lost, gained = mine[place] - their_names, theirs[place] - my_names
        if lost and gained:
            gone |= lost
            come |= gained
    return min(len(gone), len(come)) / min(len(my_names), len(their_names)) if gone else 0.0
