"""Where in the touched product sources something is new, or gone, apart from what only moved."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from untilgreen.review.fixes.change import Change
from untilgreen.ssot.syntax import Function, parsed

Seek = Callable[[ast.AST], Iterator[tuple[str, str]]]
"""Names what a node is: its sort, and its text."""


@dataclass(frozen=True)
class Place:
    """Something of a sort that is looked for."""

    path: str
    line: int
    scope: str
    """Function and class around it, without the module: it may have moved to another one."""
    sort: str
    text: str

    @property
    def where(self) -> str:
        """Return `path:line`."""
        return f"{self.path}:{self.line}"


@lru_cache(maxsize=256)
def scoped(module: ast.Module) -> tuple[tuple[str, ast.AST], ...]:
    """Return all nodes in their order, each with the names of the functions and classes around it."""
    found: list[tuple[str, ast.AST]] = []
    waiting: list[tuple[str, ast.AST]] = [("", module)]
    while waiting:
        scope, node = waiting.pop()
        found.append((scope, node))
        inner = f"{scope}.{node.name}".lstrip(".") if isinstance(node, Function | ast.ClassDef) else scope
        waiting += [(inner, child) for child in reversed(list(ast.iter_child_nodes(node)))]
    return tuple(found)


def new_places(change: Change, seek: Seek, *, edits: bool = False) -> list[Place]:
    """Return what is there with the fix and was not without it, letter by letter.

    Args:
        change: both trees.
        seek: what to look for.
        edits: whether what only reads otherwise, in the same function, is new as well.
    """
    old, new = (_found(change, tree, seek) for tree in (change.before, change.after))
    fresh, gone = _without(new, old), _without(old, new)
    edited = Counter() if edits else Counter((p.sort, p.scope) for p in gone)
    return [p for p in fresh if not _taken(edited, (p.sort, p.scope))]


def lost_places(change: Change, seek: Seek) -> list[Place]:
    """Return what was there without the fix and is not with it, letter by letter."""
    return _without(_found(change, change.before, seek), _found(change, change.after, seek))


def modules(change: Change, tree: Mapping[str, str]) -> Iterator[tuple[str, ast.Module]]:
    """Go through the touched product sources of a tree that parse in both; a rule of its own tells of others."""
    for path in change.touched:
        if path.endswith(".py") and not change.is_test(path):
            both = [parsed(side.get(path, "")) for side in (change.before, change.after)]
            module = parsed(tree.get(path, ""))
            if isinstance(module, ast.Module) and all(isinstance(one, ast.Module) for one in both):
                yield path, module


def _found(change: Change, tree: Mapping[str, str], seek: Seek) -> list[Place]:
    return [
        Place(path, getattr(node, "lineno", 1), scope, sort, text)
        for path, module in modules(change, tree)
        for scope, node in scoped(module)
        for sort, text in seek(node)
    ]


def _without(mine: list[Place], others: list[Place]) -> list[Place]:
    """Leave out what the others have, too, wherever it stands there: it was moved."""
    kept = Counter((p.sort, p.text) for p in others)
    return [p for p in mine if not _taken(kept, (p.sort, p.text))]


def _taken(stock: Counter[tuple[str, str]], key: tuple[str, str]) -> bool:
    if stock[key] <= 0:
        return False
    stock[key] -= 1
    return True
