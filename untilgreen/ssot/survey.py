"""What of a tree deviates from a registry, and what a fix changed about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from untilgreen.settings.ssot import Registry
from untilgreen.ssot.deviation import Deviation, Subject, Survey
from untilgreen.ssot.homes import second_constants, second_readers
from untilgreen.ssot.modules import Code
from untilgreen.ssot.primitives import used_primitives
from untilgreen.ssot.sinks import at_sinks

Rule = Callable[[Subject], Iterator[Deviation | tuple[str, str]]]

RULES: tuple[Rule, ...] = (at_sinks, used_primitives, second_constants, second_readers)
"""Each gives deviations, and for each place that does it right the class that it belongs to."""


def survey(registry: Registry, code: Code, contexts: tuple[str, ...] = ()) -> Survey:
    """Hold a tree against a registry. No score comes of it: only places.

    Args:
        registry: what is declared.
        code: the product.
        contexts: the folders that are deployed apart: a canonical function is for those who can import it.
    """
    deviations: dict[tuple[str, str, int, str], Deviation] = {}
    conforming: Counter[tuple[str, str]] = Counter()
    for rule in RULES:
        for found in rule(Subject(registry, code, contexts)):
            if isinstance(found, Deviation):
                deviations.setdefault((found.sort, found.entry, found.line, found.path), found)
            else:
                conforming[found] += 1
    ordered = sorted(deviations.values(), key=lambda d: (d.sort, d.entry, d.path, d.line))
    return Survey(tuple(ordered), dict(conforming))


@dataclass(frozen=True)
class Difference:
    """What a fix changed.

    Args:
        new: not there without it.
        edited: there without it, worded otherwise with it.
        gone: there without it.
        old: untouched.
    """

    new: tuple[Deviation, ...]
    edited: tuple[Deviation, ...]
    gone: tuple[Deviation, ...]
    old: tuple[Deviation, ...]


def difference(before: Survey, after: Survey) -> Difference:
    """Tell what is a fix's own from what it found: a place that moved is the same place."""
    left, right = list(before.deviations), list(after.deviations)
    old = _paired(left, right, lambda d: (*d.class_, d.path, d.function, d.text, d.what))
    old += _paired(left, right, lambda d: (*d.class_, d.text, d.what))
    edited = _paired(left, right, lambda d: (*d.class_, d.path, d.function))
    return Difference(tuple(right), tuple(edited), tuple(left), tuple(old))


def _paired(
    left: list[Deviation], right: list[Deviation], key: Callable[[Deviation], tuple[str, ...]]
) -> list[Deviation]:
    """Take what has the same key out of both lists, and return the right-hand ones."""
    spare = Counter(key(one) for one in left)
    taken: list[Deviation] = []
    for one in list(right):
        if spare[key(one)]:
            spare[key(one)] -= 1
            taken.append(one)
            right.remove(one)
    used = Counter(key(one) for one in taken)
    for one in list(left):
        if used[key(one)]:
            used[key(one)] -= 1
            left.remove(one)
    return taken
