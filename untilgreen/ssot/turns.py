"""Which way round a function does things: what tells it from one that looks the same and does the opposite.

`min` and `max`, `start` and `stop`, encode and decode share nearly all their pieces. They differ in turns: the same
thing is done under the opposite condition, with the opposite operator, or by calling something else at every place.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from untilgreen.ssot.syntax import Function, walk

INVERSE = {"Add": "+-", "Sub": "+-", "Mult": "*/", "Div": "*/", "FloorDiv": "*/", "LShift": "<<>>", "RShift": "<<>>"}
"""Operator -> the family in which it has an opposite."""
_LESS = {ast.Lt: True, ast.LtE: True, ast.Gt: False, ast.GtE: False}
"""Whether the left side is the smaller one. Where equal ones go is a detail and no opposite."""
_EQUAL = {ast.Eq: True, ast.NotEq: False, ast.In: True, ast.NotIn: False, ast.Is: True, ast.IsNot: False}
_BINDING = frozenset({ast.For, ast.AsyncFor, ast.comprehension})
_MARK = {ast.Eq: "==", ast.NotEq: "==", ast.In: "in", ast.NotIn: "in", ast.Is: "is", ast.IsNot: "is"}


@dataclass(frozen=True)
class Guard:
    """A condition under which something runs.

    Args:
        about: what is compared, whichever way round.
        way: which way round.
    """

    about: str
    way: str


def guards_of(
    test: ast.expr, text: Callable[[ast.expr], str], roles: Mapping[str, str], *, holds: bool
) -> Iterator[Guard]:
    """Go through the single conditions of a test.

    Args:
        test: what an `if` or a `while` asks.
        text: an expression's normal form, in which all locals are one mark.
        roles: local name -> how it gets its values; tells the two sides of a comparison apart.
        holds: False where the test is known not to hold.
    """
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from guards_of(test.operand, text, roles, holds=not holds)
    elif isinstance(test, ast.BoolOp):
        for value in test.values:
            yield from guards_of(value, text, roles, holds=holds)
    elif isinstance(test, ast.Compare) and len(test.ops) == 1:
        yield from _compared(test, (_told(test.left, text, roles), _told(test.comparators[0], text, roles)), holds)
    else:
        yield Guard(_told(test, text, roles), "yes" if holds else "no")


def _told(node: ast.expr, text: Callable[[ast.expr], str], roles: Mapping[str, str]) -> str:
    names = sorted(roles[part.id] for part in walk(node) if isinstance(part, ast.Name) and part.id in roles)
    return f"{text(node)}:{''.join(names)}"


def _compared(test: ast.Compare, sides: tuple[str, str], holds: bool) -> Iterator[Guard]:
    left, right = sides
    kind = type(test.ops[0])
    if kind in _LESS and left != right:
        smaller = _LESS[kind] == holds
        yield Guard(f"{min(sides)} <> {max(sides)}", "less" if smaller == (left < right) else "more")
    elif kind in _EQUAL:
        yield Guard(f"{min(sides)} {_MARK[kind]} {max(sides)}", "yes" if _EQUAL[kind] == holds else "no")


def jumps(body: list[ast.stmt]) -> bool:
    """Tell whether a block leaves where it stands, so that what follows runs only without it."""
    return bool(body) and isinstance(body[-1], ast.Continue | ast.Break | ast.Return | ast.Raise)


def local_names(function: Function) -> dict[str, str]:
    """Return the names that a function gives itself, and how: `p` by its callers, `i` by a loop, `v` otherwise.

    `self` stays out: what a function calls on itself tells it from others.
    """
    roles: dict[str, str] = {}
    for node in walk(function):
        kind = type(node)
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                roles.setdefault(node.id, "v")
        elif isinstance(node, ast.arg):
            roles[node.arg] = "p"
        elif kind in _BINDING:
            roles |= {part.id: "i" for part in walk(node.target) if isinstance(part, ast.Name)}  # type: ignore[attr-defined]  # all in _BINDING have one
        elif isinstance(node, ast.ExceptHandler) and node.name:
            roles.setdefault(node.name, "v")
    roles.pop("self", None)
    roles.pop("cls", None)
    return roles
