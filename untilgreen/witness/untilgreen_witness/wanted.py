"""Which of the collected tests are run, and which of them first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate
from typing import Any

from .order import clip

SHARED = ("class", "module", "package")
"""Scopes of fixtures that neighbours share, and that are made again when the neighbours are torn apart."""


def kept(items: Sequence[Any], only: Iterable[str], select: Sequence[str]) -> list[Any]:
    """Return the tests of an order.

    Args:
        items: all that were collected.
        only: node ids; empty for all.
        select: patterns of node ids, as in fnmatch; empty for all. A node id also stands for itself: the brackets of
            a parameter are none of a pattern.
    """
    named, chosen = set(only), set(select)
    pattern = re.compile("|".join(map(translate, select))) if select else None
    return [
        item
        for item in items
        if (not named or clip(item.nodeid) in named)
        and (pattern is None or clip(item.nodeid) in chosen or pattern.match(clip(item.nodeid)))
    ]


def arranged(items: Sequence[Any], first: Sequence[str]) -> tuple[list[Any], int]:
    """Put some tests first, and leave together what shares fixtures.

    Args:
        items: in pytest's own order, which makes no shared fixture twice.
        first: node ids, the most wanted one first.

    Returns:
        The tests, and how many at their beginning share nothing with their neighbours.
    """
    rank = {nodeid: number for number, nodeid in reversed(list(enumerate(first)))}
    wanted = {id(item): rank[name] for item in items if (name := clip(item.nodeid)) in rank}
    if not wanted:
        return list(items), 0
    modules: dict[str, list[Any]] = {}
    for item in items:
        modules.setdefault(item.nodeid.split("::", 1)[0], []).append(item)
    loose: list[Any] = []
    bound: list[list[Any]] = []
    rest: list[Any] = []
    for module in modules.values():
        early = [item for item in module if id(item) in wanted]
        if not early:
            rest += module
        elif any(shares(item, SHARED) for item in module):
            bound.append(module if any(shares(item, ("class",)) for item in module) else _early_first(module, wanted))
        else:
            loose += early
            rest += [item for item in module if id(item) not in wanted]
    loose.sort(key=lambda item: wanted[id(item)])
    bound.sort(key=lambda module: min(wanted[id(item)] for item in module if id(item) in wanted))
    return [*loose, *(item for module in bound for item in module), *rest], len(loose)


def shares(item: Any, scopes: Sequence[str]) -> bool:
    """Tell whether a test uses a fixture of one of these scopes, or a parameter that its neighbours have too."""
    fixtures = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    widest = [definitions[-1].scope for definitions in fixtures.values() if definitions]
    parameters = getattr(getattr(item, "callspec", None), "_arg2scope", {}).values()
    return any(scope in scopes for scope in widest) or any(_name(scope) != "function" for scope in parameters)


def _name(scope: Any) -> str:
    return str(getattr(scope, "value", scope))


def _early_first(module: list[Any], wanted: dict[int, int]) -> list[Any]:
    return sorted(module, key=lambda item: wanted.get(id(item), len(wanted) + max(wanted.values())))
