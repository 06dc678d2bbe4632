"""Whether a call is the one that the registry names, and where one need look for it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from untilgreen.ssot.modules import Code, Module
from untilgreen.ssot.names import last
from untilgreen.ssot.scopes import scopes
from untilgreen.ssot.syntax import walk

_ROUNDS = 3
"""A name for a name for a name: nobody goes on."""


def is_meant(function: str, declared: str) -> bool:
    """Tell whether an identity is what an entry means.

    Args:
        function: in the words of `modules`.
        declared: a symbol, an imported name, or a bare name: that of a builtin, or else of anything that is called so.
    """
    if not function:
        return False
    if ":" in declared or "." in declared or hasattr(builtins, declared):
        return function == declared or function.startswith(f"{declared}.")
    return last(function) == declared or function.startswith(f"{declared}.")


@dataclass(frozen=True)
class Candidate:
    """A file that may use something, and the names under which it could."""

    module: Module
    names: frozenset[str]

    def spells(self, node: ast.expr) -> bool:
        """Tell whether an expression could stand for it: all others need not be looked up."""
        match node:
            case ast.Attribute(attr=name, value=value):
                return name in self.names or self.spells(value)
            case ast.Name(id=name):
                return name in self.names
            case ast.Call(func=func):
                return isinstance(func, ast.Name) and func.id == "getattr"
            case _:
                return False


def candidates(code: Code, declared: str) -> Iterator[Candidate]:
    """Go through the files that may use a function, in order.

    Whoever uses it has its name and that of its module, or those of a module that hands it on.
    """
    own = last(declared)
    exported = {own}
    paths = _direct(code, declared, own)
    for _ in range(_ROUNDS):
        more = set(paths)
        for path in sorted(paths):
            module = code.module(path)
            handed = _names(module, frozenset(exported)) if module else frozenset()
            exported |= handed
            stem = _stem(path)
            near = code.having(stem) | code.relative(path) if handed else frozenset()
            more |= {p for name in handed for p in near & code.having(name)}
        if more == paths:
            break
        paths = more
    for path in sorted(paths):
        if module := code.module(path):
            yield Candidate(module, spellings(module, frozenset(exported)))


def _direct(code: Code, declared: str, own: str) -> set[str]:
    path, colon, symbol = declared.rpartition(":")
    having = code.having(own)
    if not colon:
        return set(having & code.having(declared.partition(".")[0]))
    if "." in symbol:
        return set(having)  # a method is called on objects, wherever they come from
    near = code.having(_stem(path))
    return set(having & (near | code.relative(path) | {path})) | set(near & code.having("*"))


def _stem(path: str) -> str:
    """Return the last word of a module's name."""
    file = PurePosixPath(path)
    return file.parent.name if file.name == "__init__.py" else file.stem


def _names(module: Module, known: frozenset[str]) -> frozenset[str]:
    """Return the names under which a module hands on what it imports or gives another name."""
    found = {alias for alias, source in module.imports.items() if source.rpartition("|")[2] in known}
    found |= {alias for alias, values in module.values.items() if any(_mentions(v, known) for v in values)}
    found |= known if module.stars else set()
    return frozenset(last(f"x.{name}") for name in found)


def spellings(module: Module, known: frozenset[str]) -> frozenset[str]:
    """Return all names in a file that may stand for any of these, local ones too."""
    names = known | _names(module, known)
    for _ in range(_ROUNDS):
        more = {
            name
            for scope in scopes(module)
            for name, values in scope.assigned.items()
            if any(one.value is not None and _mentions(one.value, names) for one in values)
        }
        more |= {last(f"x.{n}") for n, values in module.values.items() if any(_mentions(v, names) for v in values)}
        if more <= names:
            break
        names |= more
    return names


def _mentions(node: ast.expr, names: frozenset[str]) -> bool:
    """Tell whether a value could be another name for one of these: it is no call of it, and no larger thing."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in names
        case ast.Call(args=[first, *rest]):
            handed = any(_mentions(one, names) for one in (first, *rest))
            return handed or any(isinstance(n, ast.Constant) and n.value in names for n in rest)
        case ast.Constant(value=str(text)):
            return text in names
        case _:
            return isinstance(node, ast.Lambda) and any(
                isinstance(n, ast.Name | ast.Attribute) and _mentions(n, names) for n in walk(node.body)
            )
