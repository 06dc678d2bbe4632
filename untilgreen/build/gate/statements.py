"""The imports that a source makes, and which of them are certain to be carried out when it is imported or run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

_GUARDS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement.

    Attributes:
        line: from 1.
        level: leading dots.
        module: dotted name after the dots; may be empty.
        names: what is taken from it; empty for `import module`.
        sure: whether it is carried out whenever the file is: not in a function, not under a condition.
    """

    line: int
    level: int
    module: str
    names: tuple[str, ...]
    sure: bool


def parsed(text: str) -> ast.Module | None:
    """Return a source's tree; None when our own Python cannot parse it."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def imports_of(tree: ast.Module, *, main: bool) -> Iterator[Import]:
    """Go through a source's imports.

    What `except ImportError` guards, and what only a type checker sees, is left out: nothing breaks without it.

    Args:
        tree: the source.
        main: whether it is run as `__main__`.
    """
    return _of(tree.body, main=main, sure=True)


def binds(tree: ast.Module, name: str) -> bool:
    """Tell whether a module may give a name a value, so that `from module import name` needs no file of that name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name in (
            name,
            "__getattr__",
        ):
            return True
        if isinstance(node, ast.alias) and (node.asname or node.name.partition(".")[0]) in (name, "*"):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("globals", "exec"):
            return True
    return False


def _of(nodes: Iterable[ast.stmt], *, main: bool, sure: bool) -> Iterator[Import]:
    for node in nodes:
        match node:
            case ast.Import(names=names):
                yield from (Import(node.lineno, 0, alias.name, (), sure) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                yield Import(node.lineno, level, module or "", tuple(alias.name for alias in names), sure)
            case ast.Try() | ast.TryStar():
                yield from _of_try(node, main=main, sure=sure)
            case ast.If():
                yield from _of_if(node, main=main, sure=sure)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                guarded = any("suppress" in ast.unparse(item.context_expr) for item in items)
                yield from () if guarded else _of(body, main=main, sure=sure)
            case ast.ClassDef(body=body):
                yield from _of(body, main=main, sure=sure)
            case _:
                yield from _of(_inner(node), main=main, sure=False)


def _of_try(node: ast.Try | ast.TryStar, *, main: bool, sure: bool) -> Iterator[Import]:
    if not any(_guards(handler) for handler in node.handlers):
        yield from _of(node.body, main=main, sure=sure)
    yield from _of((stmt for handler in node.handlers for stmt in handler.body), main=main, sure=False)
    yield from _of(node.orelse, main=main, sure=False)
    yield from _of(node.finalbody, main=main, sure=sure)


def _guards(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(name).rpartition(".")[2] in _GUARDS for name in caught)


def _of_if(node: ast.If, *, main: bool, sure: bool) -> Iterator[Import]:
    test = ast.unparse(node.test)
    if "__name__" in test and "__main__" in test:
        yield from _of(node.body, main=main, sure=sure) if main else ()
    elif "TYPE_CHECKING" in test:
        yield from _of(node.orelse, main=main, sure=sure)
    else:
        yield from _of((*node.body, *node.orelse), main=main, sure=False)


def _inner(node: ast.stmt) -> list[ast.stmt]:
    """Return the statements inside a function, a loop or a match."""
    cases = [stmt for case in getattr(node, "cases", ()) for stmt in case.body]
    return [*getattr(node, "body", ()), *getattr(node, "orelse", ()), *cases]


def only_certain(found: Import, *, sure: bool) -> Import:
    """Return an import as it counts in a file that is itself only perhaps imported."""
    return found if sure else replace(found, sure=False)
