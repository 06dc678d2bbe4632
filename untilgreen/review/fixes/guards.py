"""The checks in a source, each with the conditions under which it is reached."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from untilgreen.ssot.syntax import Function

_CHECK = re.compile(
    r"validat|verif|authenti|authori[sz]|permission|sanitiz|check|require|ensure|compare_digest", re.IGNORECASE
)
_GUARDIAN = re.compile(rf"{_CHECK.pattern}|login|auth|protect|csrf|guard|current_user|signed_in|secure", re.IGNORECASE)
"""Names of decorators and of what is handed over as a dependency; a call of such a name may be anything."""
_REFUSING = re.compile(
    r"HTTP_?[45]\d\d|UNAUTHORIZED|FORBIDDEN|BAD_REQUEST|NOT_FOUND|UNPROCESSABLE|CONFLICT", re.IGNORECASE
)
_STATUS = frozenset({"status", "status_code", "code", "http_status"})
_ERRORS = range(400, 600)


@dataclass(frozen=True)
class Guard:
    """One check."""

    path: str
    line: int
    scope: str
    name: str
    when: frozenset[str]
    """The conditions under which it is reached."""
    shape: frozenset[str]
    """The same without their constants."""

    @property
    def where(self) -> str:
        """Return `path:line`."""
        return f"{self.path}:{self.line}"


def guards_in(module: ast.Module, path: str) -> Iterator[Guard]:
    """Go through all checks of a module: raises, refusals, calls and decorators whose name says that they check."""
    yield from _Walk(path, "").block(module.body, ())


@dataclass(frozen=True)
class _Walk:
    """Walks through one scope, with the conditions that hold on the way."""

    path: str
    scope: str

    def block(self, body: list[ast.stmt], when: tuple[ast.expr, ...]) -> Iterator[Guard]:
        """Go through statements one after another; what follows an early end is reached only without it."""
        for statement in body:
            yield from self._statement(statement, when)
            if isinstance(statement, ast.If) and _ends_early(statement.body):
                when = (*when, _negated(statement.test))

    def _statement(self, node: ast.stmt, when: tuple[ast.expr, ...]) -> Iterator[Guard]:
        if isinstance(node, Function | ast.ClassDef):
            yield from self._definition(node)
            return
        if isinstance(node, ast.Raise | ast.Assert) and not _is_open(node):
            yield self._guard(node, type(node).__name__.lower(), when)
        yield from self._expressions(node, when)
        if isinstance(node, ast.If):
            yield from self.block(node.body, (*when, *conjuncts(node.test)))
            yield from self.block(node.orelse, (*when, _negated(node.test)))
            return
        for inner in _blocks(node):
            yield from self.block(inner, when)

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[Guard]:
        inner = _Walk(self.path, f"{self.scope}.{node.name}".lstrip("."))
        for decorator in node.decorator_list:
            if (name := _called(decorator)) and _GUARDIAN.search(name):
                yield inner._guard(decorator, f"@{name}", ())
        if isinstance(node, Function):
            for default in (*node.args.defaults, *node.args.kw_defaults):
                yield from inner._expression(default, ()) if default else ()
        yield from inner.block(node.body, ())

    def _expressions(self, node: ast.stmt, when: tuple[ast.expr, ...]) -> Iterator[Guard]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from self._expression(child, when)
            elif isinstance(child, ast.withitem):
                yield from self._expression(child.context_expr, when)

    def _expression(self, node: ast.AST, when: tuple[ast.expr, ...]) -> Iterator[Guard]:
        if isinstance(node, ast.Call):
            yield from self._call(node, when)
        if isinstance(node, ast.BoolOp):
            so_far = when
            for value in node.values:
                yield from self._expression(value, so_far)
                more = conjuncts(value) if isinstance(node.op, ast.And) else (_negated(value),)
                so_far = (*so_far, *more)
            return
        if isinstance(node, ast.IfExp):
            yield from self._expression(node.test, when)
            yield from self._expression(node.body, (*when, *conjuncts(node.test)))
            yield from self._expression(node.orelse, (*when, _negated(node.test)))
            return
        for child in ast.iter_child_nodes(node):
            yield from self._expression(child, when)

    def _call(self, node: ast.Call, when: tuple[ast.expr, ...]) -> Iterator[Guard]:
        name = _called(node)
        if _CHECK.search(name):
            yield self._guard(node, name, when)
        if refuses(node):
            yield self._guard(node, "refusal", when)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            items = argument.elts if isinstance(argument, ast.List | ast.Tuple) else [argument]
            for item in items:
                if isinstance(item, ast.Name | ast.Attribute) and _GUARDIAN.search(_called(item)) and _hands_over(node):
                    yield self._guard(node, _called(item), when)

    def _guard(self, node: ast.AST, name: str, when: tuple[ast.expr, ...]) -> Guard:
        return Guard(
            path=self.path,
            line=getattr(node, "lineno", 1),
            scope=self.scope,
            name=name,
            when=frozenset(ast.unparse(one) for one in when),
            shape=frozenset(_shape(one) for one in when),
        )


def conjuncts(test: ast.expr) -> tuple[ast.expr, ...]:
    """Return what must all hold for a condition to hold."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return tuple(one for value in test.values for one in conjuncts(value))
    inner = test.operand if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else None
    if isinstance(inner, ast.BoolOp) and isinstance(inner.op, ast.Or):
        return tuple(one for value in inner.values for one in conjuncts(_negated(value)))
    return (test,)


def _negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def _ends_early(body: list[ast.stmt]) -> bool:
    """Tell whether statements leave without a word: raising and refusing are checks themselves."""
    last = body[-1]
    if isinstance(last, ast.Return):
        return not any(isinstance(node, ast.Call) and refuses(node) for node in ast.walk(last))
    return isinstance(last, ast.Continue | ast.Break)


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        yield getattr(node, field, [])
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def _is_open(node: ast.Raise | ast.Assert) -> bool:
    """Tell whether it only says that something is not written yet."""
    return isinstance(node, ast.Raise) and node.exc is not None and "NotImplemented" in ast.unparse(node.exc)


def _called(node: ast.expr) -> str:
    function = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(function).rpartition(".")[2] if isinstance(function, ast.Name | ast.Attribute) else ""


def _hands_over(node: ast.Call) -> bool:
    """Tell whether a call takes others' functions: a dependency, a list of middlewares, a decorator's factory."""
    name = _called(node)
    return name in {"Depends", "Security", "wraps"} or name[:1].isupper() or "add_" in name or "use" in name


def refuses(node: ast.Call) -> bool:
    """Tell whether a call makes an answer that says no, or ends the program with an error."""
    if _called(node) in {"exit", "_exit"}:
        return bool(node.args) and ast.unparse(node.args[0]) != "0"
    said = [keyword.value for keyword in node.keywords if keyword.arg in _STATUS] + node.args[:2]
    return any(
        (isinstance(one, ast.Constant) and type(one.value) is int and one.value in _ERRORS)
        or (isinstance(one, ast.Attribute) and bool(_REFUSING.search(one.attr)))
        for one in said
    ) or bool(re.fullmatch(r"HTTP(?:Unauthorized|Forbidden|BadRequest|NotFound|UnprocessableEntity)", _called(node)))


class _Masked(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Name("_") if node.value not in (None, True, False) else node


def _shape(node: ast.expr) -> str:
    return ast.unparse(_Masked().visit(ast.parse(ast.unparse(node), mode="eval")))
