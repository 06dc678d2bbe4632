"""Finds functions that a fix adds though the tree has them already.

The tree after the fix is searched, so moving a function or drawing one out of two is no duplicate.
"""

from __future__ import annotations

import ast
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, ask, stop
from untilgreen.review.fixes.shape import Shape, shapes
from untilgreen.ssot.syntax import Unreadable, parsed

SAME = 0.8
"""Dice from which a function is a copy."""
ALIKE = 0.5
ALIKE_WEIGHT = 25
CONTAINED = 0.7
CONTAINED_WEIGHT = 40
"""Thresholds on shared weight keep small functions out: getters are all alike."""
_STATEMENTS = 4
_FEATURES = 8
_COMMON = 60
"""A feature that more functions share tells none of them apart."""
_CANDIDATES = 40


@dataclass(frozen=True)
class Likeness:
    """How alike two functions are."""

    other: Shape
    dice: float
    containment: float
    """Share of the other function that is found again."""
    weight: float
    """Of what both share; rare pieces weigh more."""

    @property
    def notable(self) -> bool:
        """Tell whether it is worth a finding."""
        alike = self.dice >= ALIKE and self.weight >= ALIKE_WEIGHT
        return alike or (self.containment >= CONTAINED and self.weight >= CONTAINED_WEIGHT)


class Index:
    """All functions of a tree, searchable by likeness."""

    def __init__(self, functions: list[Shape]) -> None:
        self.functions = [shape for shape in functions if _tells_apart(shape)]
        self._frequency = Counter(feature for shape in functions for feature in shape.features)
        self._total = len(functions)
        self._holders: dict[str, list[Shape]] = defaultdict(list)
        for shape in self.functions:
            for feature in shape.features:
                self._holders[feature].append(shape)

    def compare(self, one: Shape, other: Shape) -> Likeness:
        """Say how alike two functions are; dice is the same both ways round."""
        shared = self._weight(one.features & other.features)
        mine, theirs = self._weight(one.features), self._weight(other.features)
        dice = 2 * shared / (mine + theirs) if shared else 0.0
        return Likeness(other, dice, shared / theirs if shared else 0.0, shared)

    def closest(self, shape: Shape) -> Likeness | None:
        """Return the function most like this one, apart from itself and what lies around or inside it."""
        counts: Counter[Shape] = Counter()
        for feature in shape.features:
            holders = self._holders.get(feature, [])
            counts.update(holders if len(holders) <= _COMMON else [])
        others = [other for other, _ in counts.most_common(_CANDIDATES) if not other.overlaps(shape)]
        found = [likeness for other in others if (likeness := self.compare(shape, other)).notable]
        return max(found, key=lambda likeness: likeness.dice, default=None)

    def _weight(self, features: Counter[str]) -> float:
        return sum(count * self._rarity(feature) for feature, count in features.items())

    def _rarity(self, feature: str) -> float:
        return math.log(1 + self._total / (1 + self._frequency[feature]))


def _tells_apart(shape: Shape) -> bool:
    return shape.statements >= _STATEMENTS and len(shape.features) >= _FEATURES


def duplicates(change: Change) -> Iterator[Finding]:
    """No function that it adds or changes repeats one that the tree has."""
    before, _ = _read(change.product_python(change.before))
    after, unread = _read(change.product_python(change.after))
    new = _new(before, after)
    for path in unread if new else ():
        yield ask("duplicate", f"{path} cannot be parsed, so nobody can tell whether it has such a function", path)
    index, old = Index(after), {(shape.path, shape.name): shape for shape in before}
    found: list[Shape] = []
    for shape in new:
        likeness = index.closest(shape)
        within = any(shape.overlaps(outer) for outer in found)
        if likeness and not within and not _was_alike(index, old, shape, likeness):
            found.append(shape)
            yield _finding(shape, likeness)


def _read(files: Mapping[str, str]) -> tuple[list[Shape], list[str]]:
    """Return all functions of these files, and the files that have no syntax tree."""
    functions: list[Shape] = []
    unread: list[str] = []
    for path, text in sorted(files.items()):
        module = parsed(text)
        if isinstance(module, ast.Module):
            functions += shapes(module, path)
        elif isinstance(module, Unreadable):
            unread.append(path)
    return functions, unread


def _new(before: list[Shape], after: list[Shape]) -> list[Shape]:
    """Return the functions that do what none did before: a moved or renamed one is not new."""
    known = {_content(shape) for shape in before}
    return [shape for shape in after if _content(shape) not in known and _tells_apart(shape)]


def _content(shape: Shape) -> frozenset[tuple[str, int]]:
    return frozenset(shape.features.items())


def _was_alike(index: Index, old: Mapping[tuple[str, str], Shape], shape: Shape, likeness: Likeness) -> bool:
    """Tell whether both were about as alike before: an edit in an old copy is not where the copy comes from."""
    mine = old.get((shape.path, shape.name))
    theirs = old.get((likeness.other.path, likeness.other.name))
    return bool(mine and theirs and index.compare(mine, theirs).dice >= likeness.dice)


def _finding(shape: Shape, likeness: Likeness) -> Finding:
    message = f"{shape.where} repeats {likeness.other.where} ({likeness.dice:.0%} alike); call that one instead"
    finding = stop if likeness.dice >= SAME else ask
    return finding("duplicate", message, likeness.other.where, shape.where)
