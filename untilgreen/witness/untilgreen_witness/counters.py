"""Puts counters behind the assertions of a module. Pure: changes syntax, runs nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from .constants import PURE_CALLS, PURE_MODULES, fixed_functions, fixed_names, is_fixed, is_vain

CONSTANT, REAL, VAIN = 0, 1, -1
"""A passed assertion is about a constant, or not; or the one counted last turned out to be about constants."""
CHECKS = re.compile(r"(assert|check|ensure|expect|should|validate|verify)(_|[A-Z]|$)")
"""How assertion libraries call what raises when it does not hold."""
VALIDATORS = frozenset({"model_validate", "model_validate_json", "parse_obj", "parse_raw", "validate_json"})
"""What checks an answer and returns it."""
ANSWER = frozenset(
    (
        "body",
        "code",
        "content",
        "headers",
        "is_error",
        "is_success",
        "json",
        "ok",
        "reason",
        "reason_phrase",
        "status",
        "status_code",
        "text",
    )
)
"""How what is asked of an answer is called."""


def count_asserts(module: ast.Module, path: str = "") -> None:
    """Put a counter behind each assertion of a module, before pytest rewrites it."""
    imported = {alias.name for node in ast.walk(module) if isinstance(node, ast.Import) for alias in node.names}
    known = fixed_names(module, PURE_CALLS | (PURE_MODULES & imported))
    count_inside(module, known | fixed_functions(module, known), path)


def count_inside(node: ast.AST, known: AbstractSet[str], path: str) -> None:
    """Put counters into the blocks of a statement; a function knows its own names, and those around it."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        known = fixed_names(node, known)
    for block in blocks(node):
        for statement in block:
            count_inside(statement, known, path)
        block[:] = [out for statement in block for out in counted(statement, known, path)]


def blocks(node: ast.AST) -> Iterator[list[Any]]:
    """Return the lists of statements in a statement."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block:
            yield block
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def counted(statement: ast.stmt, known: AbstractSet[str], path: str) -> Iterator[ast.stmt]:
    """Return the statement, and its counter when it checks something."""
    made = counters(statement, known, path)
    yield from made if isinstance(statement, ast.Return) else ()  # behind it nothing runs
    yield statement
    yield from () if isinstance(statement, ast.Return) else made


def counters(statement: ast.stmt, known: AbstractSet[str], path: str) -> list[ast.stmt]:
    """Return the counters that belong to a statement; that of an `if` goes into it."""
    if isinstance(statement, ast.Assert):
        real = CONSTANT if is_vain(statement.test, known) else REAL
        return [counter(statement, "passed", real, place_of(statement, path))]
    if isinstance(statement, ast.If) and complains(statement):
        real = CONSTANT if is_fixed(statement.test, known) else REAL
        last = place_of(statement.body[-1], path)
        statement.orelse = [counter(statement, "passed", real, last), *statement.orelse]
    if isinstance(statement, (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return)):
        return list(checked(statement, known))
    return []


def complains(statement: ast.If) -> bool:
    """Tell whether `if ...: raise ...` checks an answer: it is how some write an assertion."""
    last = statement.body[-1]
    if is_failure(last):
        return True
    parts = list(ast.walk(statement.test))
    names = {part.attr for part in parts if isinstance(part, ast.Attribute)}
    names |= {part.id for part in parts if isinstance(part, ast.Name)}
    return isinstance(last, ast.Raise) and bool(names & ANSWER)


def is_failure(statement: ast.stmt) -> bool:
    """Tell whether a statement fails the test: `raise AssertionError`, `pytest.fail()`, `self.fail()`."""
    if isinstance(statement, ast.Raise):
        raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
        return isinstance(raised, ast.Name) and raised.id == "AssertionError"
    called = statement.value.func if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) else None
    return (isinstance(called, ast.Attribute) and called.attr == "fail") or (
        isinstance(called, ast.Name) and called.id == "fail"
    )


def checked(statement: Any, known: AbstractSet[str]) -> Iterator[ast.stmt]:
    """Return a counter behind a call of an assertion library, or one that says that unittest's was about constants."""
    call = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
    if not isinstance(call, ast.Call):
        return
    root, chain, args = call_chain(call)
    fixed = bool(args) and all(is_fixed(arg, known) for arg in args)
    if chain[0] in VALIDATORS:
        yield counter(statement, "passed", CONSTANT if fixed else REAL)
    elif not isinstance(statement, ast.Expr) or root is None:
        return
    elif root.id == "self" and len(chain) == 1:
        said = as_condition(chain[0], call.args)
        if said is not None and is_vain(said, known):
            yield counter(statement, "passed", VAIN)
    elif any(CHECKS.match(name) for name in (*chain, root.id)) and root.id not in ("self", "cls"):
        made = counter(statement, "checked", CONSTANT if fixed else REAL)
        made.value.args.insert(0, ast.copy_location(ast.Name(root.id, ast.Load()), statement))
        yield made


