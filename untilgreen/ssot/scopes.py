"""What happens inside one function: its calls, and where its local names get their values."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from untilgreen.ssot.modules import Module
from untilgreen.ssot.syntax import Function, walk

Chain = tuple[tuple[int, str], ...]
"""The blocks around a statement, the outermost first: (id of the compound statement, its field)."""
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


@dataclass(frozen=True, eq=False)
class Assigned:
    """A value that a local name gets.

    Args:
        value: the expression; None when nobody can say (a `with`, an `except`).
        line: of the statement.
        chain: blocks around it.
        element: whether the name gets what the value holds, and not the value itself.
        adds: whether the old value stays in it (`+=`).
    """

    value: ast.expr | None
    line: int
    chain: Chain
    element: bool = False
    adds: bool = False


@dataclass(eq=False)
class Scope:
    """A function's body, or a module's own statements.

    Args:
        module: the file.
        name: with the classes and functions around it; empty for the module itself.
        node: the function, if it is one.
        outer: the scope around it; names are looked up there, too.
        owner: the class whose method it is.
    """

    module: Module
    name: str
    node: Function | None
    outer: Scope | None
    owner: str = ""
    assigned: dict[str, list[Assigned]] = field(default_factory=dict)
    expressions: list[tuple[ast.expr, Chain]] = field(default_factory=list)
    """Of its statements, each with the blocks around it."""
    returned: list[tuple[ast.expr, Chain]] = field(default_factory=list)
    locals: dict[str, Scope] = field(default_factory=dict)
    """Functions defined in it."""

    @property
    def parameters(self) -> list[str]:
        """Return the names of the parameters in their order, without `self`."""
        if self.node is None:
            return []
        args = self.node.args
        names = [a.arg for a in (*args.posonlyargs, *args.args)]
        return names[1:] if self.owner and names[:1] in (["self"], ["cls"]) else names

    @property
    def accepts(self) -> frozenset[str]:
        """Return every name that callers fill."""
        if self.node is None:
            return frozenset()
        args = self.node.args
        return frozenset(a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg) if a)

    @property
    def identity(self) -> str:
        """Return `path.py:name`."""
        return f"{self.module.path}:{self.name}"

    @property
    def where(self) -> str:
        """Return the function's name, or `<module>`."""
        return self.name or "<module>"

    def reaching(self, name: str, line: int, chain: Chain) -> Iterator[Assigned]:
        """Go through the values that a name may have at a place, newest first, up to one that it surely got."""
        loops = {identity for identity, kind in chain if kind == "loop"}
        for one in reversed(self.assigned.get(name, [])):
            later = one.line > line
            if later and not any(identity in loops for identity, _ in one.chain):
                continue
            yield one
            if not later and not one.adds and one.chain == chain[: len(one.chain)]:
                return


@lru_cache(maxsize=4096)
def scopes(module: Module) -> list[Scope]:
    """Return the scopes of a file: its own statements first, then every function, nested ones too."""
    top = Scope(module, "", None, None)
    found = [top]
    _Walk(top, found).block(module.tree.body, ())
    return found


class _Walk:
    def __init__(self, scope: Scope, found: list[Scope]) -> None:
        self.scope = scope
        self.found = found
        self.prefix = f"{scope.name}." if scope.name else ""

    def block(self, body: list[ast.stmt], chain: Chain) -> None:
        for node in body:
            if isinstance(node, Function):
                self._function(node, self.prefix, "", chain)
            elif isinstance(node, ast.ClassDef):
                self._class(node, self.prefix, chain)
            else:
                self._statement(node, chain)

    def _function(self, node: Function, prefix: str, owner: str, chain: Chain) -> None:
        inner = Scope(self.scope.module, prefix + node.name, node, self.scope, owner)
        self.found.append(inner)
        if not owner:
            self.scope.locals[node.name] = inner
        for expression in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            self._expression(expression, chain)
        _Walk(inner, self.found).block(node.body, ())

    def _class(self, node: ast.ClassDef, prefix: str, chain: Chain) -> None:
        name = prefix + node.name
        for inner in node.body:
            if isinstance(inner, Function):
                self._function(inner, f"{name}.", name, chain)
            elif isinstance(inner, ast.ClassDef):
                self._class(inner, f"{name}.", chain)
            else:
                for expression in (n for n in ast.iter_child_nodes(inner) if isinstance(n, ast.expr)):
                    self._expression(expression, chain)

    def _statement(self, node: ast.stmt, chain: Chain) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(child, chain)
            elif isinstance(child, ast.withitem):
                self._expression(child.context_expr, chain)
        self._assign(node, chain)
        if isinstance(node, ast.Return) and node.value:
            self.scope.returned.append((node.value, chain))
        self._blocks(node, chain)

    def _blocks(self, node: ast.stmt, chain: Chain) -> None:
        for name in ("body", "orelse", "finalbody"):
            kind = "loop" if isinstance(node, _LOOPS) and name == "body" else name
            # What stands in a `with`, a `try` or a `finally` runs as surely as what stands before it.
            sure = isinstance(node, ast.With | ast.AsyncWith | ast.Try) and name != "orelse"
            self.block(getattr(node, name, []), chain if sure else (*chain, (id(node), kind)))
        for number, handler in enumerate(getattr(node, "handlers", [])):
            if handler.name:
                self._note(handler.name, Assigned(None, handler.lineno, chain))
            self.block(handler.body, (*chain, (id(node), f"except {number}")))
        for number, case in enumerate(getattr(node, "cases", [])):
            self.block(case.body, (*chain, (id(node), f"case {number}")))

    def _expression(self, node: ast.expr, chain: Chain) -> None:
        self.scope.expressions.append((node, chain))
        for inner in walk(node):
            if isinstance(inner, ast.NamedExpr):
                self._note(inner.target.id, Assigned(inner.value, node.lineno, chain))
            elif isinstance(inner, ast.comprehension):
                self._target(inner.target, inner.iter, node.lineno, chain, element=True)

    def _assign(self, node: ast.stmt, chain: Chain) -> None:
        line = node.lineno
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._target(target, value, line, chain)
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value:
                self._note(name, Assigned(value, line, chain))
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                self._note(name, Assigned(value, line, chain, adds=True))
            case ast.For(target=target, iter=source) | ast.AsyncFor(target=target, iter=source):
                self._target(target, source, line, (*chain, (id(node), "loop")), element=True)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    if item.optional_vars:
                        self._target(item.optional_vars, None, line, chain)
            case _:
                return

    def _target(
        self, target: ast.expr, value: ast.expr | None, line: int, chain: Chain, *, element: bool = False
    ) -> None:
        if isinstance(target, ast.Name):
            self._note(target.id, Assigned(value, line, chain, element=element))
        elif isinstance(target, ast.Tuple | ast.List):
            pairs = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts) and not element
            for number, part in enumerate(target.elts):
                inner = value.elts[number] if pairs and isinstance(value, ast.Tuple | ast.List) else value
                self._target(part, inner, line, chain, element=element or not pairs)

    def _note(self, name: str, one: Assigned) -> None:
        self.scope.assigned.setdefault(name, []).append(one)
