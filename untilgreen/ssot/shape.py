"""What a function does, apart from what its variables are called: the features by which near-copies are found.

A feature is a piece of the function, normalised: local names are one mark, negations and the order of keywords are
dropped, docstrings, annotations and logging do not count. Names from outside, attributes and constants stay: two
loops that call different things are not copies.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

from untilgreen.ssot.syntax import Function
from untilgreen.ssot.turns import INVERSE, Guard, guards_of, jumps, local_names

_LOCAL = "$"
_ITSELF = "@"
_SMALL = 3
"""Pieces of fewer nodes are in every function."""
_LONG_TEXT = 40
_LOGGERS = frozenset({"log", "logger", "logging", "LOG", "LOGGER", "_log", "_logger", "print", "warnings"})
_OPPOSITES = {"NotEq": "Eq", "NotIn": "In", "IsNot": "Is", "GtE": "Lt", "Gt": "LtE"}

_BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True, eq=False)
class Shape:
    """One function and its features."""

    path: str
    name: str
    """With the classes and functions around it."""
    line: int
    end: int
    statements: int
    features: Counter[int]
    """Checksum of a piece -> how often."""
    turns: dict[int, frozenset[str]]
    """Checksum of a place that can be done in two opposite ways -> which ways; see `turns`."""
    calls: dict[int, frozenset[str]]
    """Checksum of a place where something is called -> what is called there."""
    inner: bool = False
    """Whether it stands inside another function, where nobody else can call it."""

    @property
    def where(self) -> str:
        """Return `path:line name`."""
        return f"{self.path}:{self.line} {self.name}"

    @property
    def callable(self) -> bool:
        """Tell whether a copy could be replaced by a call of it: it is no inner one, and none that Python calls."""
        own = self.name.rpartition(".")[2]
        return not self.inner and not (own.startswith("__") and own.endswith("__"))

    def overlaps(self, other: Shape) -> bool:
        """Tell whether one lies in the other."""
        return self.path == other.path and self.line <= other.end and other.line <= self.end


def shapes(module: ast.Module, path: str) -> Iterator[Shape]:
    """Go through all functions of a module, nested ones too."""
    yield from _within(module, path, "")


def _within(node: ast.AST, path: str, prefix: str, *, inner: bool = False) -> Iterator[Shape]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            name = f"{prefix}{child.name}"
            yield _shape(child, path, name, inner=inner)
            yield from _within(child, path, f"{name}.", inner=True)
        elif isinstance(child, ast.ClassDef):
            yield from _within(child, path, f"{prefix}{child.name}.", inner=inner)
        elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _within(child, path, prefix, inner=inner)


def _shape(node: Function, path: str, name: str, *, inner: bool) -> Shape:
    reader = _Reader(node)
    reader.block(node.body)
    return Shape(
        path=path,
        name=name,
        line=node.lineno,
        end=node.end_lineno or node.lineno,
        statements=reader.statements,
        features=Counter({checksum(piece): count for piece, count in reader.features.items()}),
        turns={checksum(place): frozenset(ways) for place, ways in reader.turns.items()},
        calls={checksum(place): frozenset(names) for place, names in reader.calls.items()},
        inner=inner,
    )


def checksum(text: str) -> int:
    """Return a short name of a text; that two texts share one by chance does not matter."""
    return crc32(text.encode("utf-8", "surrogatepass"))


class _Reader:
    """Reads one function's body bottom up, keeping each piece as a feature."""

    def __init__(self, function: Function) -> None:
        self.own = function.name
        self.locals = local_names(function)
        self.features: Counter[str] = Counter()
        self.turns: dict[str, set[str]] = defaultdict(set)
        self.calls: dict[str, set[str]] = defaultdict(set)
        self.statements = 0
        self._read: dict[ast.AST, tuple[str, int]] = {}

    def block(self, body: list[ast.stmt], guards: tuple[Guard, ...] = ()) -> None:
        """Read statements one after another; how they are nested does not count.

        Args:
            body: the statements.
            guards: what is known to hold where they run.
        """
        for statement in body:
            if not _silent(statement):
                self.statements += 1
                self._statement(statement, guards)
                if isinstance(statement, ast.If) and not statement.orelse and jumps(statement.body):
                    # What follows `if x: continue` runs when x does not hold, like what stands in `if not x:`.
                    guards = self._guards(statement.test, holds=False)

    def _guards(self, test: ast.expr, *, holds: bool) -> tuple[Guard, ...]:
        return tuple(guards_of(test, lambda node: self._text(node)[0], self.locals, holds=holds))

    def _statement(self, node: ast.stmt, guards: tuple[Guard, ...]) -> None:
        """Keep a statement's own expressions, then read the blocks inside it."""
        for label, expressions in _parts(node):
            texts = [self._text(expression) for expression in expressions]
            effect = f"{label} {' '.join(text for text, _ in texts)}"
            self._keep(effect, 1 + sum(size for _, size in texts))
            self._turn(label, expressions, effect, guards)
        if isinstance(node, ast.AugAssign):
            self._arithmetic(node.op, [node.target, node.value])
        for inner, holds in _blocks(node):
            test = node.test if isinstance(node, ast.If | ast.While) else None
            self.block(inner, self._guards(test, holds=holds) if test else ())

    def _turn(self, label: str, expressions: list[ast.expr], effect: str, guards: tuple[Guard, ...]) -> None:
        """Note which way round the conditions stand under which something is done."""
        value = expressions[0].value if len(expressions) == 1 and isinstance(expressions[0], ast.Constant) else None
        about, told = (label, f" {value}") if isinstance(value, bool) else (effect, "")
        for guard in guards:
            self.turns[f"{guard.about} -> {about}"].add(guard.way + told)

    def _arithmetic(self, op: ast.operator, sides: list[ast.expr]) -> None:
        """Note an operator that has an opposite; adding or taking one away moves an index and tells nothing."""
        name = type(op).__name__
        if name in INVERSE and not any(isinstance(side, ast.Constant) for side in sides):
            texts = sorted(self._text(side)[0] for side in sides)
            self.turns[f"arithmetic {INVERSE[name]} {','.join(texts)}"].add(name)
            self.turns[f"all {INVERSE[name]}"].add(name)

    def _keep(self, feature: str, size: int) -> None:
        if size >= _SMALL:
            self.features[feature] += 1

    def _text(self, node: ast.AST) -> tuple[str, int]:
        """Return an expression's normal form and its number of nodes; its pieces are kept once."""
        found = self._read.get(node)
        if found is None:
            found = self._read[node] = self._normal(node)
        return found

    def _normal(self, node: ast.AST) -> tuple[str, int]:
        if isinstance(node, ast.Name):
            return self._name(node.id), 1
        if isinstance(node, ast.Constant):
            return _constant(node.value), 1
        if isinstance(node, ast.Await):
            return self._text(node.value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self._text(node.operand)
        text, size = self._composed(node)
        self._keep(text, size)
        return text, size

    def _name(self, name: str) -> str:
        if name == self.own:
            return _ITSELF
        return _LOCAL if name in self.locals else name

    def _composed(self, node: ast.AST) -> tuple[str, int]:
        if isinstance(node, ast.Attribute):
            text, size = self._text(node.value)
            itself = node.attr == self.own and text in {"self", "cls"}
            return (_ITSELF if itself else f"{text}.{node.attr}"), size + 1
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.BinOp):
            self._arithmetic(node.op, [node.left, node.right])
        children = [self._text(child) for child in _children(node)]
        texts = [text for text, _ in children]
        if isinstance(node, ast.BoolOp | ast.Set):
            texts.sort()
        operator = type(getattr(node, "op", node)).__name__
        return f"{operator}({','.join(texts)})", 1 + sum(size for _, size in children)

    def _comparison(self, node: ast.Compare) -> tuple[str, int]:
        sides = [self._text(side) for side in (node.left, *node.comparators)]
        names = [type(op).__name__ for op in node.ops]
        operators = [_OPPOSITES.get(name, name) for name in names]
        texts = [text for text, _ in sides]
        if operators == ["Eq"]:
            texts.sort()
        return f"{','.join(operators)}({','.join(texts)})", 1 + sum(size for _, size in sides)

    def _call(self, node: ast.Call) -> tuple[str, int]:
        function, size = self._text(node.func)
        arguments = [self._text(argument) for argument in node.args]
        keywords = [(keyword.arg, *self._text(keyword.value)) for keyword in node.keywords]
        for name, text, _ in keywords:
            self._keep(f"{function}|{name}={text}", _SMALL)
        self._keep(f"call {function}/{len(arguments)}", _SMALL)
        around, dot, called = function.rpartition(".")
        if dot or called in _BUILTINS:
            self.calls[f"{around}.?/{len(arguments)}"].add(called)
        texts = [text for text, _ in arguments] + sorted(f"{name}={text}" for name, text, _ in keywords)
        total = 1 + size + sum(n for _, n in arguments) + sum(n + 1 for _, _, n in keywords)
        return f"{function}({','.join(texts)})", total


