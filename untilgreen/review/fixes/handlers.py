"""Whether a fix hides errors instead of their cause."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from untilgreen.model.analysis import Finding
from untilgreen.model.claims import CodeDefect
from untilgreen.review.fixes.change import Change, Line, ask
from untilgreen.review.fixes.guards import refuses
from untilgreen.review.fixes.places import new_places

_BROAD = frozenset({"", "Exception", "BaseException", "builtins.Exception", "builtins.BaseException"})
_CATCHERS = re.compile(r"suppress|catch|handler|ignore|swallow|excepthook", re.IGNORECASE)
_LEAVES = (ast.Return, ast.Break, ast.Continue)
_SHELL = re.compile(
    r"\|\|\s*(?:true|:|exit\s+0|echo)\b|\|\|\s*:|^\s*set\s+\+e|continue-on-error:\s*true|--exit-zero|ignore_errors:\s*(?:true|yes)"
    r"|catch\s*(?:\(\s*\w*\s*\))?\s*\{\s*\}|\.catch\(\s*\(?\w*\)?\s*=>\s*\{?\s*\}?\s*\)"
)
"""The same in shell, CI and JavaScript."""
_MUTE = re.compile(
    r"logging\.disable\(|\.disabled\s*=\s*True|setLevel\(\s*(?:logging\.)?(?:CRITICAL|FATAL|100)"
    r"|filterwarnings\(\s*[\"']ignore|LOG_?LEVEL\W+(?:CRITICAL|FATAL|OFF|NONE)\b",
    re.IGNORECASE,
)


def swallows_nothing(change: Change) -> Iterator[Finding]:
    """It adds no handler that swallows every error."""
    for place in new_places(change, swallowing_in):
        where = place.where
        yield ask("except", f"{where} swallows every error; name the ones that are meant, or let it rise", where)
    for line in change.added:
        if _SHELL.search(line.text) and not line.path.endswith((".py", ".md")):
            yield ask("except", f"{_at(line)} ignores that a command failed", _at(line))


def catches_its_symptom(change: Change) -> Iterator[Finding]:
    """It does not catch the very error that was found, and go on as if nothing were wrong."""
    errors = _found_errors(change)
    for place in new_places(change, lambda node: _catching(node, errors)) if errors else ():
        what = " or ".join(sorted(errors))
        message = f"{place.where} catches {what}, the symptom, and goes on; what raises it stays as it is"
        yield ask("symptom", message, place.where)
    claim = change.analysis.leaf.claim if change.analysis else None
    if isinstance(claim, CodeDefect):
        for place in new_places(change, _going_on):
            if place.path == claim.path and claim.symbol and claim.symbol.rpartition(".")[2] in place.scope.split("."):
                message = (
                    f"{place.where} goes on after an error in {claim.symbol}, where the defect is; mend what raises it"
                )
                yield ask("symptom", message, place.where)


def _going_on(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Find handlers that neither raise nor tell the caller that something is wrong."""
    if isinstance(node, ast.ExceptHandler) and not raises(node.body):
        calls = (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))
        if not any(refuses(call) for call in calls):
            yield "goes on", ast.unparse(node)


def keeps_talking(change: Change) -> Iterator[Finding]:
    """It does not turn logs or warnings off: the next cycle needs them."""
    for line in change.added:
        if not change.is_test(line.path) and _MUTE.search(line.text):
            yield ask("mute", f"{_at(line)} silences what would tell of the next error", _at(line))


def swallowing_in(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Go through what swallows every error at a node."""
    if isinstance(node, ast.ExceptHandler) and _kinds(node) & _BROAD and not raises(node.body):
        yield "except", ast.unparse(node)
    elif isinstance(node, ast.Try | ast.TryStar) and any(isinstance(inner, _LEAVES) for inner in node.finalbody):
        yield "finally", ast.unparse(node.finalbody[0])
    elif isinstance(node, ast.Call) and _catches_all(node):
        yield "call", ast.unparse(node)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _forgives(node):
        yield "exit", ast.unparse(node)


def _forgives(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether a context manager ends errors, whatever they are."""
    returned = (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return))
    return node.name in {"__exit__", "__aexit__"} and any(_true(value) for value in returned)


def _catches_all(node: ast.Call) -> bool:
    arguments = {ast.unparse(one) for one in (*node.args, *(k.value for k in node.keywords))}
    name = ast.unparse(node.func).rpartition(".")[2]
    return bool(arguments & _BROAD and _CATCHERS.search(name)) or _gathers(node, name)


def _gathers(node: ast.Call, name: str) -> bool:
    return name == "gather" and any(k.arg == "return_exceptions" and _true(k.value) for k in node.keywords)


def _true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _kinds(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {""}
    named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(one) for one in named}


def raises(body: list[ast.stmt]) -> bool:
    """Tell whether statements end by raising, whatever way they take."""
    last = body[-1] if body else None
    if isinstance(last, ast.If):
        return raises(last.body) and raises(last.orelse)
    if isinstance(last, ast.Try | ast.With | ast.AsyncWith):
        return raises(last.body) or raises(getattr(last, "finalbody", []))
    return isinstance(last, ast.Raise)


def _catching(node: ast.AST, errors: frozenset[str]) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ExceptHandler):
        goes_on, caught = not raises(node.body), _kinds(node)
    elif isinstance(node, ast.Call):
        goes_on = ast.unparse(node.func).rpartition(".")[2] == "suppress"
        caught = {ast.unparse(one) for one in node.args}
    else:
        return
    if goes_on and {name.rpartition(".")[2] for name in caught} & errors:
        yield "caught", ast.unparse(node)


def _found_errors(change: Change) -> frozenset[str]:
    """Return the exceptions that the analysis names."""
    claims = [why.claim for why in change.analysis.whys] if change.analysis else []
    named = (getattr(claim, "exception", "") for claim in claims)
    return frozenset(name.rpartition(".")[2] for name in named if name)


def _at(line: Line) -> str:
    return f"{line.path}:{line.number}"
