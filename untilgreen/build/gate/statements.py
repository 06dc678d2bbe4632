"""The imports that a source makes, and which of them are certain to be carried out when it is imported or run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

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
        main: whether that is so only when the file is run as `__main__`.
    """

    line: int
    level: int
    module: str
    names: tuple[str, ...]
    sure: bool
    main: bool


@dataclass(frozen=True, slots=True)
class Source:
    """What the gate needs to know of a source. Trees are not kept: those of a large project fill the memory.

    Attributes:
        imports: what it imports. What `except ImportError` guards, and what only a type checker sees, is left out:
            nothing breaks without it.
        bound: names that it may give a value; with `*` among them it may give any. `from module import name` needs no
            file of such a name.
        defined: those of them that it does not import.
        empty: whether it does nothing at all.
    """

    imports: tuple[Import, ...] = ()
    bound: frozenset[str] = frozenset()
    defined: frozenset[str] = frozenset()
    empty: bool = True


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a statement stands."""

    sure: bool = True
    main: bool = False

    @property
    def perhaps(self) -> _Place:
        return _Place(sure=False, main=self.main)


def parsed(text: str) -> ast.Module | None:
    """Return a source's tree; None when our own Python cannot parse it."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def source_of(text: str) -> Source | None:
    """Read a source; None when our own Python cannot parse it."""
    tree = parsed(text)
    if tree is None:
        return None
    nodes = list(ast.walk(tree))
    defined = frozenset(name for node in nodes for name in _defined(node))
    imported = (alias.asname or alias.name.partition(".")[0] for alias in nodes if isinstance(alias, ast.alias))
    return Source(tuple(_of(tree.body, _Place())), defined.union(imported), defined, not tree.body)


def _defined(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield "*" if name == "__getattr__" else name
        case ast.Call(func=ast.Name(id="globals" | "exec")):
            yield "*"


def _of(nodes: Iterable[ast.stmt], place: _Place) -> Iterator[Import]:
    for node in nodes:
        match node:
            case ast.Import(names=names):
                yield from (Import(node.lineno, 0, alias.name, (), place.sure, place.main) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                taken = tuple(alias.name for alias in names)
                yield Import(node.lineno, level, module or "", taken, place.sure, place.main)
            case ast.Try() | ast.TryStar():
                yield from _of_try(node, place)
            case ast.If():
                yield from _of_if(node, place)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                guarded = any("suppress" in ast.unparse(item.context_expr) for item in items)
                yield from () if guarded else _of(body, place)
            case ast.ClassDef(body=body):
                yield from _of(body, place)
            case _:
                yield from _of(_inner(node), place.perhaps)


def _of_try(node: ast.Try | ast.TryStar, place: _Place) -> Iterator[Import]:
    if not any(_guards(handler) for handler in node.handlers):
        yield from _of(node.body, place)
    yield from _of((stmt for handler in node.handlers for stmt in handler.body), place.perhaps)
    yield from _of(node.orelse, place.perhaps)
    yield from _of(node.finalbody, place)


def _guards(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(name).rpartition(".")[2] in _GUARDS for name in caught)


def _of_if(node: ast.If, place: _Place) -> Iterator[Import]:
    test = ast.unparse(node.test)
    if "__name__" in test and "__main__" in test:
        yield from _of(node.body, _Place(sure=place.sure, main=True))
        yield from _of(node.orelse, place.perhaps)
    elif "TYPE_CHECKING" in test:
        yield from _of(node.orelse, place)
    else:
        yield from _of((*node.body, *node.orelse), place.perhaps)


def _inner(node: ast.stmt) -> list[ast.stmt]:
    """Return the statements inside a function, a loop or a match."""
    cases = [stmt for case in getattr(node, "cases", ()) for stmt in case.body]
    return [*getattr(node, "body", ()), *getattr(node, "orelse", ()), *cases]