def _children(node: ast.AST) -> list[ast.AST]:
    """Return what an expression is made of, without the marks that Python's grammar adds."""
    kinds = ast.expr | ast.comprehension | ast.keyword | ast.pattern | ast.match_case
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, kinds)]


def _constant(value: object) -> str:
    if isinstance(value, str | bytes) and len(value) >= _LONG_TEXT:
        return "'...'"
    return repr(value)


def _silent(node: ast.stmt) -> bool:
    """Tell whether a statement does nothing that matters: docstrings, logging, imports."""
    if isinstance(node, ast.Expr):
        value = node.value
        root = value.func if isinstance(value, ast.Call) else value
        while isinstance(root, ast.Attribute):
            root = root.value
        return isinstance(value, ast.Constant) or (isinstance(root, ast.Name) and root.id in _LOGGERS)
    return isinstance(node, ast.Pass | ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal)


def _parts(node: ast.stmt) -> Iterator[tuple[str, list[ast.expr]]]:
    """Go through a statement's own expressions, each under a label; returning a value and naming it are one."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield "value", [value]
            yield "set", [target for target in targets if not isinstance(target, ast.Name)]
        case ast.AnnAssign(value=value) if value:
            yield "value", [value]
        case ast.AugAssign(target=target, value=value, op=op):
            yield type(op).__name__, [target, value]
        case ast.Return(value=value) if value:
            yield "value", [value]
        case ast.For(iter=source) | ast.AsyncFor(iter=source):
            yield "for", [source]
        case ast.With(items=items) | ast.AsyncWith(items=items):
            yield "with", [item.context_expr for item in items]
        case ast.Try(handlers=handlers):
            for handler in handlers:
                yield "except", [handler.type] if handler.type else []
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return
        case _:
            yield (
                type(node).__name__.lower(),
                [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)],
            )


def _blocks(node: ast.stmt) -> Iterator[tuple[list[ast.stmt], bool]]:
    """Go through the blocks of a statement, each with whether the statement's condition holds there."""
    for field in ("body", "orelse", "finalbody"):
        yield getattr(node, field, []), field == "body"
    for handler in getattr(node, "handlers", []):
        yield handler.body, True
    for case in getattr(node, "cases", []):
        yield case.body, True
