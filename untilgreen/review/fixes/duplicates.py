"""Finds functions that a fix adds though the tree has them already.

The tree after the fix is searched, so moving a function or drawing one out of two is no duplicate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, ask, stop
from untilgreen.ssot.index import Functions, functions
from untilgreen.ssot.likeness import Index, Likeness, tells_apart
from untilgreen.ssot.shape import Shape

_OLD = 0.6
"""Share of a likeness that an edit found already there."""


def duplicates(change: Change) -> Iterator[Finding]:
    """No function that it adds or changes repeats one that the tree has."""
    before, after = _both(change)
    new = new_functions(before, after.shapes)
    for path in after.unreadable if new else ():
        yield ask("duplicate", f"{path} cannot be parsed, so nobody can tell whether it has such a function", path)
    index, old = Index(after.shapes if new else ()), {(shape.path, shape.name): shape for shape in before}
    found: list[Shape] = []
    pairs: set[tuple[Shape, Shape]] = set()
    for shape in new:
        likeness = index.closest(shape)
        if likeness is None or (likeness.other, shape) in pairs or any(shape.overlaps(outer) for outer in found):
            continue
        if not _was_alike(index, old, shape, likeness):
            found.append(shape)
            pairs.add((shape, likeness.other))
            yield _finding(shape, likeness)


def _both(change: Change) -> tuple[list[Shape], Functions]:
    """Return the functions without and with the fix; what it leaves alone is read once."""
    left, right = change.product_python(change.before), change.product_python(change.after)
    after = functions(right, change.store)
    changed = {path: text for path, text in left.items() if right.get(path) != text}
    same = [shape for shape in after.shapes if left.get(shape.path) == right[shape.path]]
    return [*same, *functions(changed, change.store).shapes], after


def new_functions(before: Sequence[Shape], after: Sequence[Shape]) -> list[Shape]:
    """Return the functions that do what none did before: a moved or renamed one is not new, a second one is."""
    known = Counter(_content(shape) for shape in before)
    places = {(shape.path, shape.name) for shape in before}
    new: list[Shape] = []
    for shape in sorted(after, key=lambda shape: (shape.path, shape.name) not in places):
        content = _content(shape)
        known[content] -= 1
        if known[content] < 0 and tells_apart(shape):
            new.append(shape)
    return sorted(new, key=lambda shape: (shape.path, shape.line))


def _content(shape: Shape) -> frozenset[tuple[int, int]]:
    return frozenset(shape.features.items())


def _was_alike(index: Index, old: Mapping[tuple[str, str], Shape], shape: Shape, likeness: Likeness) -> bool:
    """Tell whether most of what both share was there before: then the edit is not where the copy comes from."""
    mine = old.get((shape.path, shape.name))
    other = old.get((likeness.other.path, likeness.other.name), likeness.other)
    return mine is not None and index.compare(mine, other).weight >= _OLD * likeness.weight


def _finding(shape: Shape, likeness: Likeness) -> Finding:
    message = f"{shape.where} repeats {likeness.other.where} ({likeness.dice:.0%} alike); call that one instead"
    finding = stop if likeness.copied else ask
    return finding("duplicate", message, likeness.other.where, shape.where)
