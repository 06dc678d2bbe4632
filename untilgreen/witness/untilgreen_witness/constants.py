"""Which assertions can never fail, whatever any service answers. Pure: reads syntax, runs nothing.

What it does not follow: values through attributes, instances, other modules, and calls that are not listed here.
Those assertions count as real; the negative control finds out what they are worth.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any

PURE_CALLS = frozenset(
    (
        "abs",
        "all",
        "any",
        "bool",
        "bytes",
        "dict",
        "enumerate",
        "float",
        "frozenset",
        "int",
        "isinstance",
        "issubclass",
        "len",
        "list",
        "max",
        "min",
        "range",
        "repr",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
        "type",
        "zip",
    )
)
PURE_MODULES = frozenset({"math", "random", "secrets", "string", "uuid"})
READING_METHODS = frozenset({"copy", "count", "get", "index", "items", "keys", "values"})
SAME_ANSWER_METHODS = READING_METHODS | {"decode", "json", "lower", "strip", "text", "upper"}
"""What gives the same when it is asked twice."""
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
GRAMMAR = (ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context)
BINDING = (
    *(ast.Name, ast.arg, ast.alias, ast.Global, ast.Nonlocal, ast.ExceptHandler),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(getattr(ast, name, ast.Name) for name in ("MatchAs", "MatchStar", "MatchMapping")),
)
"""What gives something a name; patterns from Python 3.10 on."""
_EVER = (ast.Eq, ast.Is, ast.LtE, ast.GtE)
"""What holds between a value and itself."""
_NO_END = 10**18
_REACH = 3
"""A chain of three literals hides nothing that a fourth would."""


def is_vain(test: ast.expr, known: AbstractSet[str]) -> bool:
    """Tell whether a condition that holds would hold whatever any service answers."""
    return is_fixed(test, known) or is_true(test)


def is_true(test: ast.expr) -> bool:
    """Tell whether a condition holds by its form alone."""
    if isinstance(test, ast.BoolOp):
        ways = [is_true(part) for part in test.values]
        return any(ways) if isinstance(test.op, ast.Or) else all(ways)
    if isinstance(test, (ast.IfExp, ast.NamedExpr)):
        return all(map(is_true, (test.body, test.orelse) if isinstance(test, ast.IfExp) else (test.value,)))
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return is_false(test.operand)
    if isinstance(test, ast.Compare):
        sides = [test.left, *test.comparators]
        return all(_always(left, op, right) for left, op, right in zip(sides, test.ops, sides[1:]))  # noqa: B905 - Python 3.9 knows no `strict`
    return _is_never_empty(test) or (isinstance(test, ast.Constant) and bool(test.value))


def _is_never_empty(test: ast.expr) -> bool:
    """Tell whether a value is true because there is something in it, or because it is a function or a generator."""
    if isinstance(test, (ast.Tuple, ast.List, ast.Set)):
        return any(not isinstance(part, ast.Starred) for part in test.elts)
    if isinstance(test, ast.Dict):
        return any(key is not None for key in test.keys)
    if isinstance(test, ast.JoinedStr):
        return any(isinstance(part, ast.Constant) and part.value for part in test.values)
    return isinstance(test, (ast.Lambda, ast.GeneratorExp))


def is_false(test: ast.expr) -> bool:
    """Tell whether a condition fails by its form alone."""
    if isinstance(test, ast.BoolOp):
        ways = [is_false(part) for part in test.values]
        return all(ways) if isinstance(test.op, ast.Or) else any(ways)
    return isinstance(test, ast.Constant) and not test.value


def _always(left: ast.expr, op: ast.cmpop, right: ast.expr) -> bool:
    """Tell whether a comparison holds for whatever value is compared."""
    turned = {ast.LtE: ast.GtE, ast.Lt: ast.Gt, ast.GtE: ast.LtE, ast.Gt: ast.Lt, ast.NotEq: ast.NotEq}.get(type(op))
    if turned and _range(right) and not _range(left):
        return _always(right, turned(), left)
    span = _range(left)
    if span and _covers(span, op, right):
        return True
    if isinstance(op, ast.In) and isinstance(right, (ast.Tuple, ast.List, ast.Set)):
        return any(_same(left, part) for part in right.elts)
    return isinstance(op, _EVER) and _same(left, right)


def _range(node: ast.expr) -> tuple[int, int] | None:
    """Return the least and the greatest value that an expression can have, if that is known."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
        return 0, _NO_END
    return (100, 599) if isinstance(node, ast.Attribute) and node.attr == "status_code" else None


def _covers(span: tuple[int, int], op: ast.cmpop, right: ast.expr) -> bool:
    """Tell whether a comparison holds for the whole range."""
    least, greatest = span
    if isinstance(op, ast.IsNot) and isinstance(right, ast.Constant):
        return right.value is None
    number = _number(right)
    if number is None:
        return False
    holds = {
        ast.GtE: least >= number,
        ast.Gt: least > number,
        ast.LtE: greatest <= number,
        ast.Lt: greatest < number,
        ast.NotEq: not least <= number <= greatest,
    }
    return holds.get(type(op), False)


def _number(node: ast.expr) -> int | None:
    sign = -1 if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else 1
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return sign * inner.value if isinstance(inner, ast.Constant) and isinstance(inner.value, int) else None


