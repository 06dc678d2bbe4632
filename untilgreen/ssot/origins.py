"""Where a value comes from: the canonical function, a literal, a parameter, or something else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from untilgreen.ssot.modules import Code
from untilgreen.ssot.names import identity
from untilgreen.ssot.scopes import Assigned, Chain, Scope, scopes

_DEEP = 12
_SHOWN = 60
_KEEPING = frozenset({"str", "bytes", "list", "tuple", "map"})
"""Builtins that hand on what they are given."""


class Kind(StrEnum):
    """What a value is."""

    CANONICAL = "canonical"
    LITERAL = "literal"
    PARAMETER = "parameter"  # whoever calls decides
    OTHER = "other"  # surely something else
    UNKNOWN = "unknown"  # nobody can say from the source alone


@dataclass(frozen=True)
class Origin:
    """One place that a value may come from."""

    kind: Kind
    what: str = ""
    """The parameter's name, or the expression in the source's words."""


@dataclass(frozen=True)
class Origins:
    """Finds origins with regard to one canonical function."""

    code: Code
    canonical: str

    def of(self, scope: Scope, node: ast.expr, chain: Chain, depth: int = _DEEP) -> frozenset[Origin]:
        """Return every origin that an expression's value may have."""
        return frozenset(self._of(scope, node, chain, depth)) if depth else frozenset({_unknown(node)})

    def _of(self, scope: Scope, node: ast.expr, chain: Chain, depth: int) -> Iterator[Origin]:
        match node:
            case ast.Constant():
                yield Origin(Kind.LITERAL)
            case ast.Name():
                yield from self._name(scope, node, chain, depth)
            case ast.Call():
                yield from self._call(scope, node, chain, depth)
            case ast.Attribute():
                yield from self._attribute(scope, node, depth)
            case ast.Dict() if all(key is None or isinstance(key, ast.Constant) for key in node.keys):
                yield from self._all(scope, node, node.values, chain, depth)
            case ast.Lambda() | ast.Dict() | ast.Compare():
                yield _other(node)
            case _:
                yield from self._all(scope, node, _inner(node), chain, depth)

    def _all(self, scope: Scope, node: ast.expr, parts: list[ast.expr], chain: Chain, depth: int) -> Iterator[Origin]:
        """A whole is canonical when all its parts are, but for literals; a display of anything else is its own."""
        found = {origin for part in parts for origin in self.of(scope, part, chain, depth - 1)}
        display = isinstance(node, ast.Dict | ast.List | ast.Tuple | ast.Set)
        whole = display or isinstance(node, ast.JoinedStr | ast.BinOp)
        foreign = {origin for origin in found if origin.kind not in {Kind.CANONICAL, Kind.LITERAL}}
        if whole and foreign:
            yield from [_other(node)] if display or Kind.OTHER in {o.kind for o in foreign} else foreign
        elif Origin(Kind.CANONICAL) in found and whole:
            yield Origin(Kind.CANONICAL)
        else:
            yield from found or {Origin(Kind.LITERAL)}

    def _name(self, scope: Scope, node: ast.Name, chain: Chain, depth: int) -> Iterator[Origin]:
        inner: Scope | None = scope
        at, within = node.lineno, chain
        while inner is not None:
            found = list(inner.reaching(node.id, at, within))
            for one in found:
                yield from self._assigned(inner, one, depth)
            sure = found and found[-1].chain == within[: len(found[-1].chain)] and not found[-1].adds
            if not sure and node.id in inner.accepts:
                yield Origin(Kind.PARAMETER, node.id) if inner is scope else _unknown(node)
            if found or node.id in inner.accepts:
                return
            at, within = 10**9, ()
            inner = inner.outer
        yield from self._imported(scope, node, depth)

    def _imported(self, scope: Scope, node: ast.expr, depth: int) -> Iterator[Origin]:
        path, _, symbol = identity(self.code, scope, node).rpartition(":")
        module = self.code.module(path) if path.endswith(".py") else None
        values = module.values.get(symbol, []) if module else []
        if module and values:
            top = scopes(module)[0]
            for value in values:
                yield from self.of(top, value, (), depth - 1)
        else:
            yield _unknown(node)

    def _assigned(self, scope: Scope, one: Assigned, depth: int) -> Iterator[Origin]:
        if one.value is None:
            yield Origin(Kind.UNKNOWN, f"line {one.line}")
        elif one.element and isinstance(one.value, ast.ListComp | ast.SetComp | ast.GeneratorExp):
            yield from self.of(scope, one.value.elt, one.chain, depth - 1)
        elif one.element and isinstance(one.value, ast.Call):
            made = self.of(scope, one.value, one.chain, depth - 1)
            # An element of what some other function gives may be anything.
            yield from ({o for o in made if o.kind is not Kind.OTHER} or {_unknown(one.value)})
        else:
            yield from self.of(scope, one.value, one.chain, depth - 1)

    def _attribute(self, scope: Scope, node: ast.Attribute, depth: int) -> Iterator[Origin]:
        """`self.x` is what the class assigns to it; of other objects nobody knows."""
        owner = scope
        while not owner.owner and owner.outer:
            owner = owner.outer
        own = isinstance(node.value, ast.Name) and node.value.id == "self"
        values = scope.module.values.get(f"{owner.owner}.{node.attr}", []) if own and owner.owner else []
        if not values:
            yield from self._imported(scope, node, depth)
        for value in values:
            home = next((s for s in scopes(scope.module) if s.owner == owner.owner and _holds(s, value)), owner)
            found = self.of(home, value, (), depth - 1)
            yield from (_unknown(node) if o.kind is Kind.PARAMETER else o for o in found)

    def _call(self, scope: Scope, node: ast.Call, chain: Chain, depth: int) -> Iterator[Origin]:
        function = identity(self.code, scope, node.func)
        if function == self.canonical:
            yield Origin(Kind.CANONICAL)
            return
        if isinstance(node.func, ast.Attribute):
            held = self.of(scope, node.func.value, chain, depth - 1)
            if held == {Origin(Kind.CANONICAL)}:
                yield from held  # `safe(x).encode()`: what is called on a value does not make it
                return
        if function in _KEEPING and node.args and not node.keywords:
            mapped = function == "map" and identity(self.code, scope, node.args[0]) == self.canonical
            if mapped:
                yield Origin(Kind.CANONICAL)
            else:
                yield from self.of(scope, node.args[-1], chain, depth - 1)
            return
        yield from self._result(scope, node, function, depth)

    def _result(self, scope: Scope, node: ast.Call, function: str, depth: int) -> Iterator[Origin]:
        """What a function of the repository returns; a parameter that it hands on is what it was called with."""
        called = self.scope_of(function)
        if called is None or not called.returned:
            yield _other(node)
            return
        for value, chain in called.returned:
            for origin in self.of(called, value, chain, depth - 1):
                if origin.kind is not Kind.PARAMETER:
                    yield origin if origin.kind is not Kind.OTHER else _other(node)
                elif passed := argument(called, node, origin.what):
                    yield from self.of(scope, passed, (), depth - 1)
                else:
                    yield _unknown(node)

    def scope_of(self, function: str) -> Scope | None:
        """Return the body of a function of the repository."""
        path, _, symbol = function.rpartition(":")
        module = self.code.module(path) if path.endswith(".py") else None
        return next((s for s in scopes(module) if s.name == symbol and s.node), None) if module else None


