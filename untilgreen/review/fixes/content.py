"""What a fix may write."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, ask, stop
from untilgreen.review.fixes.credentials import looks_secret
from untilgreen.ssot.syntax import Unreadable, parsed

_LIMIT = r"(?:time_?out|deadline|retr(?:y|ies)|attempts?|wait|delay|sleep|backoff|startup|grace|memory|max)"
_LIMIT_SETTING = re.compile(rf"[ ,]*\w*{_LIMIT}\w*[\"']?\s*(?:[=:(]\s*)+[\"']?\d[\d_.]*\w*[\"']?\)?", re.IGNORECASE)
_SENSES = re.compile(
    r"PYTEST_|[\"'](?:pytest|unittest|_pytest)[\"']\s+(?:not\s+)?in\s+sys\.modules|import\s+_?pytest\b"
)
_CHECK = re.compile(r"validat|verif|authenti|authori[sz]|permission|sanitiz|check|require|ensure", re.IGNORECASE)
_LAX = re.compile(
    r"verify\s*=\s*False|check_hostname\s*=\s*False|CERT_NONE|verify_signature[\"']?\s*:\s*False"
    r"|allow[-_]unauthenticated|allUsers"
)
_BROAD = frozenset({"", "Exception", "BaseException"})


def parses(change: Change) -> Iterator[Finding]:
    """Every Python file that it touches can be parsed."""
    for path in change.touched:
        tree = parsed(change.after.get(path, "")) if path.endswith(".py") else None
        if isinstance(tree, Unreadable):
            where = f"{path}:{tree.line}"
            yield stop("syntax", f"{where} is not Python: {tree.problem}", where)


def holds_no_secret(change: Change) -> Iterator[Finding]:
    """It adds no credential. The finding says where, never what."""
    for line in change.added:
        if sort := looks_secret(line.text):
            where = f"{line.path}:{line.number}"
            yield stop("secrets", f"{where} adds what looks like {sort}; bind a secret instead", where)


def does_not_sense_tests(change: Change) -> Iterator[Finding]:
    """The product does not behave otherwise when it is tested."""
    for line in change.added:
        if not change.is_test(line.path) and _SENSES.search(line.text):
            where = f"{line.path}:{line.number}"
            yield stop("senses_tests", f"{where} lets the product notice that it is tested", where)


def does_more_than_raise_limits(change: Change) -> Iterator[Finding]:
    """Raising a limit hides a cause, unless the limit is the cause."""
    if change.fix.breaks.startswith(("config_mismatch ", "resource_exhausted ")):
        return
    added = Counter(_without_limits(line.text) for line in change.added if line.text.strip())
    removed = Counter(_without_limits(line.text) for line in change.removed if line.text.strip())
    added.pop("", None)
    removed.pop("", None)
    raised = [line for line in change.added if _LIMIT_SETTING.search(line.text)]
    if raised and added == removed:
        where = f"{raised[0].path}:{raised[0].number}"
        yield ask("limits", f"{where} changes limits only; why was the old one not enough?", where)


def _without_limits(text: str) -> str:
    return _LIMIT_SETTING.sub("", text).strip()


def keeps_checks(change: Change) -> Iterator[Finding]:
    """It takes no check away."""
    for line in change.added:
        if _LAX.search(line.text):
            where = f"{line.path}:{line.number}"
            yield ask("checks", f"{where} turns a check off", where)
    lost = _count(change, change.before, _checks_in) - _count(change, change.after, _checks_in)
    if lost:
        names = ", ".join(sorted(lost))
        yield ask("checks", f"takes away checks: {names}", *_python(change))


def swallows_nothing(change: Change) -> Iterator[Finding]:
    """It adds no handler that swallows every error."""
    if _count(change, change.after, _swallowing_in) - _count(change, change.before, _swallowing_in):
        yield ask("except", "adds a handler that swallows every error; name the ones that are meant", *_python(change))


def _python(change: Change) -> list[str]:
    return [path for path in change.touched if path.endswith(".py")]


def _count(change: Change, tree: Mapping[str, str], seek: Callable[[ast.AST], Iterator[str]]) -> Counter[str]:
    """Count over all touched files together, so that moving something from one to another changes nothing."""
    modules = [parsed(tree.get(path, "")) for path in _python(change)]
    return Counter(name for m in modules if isinstance(m, ast.Module) for node in ast.walk(m) for name in seek(node))


def _checks_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Raise | ast.Assert):
        yield type(node).__name__.lower()
    elif isinstance(node, ast.Call):
        name = ast.unparse(node.func).rpartition(".")[2]
        if _CHECK.search(name):
            yield name


def _swallowing_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ExceptHandler):
        kind = ast.unparse(node.type) if node.type else ""
        kinds = {name.strip("() ") for name in kind.split(",")}
        if kinds & _BROAD and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
            yield "except"
    elif isinstance(node, ast.Call) and any(ast.unparse(argument) in _BROAD for argument in node.args):
        yield from ["suppress"] if ast.unparse(node.func).rpartition(".")[2] == "suppress" else []