def _same(left: ast.expr, right: ast.expr) -> bool:
    """Tell whether two expressions are one: a request that is made twice is not."""
    asks = [part for part in ast.walk(left) if isinstance(part, (ast.Call, ast.Await, ast.NamedExpr, ast.Yield))]
    pure = all(
        isinstance(part, ast.Call)
        and not part.args
        and isinstance(part.func, ast.Attribute)
        and part.func.attr in SAME_ANSWER_METHODS
        for part in asks
    )
    return pure and ast.dump(left) == ast.dump(right)


def is_fixed(node: ast.AST, known: AbstractSet[str]) -> bool:
    """Tell whether an expression has the same value whatever any service answers.

    Args:
        node: the expression.
        known: names that are fixed or of pure functions, and `name()` for functions that always return the same.
    """
    if isinstance(node, ast.Name):
        return node.id in known
    if isinstance(node, (ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda, ast.comprehension, ast.NamedExpr)):
        return False
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and f"{node.func.id}()" in known:
            return True
        pure = isinstance(node.func, ast.Name) and node.func.id in known
        inner = [*node.args, *node.keywords] if pure else list(ast.iter_child_nodes(node))
        return all(is_fixed(part, known) for part in inner)
    return all(isinstance(part, GRAMMAR) or is_fixed(part, known) for part in ast.iter_child_nodes(node))


def fixed_names(scope: ast.AST, outer: Iterable[str] = ()) -> set[str]:
    """Return the names that only ever hold literals: `latency = 0.05` is no measurement.

    Args:
        scope: a function, or a module, whose functions' own names are then taken for its own: that errs to the side
            of calling an assertion real.
        outer: names that are fixed around it.
    """
    nodes = list(ast.walk(scope))
    bound = bindings(nodes)
    around = {name for name in outer if name.removesuffix("()") not in bound}
    known = around
    for _ in range(_REACH):
        found = {name for name, values in bound.items() if all(v is not None and is_fixed(v, known) for v in values)}
        mutable = {name for name in found if any(_is_mutable(value, known) for value in bound[name])}
        known, before = around | (found - _changed_names(nodes, mutable)), known
        if known == before:
            break
    return known


def bindings(nodes: list[ast.AST]) -> dict[str, list[ast.expr | None]]:
    """Return what each name is bound to; None stands for what cannot be followed."""
    bound: dict[str, list[ast.expr | None]] = defaultdict(list)
    followed: set[int] = set()
    for node in nodes:
        for target, value in _followed(node):
            bound[target.id if isinstance(target, ast.Name) else target.arg].append(value)
            followed.add(id(target))
    for node in nodes:
        if isinstance(node, BINDING) and id(node) not in followed:
            for name in _other_bindings(node):
                bound[name].append(None)
    return bound


def _followed(node: ast.AST) -> Iterable[tuple[ast.Name | ast.arg, ast.expr | None]]:
    """Return names that are bound to an expression here."""
    if isinstance(node, ast.Assign):
        return [(target, node.value) for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, (ast.AnnAssign, ast.For)):
        value = node.iter if isinstance(node, ast.For) else node.value
        return [(node.target, value)] if isinstance(node.target, ast.Name) else []
    return _parametrised(node) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else []


def _parametrised(function: Any) -> Iterable[tuple[ast.arg, ast.expr]]:
    """Return arguments that a decorator `parametrize` gives values to."""
    given: dict[str, ast.expr] = {}
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "parametrize":
            names, values = [*mark.args, None, None][:2]
            if isinstance(names, ast.Constant) and isinstance(names.value, str) and values is not None:
                given |= dict.fromkeys((name.strip() for name in names.value.split(",")), values)
    return [(arg, given[arg.arg]) for arg in function.args.args if arg.arg in given]


def _other_bindings(node: ast.AST) -> list[str]:
    """Return the names that a node binds to something other than an assigned expression."""
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return node.names
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, ast.alias) and not node.asname:
        return [node.name.partition(".")[0]] if node.name not in PURE_MODULES else []
    names = [getattr(node, field, None) for field in ("arg", "name", "asname", "rest")]
    return [name for name in names if isinstance(name, str)]


def _changed_names(nodes: list[ast.AST], names: set[str]) -> set[str]:
    """Return those names that are used in a way that could change what they hold."""
    if not names:
        return set()
    parents = {child: parent for parent in nodes for child in ast.iter_child_nodes(parent)}
    uses = (node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return {node.id for node in uses if node.id in names and not _only_reads(node, parents)}


def _only_reads(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    parent = parents[node]
    while isinstance(parent, ast.Subscript) and parent.value is node and isinstance(parent.ctx, ast.Load):
        node, parent = parent, parents[parent]
    if isinstance(parent, ast.Call):
        return node in parent.args and isinstance(parent.func, ast.Name) and parent.func.id in PURE_CALLS
    if isinstance(parent, ast.Attribute):
        return parent.attr in READING_METHODS
    return isinstance(parent, (ast.Compare, ast.For, ast.comprehension, ast.Assert, ast.BoolOp, ast.BinOp, ast.UnaryOp))


def _is_mutable(value: ast.expr | None, known: AbstractSet[str]) -> bool:
    """Tell whether a fixed value could be changed in place later."""
    return any(
        isinstance(part, MUTABLE) or (isinstance(part, ast.Name) and f"{part.id}()" in known)
        for part in (ast.walk(value) if value else ())
    )


def fixed_functions(module: ast.Module, known: set[str]) -> set[str]:
    """Return `name()` for each function of a module that returns literals whatever it is asked."""
    found: set[str] = set()
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            inside = fixed_names(node, known)
            values = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
            if values and all(value is not None and is_fixed(value, inside) for value in values):
                found.add(f"{node.name}()")
    return found
