"""What a change of tests does to what they say: for the human who may allow it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, ask, stop
from untilgreen.review.fixes.places import scoped
from untilgreen.ssot.syntax import Function, Unreadable, parsed

_SKIPS = re.compile(r"\b(?:skip|skipif|xfail|skipUnless|skipIf|skipTest|expectedFailure|importorskip|flaky|deselect)\b")
_PATCH = re.compile(r"\b(?:monkeypatch|mock|patch|MagicMock|respx|responses|httpretty|requests_mock|vcr)\b|setattr\b")
_TIME = re.compile(r"time_?out|deadline|retr|attempts|wait|delay|sleep|tolerance|rel|abs|delta|places", re.IGNORECASE)
_SAYS = re.compile(r"^(?:assert\w*|expect|raises|fail|warns)$")
_STRENGTH = {"Eq": 3, "Is": 3, "Lt": 2, "Gt": 2, "LtE": 2, "GtE": 2, "In": 1, "NotEq": 1, "IsNot": 1, "NotIn": 1}
_EXACT = 3


@dataclass(frozen=True)
class Said:
    """One assertion."""

    line: int
    text: str
    subject: str
    """What it looks at: its left side."""
    strength: int
    """3 for equal, 2 for an order, 1 for anything weaker, 0 for what is always true."""


def keeps_assertions(change: Change) -> Iterator[Finding]:
    """What it does to tests weakens none of them."""
    paths = [path for path in change.touched if change.is_test(path) and path.endswith(".py")]
    before = {path: parsed(change.before.get(path, "")) for path in paths}
    old = Counter((t[0], t[1]) for module in before.values() if isinstance(module, ast.Module) for t in _tricks(module))
    for path, was in before.items():
        now = parsed(change.after.get(path, ""))
        if isinstance(now, Unreadable):
            yield stop("syntax", f"{path}:{now.line} is not Python: {now.problem}", f"{path}:{now.line}")
        elif isinstance(was, ast.Module):
            yield from _compared(change, path, _tests(was), _tests(now))
            yield from _brought(change, path, old, now)


def _against(change: Change, rule: str, message: str, where: str) -> Finding:
    return (ask if change.tests_may_change else stop)(rule, message, where)


def _compared(
    change: Change, path: str, before: Mapping[str, ast.AST], after: Mapping[str, ast.AST]
) -> Iterator[Finding]:
    """Hold each test against itself; one that is gone may have moved to another file under its name."""
    elsewhere = {
        name for other in change.after if other != path and change.is_test(other) for name in _names(change, other)
    }
    for name, old in before.items():
        if name not in after:
            if name.rpartition(".")[2] not in elsewhere:
                yield _against(change, "test_deleted", f"{path} no longer has {name}", path)
        else:
            yield from _weaker(
                change, f"{path}:{getattr(after[name], 'lineno', 1)} {name}", _said(old), _said(after[name])
            )


def _names(change: Change, path: str) -> set[str]:
    module = parsed(change.after[path]) if path.endswith(".py") and path in change.touched else None
    return {name.rpartition(".")[2] for name in _tests(module)} if isinstance(module, ast.Module) else set()


def _weaker(change: Change, where: str, old: list[Said], new: list[Said]) -> Iterator[Finding]:
    same = Counter(said.text for said in new)
    left = [said for said in new if not _taken(Counter(s.text for s in old), said.text)]
    for said in old:
        if same[said.text]:
            same[said.text] -= 1
            continue
        twin = next((other for other in left if other.subject == said.subject), None)
        if twin is None:
            yield _against(change, "test_weakened", f"{where} no longer says `{said.text}`", where.partition(" ")[0])
        elif twin.strength < said.strength:
            message = f"{where} said `{said.text}` and says `{twin.text}` now, which more answers fulfil"
            yield _against(change, "test_weakened", message, where.partition(" ")[0])
        else:
            message = f"{where} expected `{said.text}` and expects `{twin.text}` now"
            yield _against(change, "test_expects", message, where.partition(" ")[0])


def _taken(stock: Counter[str], key: str) -> bool:
    return stock[key] > 0


def _brought(change: Change, path: str, old: Counter[tuple[str, str]], after: ast.Module) -> Iterator[Finding]:
    """Name what a change brings into tests that makes them say less; what moved from another file is not brought."""
    for sort, text, line in _tricks(after):
        if old[sort, text]:
            old[sort, text] -= 1
        else:
            where = f"{path}:{line}"
            yield _against(change, sort, f"{where} brings `{text}`: {_MEANS[sort]}", where)


_MEANS = {
    "test_skipped": "a test that is not run, or may fail, proves nothing",
    "test_patched": "what is replaced by a stand-in is not tested",
    "test_waits": "a test that waits longer hides that something became slow",
    "test_guarded": "what is asserted under a condition, or in a `try`, may never be asserted",
}


def _tricks(module: ast.Module) -> Iterator[tuple[str, str, int]]:
    for scope, node in scoped(module):
        line = getattr(node, "lineno", 1)
        if isinstance(node, ast.Attribute | ast.Name) and _SKIPS.search(_last(node)):
            yield "test_skipped", _last(node), line
        elif isinstance(node, ast.arg | ast.Name | ast.alias) and _PATCH.search(_last(node)):
            yield "test_patched", _last(node), line
        elif isinstance(node, ast.keyword | ast.Assign) and (text := _waits(node)):
            yield "test_waits", text, getattr(node.value, "lineno", line)
        elif isinstance(node, ast.If | ast.ExceptHandler | ast.Return) and "test_" in scope:
            yield from _guarded(node)


def _guarded(node: ast.If | ast.ExceptHandler | ast.Return) -> Iterator[tuple[str, str, int]]:
    """Find what stands between a test and its assertions."""
    if isinstance(node, ast.If) and any(isinstance(inner, ast.Assert) for inner in ast.walk(node)):
        yield "test_guarded", f"if {ast.unparse(node.test)}", node.lineno
    elif isinstance(node, ast.ExceptHandler) and not any(
        isinstance(inner, ast.Raise | ast.Assert) for inner in ast.walk(node)
    ):
        yield "test_guarded", f"except {ast.unparse(node.type) if node.type else ''}".strip(), node.lineno
    elif isinstance(node, ast.Return):
        yield "test_guarded", ast.unparse(node), node.lineno


def _waits(node: ast.keyword | ast.Assign) -> str:
    name = (node.arg or "") if isinstance(node, ast.keyword) else ast.unparse(node.targets[0])
    number = isinstance(node.value, ast.Constant) and isinstance(node.value.value, int | float)
    return f"{name}={ast.unparse(node.value)}" if number and _TIME.search(name) else ""


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return str(getattr(node, "id", "") or getattr(node, "arg", "") or getattr(node, "name", ""))


def _tests(module: ast.Module) -> dict[str, ast.AST]:
    """Return the tests of a module, and its other functions: a helper may hold the assertion."""
    return {f"{scope}.{node.name}".lstrip("."): node for scope, node in scoped(module) if isinstance(node, Function)}


def _said(function: ast.AST) -> list[Said]:
    found = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            found.append(_assertion(node))
        elif isinstance(node, ast.Call) and _SAYS.match(ast.unparse(node.func).rpartition(".")[2]):
            subject = f"{ast.unparse(node.func)} {ast.unparse(node.args[0]) if node.args else ''}"
            found.append(Said(node.lineno, ast.unparse(node), subject, _EXACT if len(node.args) > 1 else 1))
    return found


def _assertion(node: ast.Assert) -> Said:
    test, text = node.test, ast.unparse(node)
    if isinstance(test, ast.Compare):
        weakest = min(_STRENGTH.get(type(op).__name__, 1) for op in test.ops)
        return Said(node.lineno, text, ast.unparse(test.left), weakest)
    if isinstance(test, ast.Constant | ast.Tuple) or (isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or)):
        return Said(node.lineno, text, ast.unparse(test), 0)
    return Said(node.lineno, text, ast.unparse(test), 1)
