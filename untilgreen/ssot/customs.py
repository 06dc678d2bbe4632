"""Customs of a code base: which function most call sites go through, and who goes past it."""

from __future__ import annotations

import ast
import builtins
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from untilgreen.ssot.modules import Code
from untilgreen.ssot.names import identity, last
from untilgreen.ssot.scopes import Chain, Scope, scopes
from untilgreen.ssot.syntax import walk

_CONTAINERS = frozenset(
    name for kind in (str, bytes, list, dict, set, tuple) for name in dir(kind) if not name.startswith("_")
)
"""Methods that every program calls on every sort of value: what they are given tells nothing."""


@dataclass
class Custom:
    """What one sink is given, by who made it.

    Args:
        makers: function of the repository -> places where it makes the argument.
        others: places where something else does.
    """

    makers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    others: list[str] = field(default_factory=list)


@dataclass
class Customs:
    """All of them.

    Args:
        sinks: what is called, as the registry would name it -> what it is given.
        callers: what is called -> places.
        wraps: function of the repository -> calls from outside that it gives its parameters to.
    """

    sinks: dict[str, Custom] = field(default_factory=lambda: defaultdict(Custom))
    callers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    wraps: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def customs(code: Code) -> Customs:
    """Read every call of the product once."""
    found = Customs()
    for path in sorted(code.texts):
        module = code.module(path)
        for scope in scopes(module) if module else ():
            for expression, chain in scope.expressions:
                for node in walk(expression):
                    if isinstance(node, ast.Call):
                        _note(code, found, scope, node, chain)
    return found


def _note(code: Code, found: Customs, scope: Scope, call: ast.Call, chain: Chain) -> None:
    function, place = identity(code, scope, call.func), f"{scope.module.path}:{call.lineno}"
    found.callers[function].append(place)
    sink = last(function) if function.startswith("*.") else function
    arguments = [_maker(code, scope, value, chain) for value in call.args]
    if sink and sink not in _CONTAINERS and not hasattr(builtins, sink) and not _is_class(code, sink):
        makers = [maker for maker in arguments if maker and _own(code, maker) and maker != scope.identity]
        if makers:
            found.sinks[sink].makers[makers[0]].append(place)
        elif any(maker != "=" for maker in arguments):
            found.sinks[sink].others.append(place)
    if scope.node and "." in function and ":" not in function and not function.startswith("*"):
        given = {value.id for value in call.args if isinstance(value, ast.Name)}
        if given & scope.accepts:
            found.wraps[scope.identity][function] += 1


def _maker(code: Code, scope: Scope, value: ast.expr, chain: Chain) -> str:
    """Return the function that made an argument; `=` for a literal, empty for anything else."""
    if isinstance(value, ast.Await | ast.Starred):
        return _maker(code, scope, value.value, chain)
    if isinstance(value, ast.Constant):
        return "="
    if isinstance(value, ast.Name):
        newest = next(scope.reaching(value.id, value.lineno, chain), None)
        made = newest.value if newest and not newest.element else None
        return _maker(code, scope, made, newest.chain) if isinstance(made, ast.Call) and newest else ""
    return identity(code, scope, value.func) if isinstance(value, ast.Call) else ""


def _own(code: Code, function: str) -> bool:
    path, _, symbol = function.rpartition(":")
    module = code.module(path) if path.endswith(".py") else None
    return bool(module and symbol in module.functions)


def _is_class(code: Code, function: str) -> bool:
    path, _, symbol = function.rpartition(":")
    module = code.module(path) if path.endswith(".py") else None
    return bool(module and symbol in module.classes)


def places_of(code: Code, function: str) -> Iterator[str]:
    """Give where a function of the repository is defined."""
    path, _, symbol = function.rpartition(":")
    module = code.module(path)
    if module and symbol in module.functions:
        yield f"{path}:{module.functions[symbol].lineno}"
