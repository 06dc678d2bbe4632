"""Counts the assertions that pass, those about constants apart."""

from __future__ import annotations

import ast
import builtins
import functools
import importlib.machinery
import os
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from .order import ORDER
from .sight import counting, passed, patch_now

MARK = "untilgreen_counted"
FIXED_CALLS = {
    "len",
    "abs",
    "min",
    "max",
    "sum",
    "round",
    "int",
    "float",
    "str",
    "bool",
    "isinstance",
    "all",
    "any",
    "sorted",
}


def count_asserts(module: ast.Module) -> None:
    """Put a counter behind each assert, before pytest rewrites it.

    pytest's own hook for passed assertions formats an explanation of each; this costs a function call.
    """
    functions = [node for node in ast.walk(module) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for scope in [*reversed(functions), module]:  # the innermost function knows its names best
        known = set() if scope is module else fixed_names(scope)
        for node in ast.walk(scope):
            for name, field in ast.iter_fields(node):
                if isinstance(field, list) and any(isinstance(statement, ast.Assert) for statement in field):
                    setattr(node, name, [out for statement in field for out in counted_assert(statement, known)])


def counted_assert(statement: ast.stmt, known: set[str]) -> Iterator[ast.stmt]:
    """Return the statement, followed by its counter when it is an assert that has none yet."""
    yield statement
    if isinstance(statement, ast.Assert) and not hasattr(statement, MARK):
        setattr(statement, MARK, True)
        test = statement.test
        same = isinstance(test, ast.Compare) and all(
            ast.dump(test.left) == ast.dump(other) for other in test.comparators
        )
        real = 0 if same or is_fixed(test, known) else 1
        call = ast.Call(ast.Name("@untilgreen_passed", ast.Load()), [ast.Constant(real)], [])
        yield ast.fix_missing_locations(ast.copy_location(ast.Expr(call), statement))


def is_fixed(node: ast.expr, known: set[str]) -> bool:
    """Tell whether an expression has the same value whatever any service answers."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id not in known and part.id not in FIXED_CALLS:
            return False
        if isinstance(part, ast.Call) and not (isinstance(part.func, ast.Name) and part.func.id in FIXED_CALLS):
            return False
        if isinstance(part, (ast.Attribute, ast.Await, ast.Yield, ast.YieldFrom, ast.Lambda, ast.comprehension)):
            return False
    return True


def fixed_names(function: ast.AST) -> set[str]:
    """Return the local names that only ever hold literals: `latency = 0.05` is no measurement."""
    bound: dict[str, list[ast.expr | None]] = defaultdict(list)
    simple: set[int] = set()
    for node in ast.walk(function):
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name):
                bound[target.id].append(node.value)
                simple.add(id(target))
    for node in ast.walk(function):
        for name in other_bindings(node, simple):
            bound[name].append(None)
    known: set[str] = set()
    for _ in range(3):  # a chain of three literals hides nothing that a fourth would
        known = {name for name, values in bound.items() if all(v is not None and is_literal(v, known) for v in values)}
    return known


def other_bindings(node: ast.AST, simple: set[int]) -> list[str]:
    """Return the names that a node binds to something other than an assigned expression."""
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return node.names
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) or id(node) in simple else [node.id]
    names = [getattr(node, field, None) for field in ("arg", "name", "asname", "rest")]
    return [name for name in names if isinstance(name, str)]


def is_literal(node: ast.expr, known: set[str]) -> bool:
    """Tell whether a value is fixed and cannot be changed later: a list can be appended to."""
    mutable = (ast.List, ast.Dict, ast.Set)
    return is_fixed(node, known) and not any(isinstance(part, mutable) for part in ast.walk(node))


def patch_rewriting() -> None:
    """Count asserts where pytest rewrites them, and in the tests' own helper modules too.

    pytest rewrites test modules and plugins only; a test whose checks lie in `checks.py` would seem to check nothing.
    """
    from _pytest.assertion import rewrite  # noqa: PLC0415 - only inside an order

    tail, hook = rewrite.PYC_TAIL, rewrite.AssertionRewritingHook
    builtins.__dict__["@untilgreen_passed"] = passed

    def rewrite_asserts(call: Any) -> Any:
        def counted(module: ast.Module, source: Any, path: str | None = None, *args: Any) -> None:
            if path and is_users(path):
                count_asserts(module)
            call(module, source, path, *args)

        return counted

    def exec_module(call: Any) -> Any:
        def apart(self: Any, module: Any) -> None:
            """What is compiled with counters must not be taken for pytest's own, nor the other way round."""
            users = is_users(str(module.__spec__.origin))
            rewrite.PYC_TAIL = tail.replace("-pytest", "-untilgreen-pytest") if users else tail
            call(self, module)

        return apart

    def bailout(call: Any) -> Any:
        return lambda self, name, state: not is_beside(name.partition(".")[0]) and call(self, name, state)

    def wanted(call: Any) -> Any:
        return lambda self, name, path, state: is_beside(name.partition(".")[0]) or call(self, name, path, state)

    patch_now(rewrite, "rewrite_asserts", rewrite_asserts)
    patch_now(hook, "exec_module", exec_module)
    patch_now(hook, "_early_rewrite_bailout", bailout)
    patch_now(hook, "_should_rewrite", wanted)


def is_users(path: str) -> bool:
    """Tell whether a file is the user's own, not an installed package's."""
    return path.startswith(ORDER["root"] + os.sep) and "site-packages" not in path


@functools.cache
def is_beside(name: str) -> bool:
    """Tell whether a top-level module lies among the tests."""
    try:
        spec = importlib.machinery.PathFinder.find_spec(name)
    except (ImportError, ValueError):
        return False
    places = [] if spec is None else [spec.origin or "", *(spec.submodule_search_locations or ())]
    return any(is_users(place) and (place + os.sep).startswith(ORDER["tests"] + os.sep) for place in places)


def patch_unittest(module: Any) -> None:
    """Count unittest's assertions."""
    for name in dir(module.TestCase):
        if name.startswith("assert") and name[6:7].isupper():
            patch_now(module.TestCase, name, counting)


def patch_raises() -> None:
    """Count `pytest.raises` that saw its exception: it checks an answer too."""

    def leave(call: Any) -> Any:
        def stop(self: Any, *args: Any) -> Any:
            swallowed = call(self, *args)
            if swallowed:
                passed(1)
            return swallowed

        return stop

    patch_now(type(pytest.raises(Exception)), "__exit__", leave)  # noqa: PT011 - the class is wanted, nothing is raised