def argument(called: Scope, call: ast.Call, name: str) -> ast.expr | None:
    """Return what a call passes for a parameter; None when it passes nothing that can be seen."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if name not in called.parameters:
        return None
    position = called.parameters.index(name)
    plain = call.args[: position + 1]
    if len(plain) <= position or any(isinstance(argument, ast.Starred) for argument in plain):
        return None
    return plain[position]


def _inner(node: ast.expr) -> list[ast.expr]:  # noqa: PLR0911 - a table of Python's expressions
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.NamedExpr(value=value) | ast.Await(value=value) | ast.Starred(value=value):
            return [value]
        case ast.FormattedValue(value=value):
            return [value]
        case ast.BoolOp(values=values) | ast.JoinedStr(values=values):
            return values
        case ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts):
            return elts
        case ast.ListComp(elt=elt) | ast.SetComp(elt=elt) | ast.GeneratorExp(elt=elt):
            return [elt]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.Subscript(value=value):
            return [value]
        case _:
            return [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]


def _holds(scope: Scope, value: ast.expr) -> bool:
    node = scope.node
    return bool(node and node.lineno <= value.lineno <= (node.end_lineno or node.lineno))


def _other(node: ast.expr) -> Origin:
    return Origin(Kind.OTHER, _words(node))


def _unknown(node: ast.expr) -> Origin:
    return Origin(Kind.UNKNOWN, _words(node))


def _words(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return f"{_words(node.func)}()"
    text = ast.unparse(node)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