def call_chain(call: ast.Call) -> tuple[ast.Name | None, list[str], list[ast.expr]]:
    """Return the name that a chain of calls starts with, the attributes that follow, last first, and all arguments."""
    node: ast.expr = call
    chain, args = [], []
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Call):
            args += [*node.args, *(keyword.value for keyword in node.keywords)]
            node = node.func
        elif isinstance(node, ast.Attribute):
            chain.append(node.attr)
            node = node.value
        else:
            return None, chain or [""], args
    return node, chain or [node.id], args


def as_condition(method: str, args: list[ast.expr]) -> ast.expr | None:
    """Return what one of unittest's assertions says as the condition of an assert."""
    two = {
        "assertEqual": ast.Eq,
        "assertIs": ast.Is,
        "assertIn": ast.In,
        "assertGreaterEqual": ast.GtE,
        "assertGreater": ast.Gt,
        "assertLessEqual": ast.LtE,
        "assertLess": ast.Lt,
        "assertNotEqual": ast.NotEq,
        "assertAlmostEqual": ast.Eq,
    }
    if method in two and len(args) > 1:
        return ast.Compare(args[0], [two[method]()], [args[1]])
    one = {"assertTrue", "assertIsNotNone", "assertIsNone", "assertFalse", "assertIsInstance"}
    if method not in one or not args:
        return None
    return args[0] if method == "assertTrue" else ast.UnaryOp(ast.Not(), args[0])


def counter(beside: ast.stmt, name: str, *args: Any) -> Any:
    """Return a statement that calls one of the witness's counters."""
    values: list[ast.expr] = [ast.Constant(arg) for arg in args]
    call = ast.Call(ast.Name(f"@untilgreen_{name}", ast.Load()), values, [])
    return ast.fix_missing_locations(ast.copy_location(ast.Expr(call), beside))


def place_of(statement: ast.stmt, path: str) -> str:
    """Return what tells an assertion from any other."""
    return f"{path}:{statement.lineno}:{statement.col_offset}"


def count_failures(node: ast.AST, path: str) -> None:
    """Put a counter before whatever fails a test, after pytest has made `if not ...: raise` of each assert."""
    for block in blocks(node):
        for statement in block:
            count_failures(statement, path)
        if any(map(is_failure, block)):
            block[:] = with_failures(block, path)


def with_failures(statements: Iterable[ast.stmt], path: str) -> Iterator[ast.stmt]:
    """Return statements, each failure after its counter."""
    for statement in statements:
        if is_failure(statement):
            yield counter(statement, "failed", place_of(statement, path))
        yield statement


class Plain(ast.NodeTransformer):
    """Makes `if not ...: raise` of asserts where pytest would leave them alone: the message stays what it is."""

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        """Replace one."""
        error = ast.Call(ast.Name("AssertionError", ast.Load()), [node.msg] if node.msg else [], [])
        made = ast.If(ast.UnaryOp(ast.Not(), node.test), [ast.Raise(error, None)], [])
        return ast.fix_missing_locations(ast.copy_location(made, node))
