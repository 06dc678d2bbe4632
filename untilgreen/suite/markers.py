"""Marker expressions, as pytest's -m takes them: whether one is any, and whether a commit's tests could match it.

Nothing is imported or run: a marker that some test has is spelled somewhere.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MAY_MARK = (".py", "pytest.ini", "pytest.toml", "pyproject.toml", "tox.ini", "setup.cfg")
"""How files end in which a marker can be given to a test, or be declared."""
_WORD = re.compile(r"[\w:+.\[\]\\/-]+")
"""What pytest takes for a marker's name in an expression."""
_STRING = re.compile(r"\"[^\"]*\"|'[^']*'")
_LOGIC = frozenset({"and", "or", "not", "True", "False", "None"})
_NODES = (ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Name, ast.Load, ast.Call, ast.keyword)
_VALUES = (ast.Constant, ast.USub)
_MARK = re.compile(r"\bmark\.(\w+)")
_OWN = frozenset({"parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings"})
"""pytest's own; nobody means a part of the suite by them, unless they say so."""


class Expression(NamedTuple):
    """A marker expression that pytest can read."""

    tree: ast.expr
    names: tuple[str, ...]
    """What the tree calls `m0`, `m1` ..., for a marker's name need be none of Python's."""

    @property
    def markers(self) -> tuple[str, ...]:
        """Return the names of markers, without those of their keywords."""
        within = {id(part) for node in ast.walk(self.tree) if isinstance(node, ast.keyword) for part in ast.walk(node)}
        used = [node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name) and id(node) not in within]
        return tuple(dict.fromkeys(self.names[int(name[1:])] for name in used))


def expression_of(wanted: str) -> Expression | None:
    """Read names, and, or, not, brackets, and a marker's own keywords; None for anything else."""
    names: list[str] = []

    def numbered(word: re.Match[str]) -> str:
        if word[0] in _LOGIC or word[0][0].isdigit():
            return word[0]
        names.append(word[0])
        return f"m{len(names) - 1}"

    try:
        tree = ast.parse(_WORD.sub(numbered, _STRING.sub("0", wanted)), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    nodes = list(ast.walk(tree))
    if not all(isinstance(node, (*_NODES, *_VALUES)) for node in nodes):
        return None
    given = {f"m{number}" for number in range(len(names))}
    if any(isinstance(node, ast.Name) and node.id not in given for node in nodes):
        return None  # Python takes letters into a name that pytest does not, such as a middle dot
    return Expression(tree.body, tuple(names))


def spelled(names: Sequence[str], texts: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return which of these markers may be on a test, and which markers are on any.

    Args:
        names: of markers.
        texts: of the commit's Python and configuration files, those of the tests first; no more are read than it takes.
    """
    there: set[str] = set()
    marks: set[str] = set()
    for text in texts:
        marks |= {*_MARK.findall(text)} - _OWN
        there |= {name for name in names if name not in there and _is_spelled(name, text)}
        if there == {*names}:
            break
    return frozenset(there), frozenset(marks)


def may_match(expression: Expression, there: frozenset[str]) -> bool:
    """Tell whether some test could match: one marker may be on it or not, another one is on none."""
    return True in _values(expression.tree, expression.names, there)


def _is_spelled(name: str, text: str) -> bool:
    """Tell whether a text uses, adds or declares a marker, or sets an option of a plugin that may add it."""
    word = re.escape(name)
    used, declared = rf"\bmark\.{word}\b|[\"']{word}(?!\w)", rf"^\s*{word}(?:_\w+)?\s*[:=(]|^\s+{word}\s*$"
    return bool(re.search(f"{used}|{declared}", text, re.MULTILINE))


def _values(node: ast.expr, names: Sequence[str], there: frozenset[str]) -> set[bool]:
    """Return which values an expression can have."""
    if isinstance(node, ast.BoolOp):
        parts = [_values(part, names, there) for part in node.values]
        to_hold, to_fail = (all, any) if isinstance(node.op, ast.And) else (any, all)
        holds, fails = to_hold(True in part for part in parts), to_fail(False in part for part in parts)
        return {value for value, can in ((True, holds), (False, fails)) if can}
    if isinstance(node, ast.UnaryOp):
        return {not value for value in _values(node.operand, names, there)}
    marker = node.func if isinstance(node, ast.Call) else node
    known = isinstance(marker, ast.Name) and names[int(marker.id[1:])] in there
    return {True, False} if known or isinstance(marker, ast.Constant) else {False}
