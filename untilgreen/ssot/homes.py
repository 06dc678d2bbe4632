"""Constants and environment variables that have one home."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from untilgreen.deploy.secrets_reads import Read, reads_in
from untilgreen.ssot.callees import Candidate, spellings
from untilgreen.ssot.deviation import Deviation, Subject, shown
from untilgreen.ssot.modules import Code, Module
from untilgreen.ssot.names import identity, text_of
from untilgreen.ssot.origins import argument
from untilgreen.ssot.scopes import Scope, scopes
from untilgreen.ssot.sinks import calls
from untilgreen.ssot.syntax import walk

_FETCHERS = frozenset(
    {"os.environ", "os.getenv", "os.environ.get", "os.environ.pop", "os.environ.setdefault", "os.getenvb"}
)
_SPELT = frozenset({"environ", "getenv", "getenvb"})
_FOR_CALLERS = re.compile(
    r"""(?:environ|getenv) (?: (?:\.\w+)? \s* [\[(] \s* [A-Za-z_] | \s+ as \s | ["'] | \s* [,)] | \s* $ )""",
    re.MULTILINE | re.VERBOSE,
)
"""A variable that is named elsewhere: by a parameter, or under another name of `environ`."""
_SHORT_TEXT = 6
_SMALL = 100
"""Shorter texts and smaller round numbers mean many things."""


def second_constants(subject: Subject) -> Iterator[Deviation | tuple[str, str]]:
    """Go through the definitions of a constant outside of its home, and of literals that repeat its value."""
    for name, homes in subject.registry.constants.items():
        message = f"defines {name}; its home is {homes[0]}: import it"
        for module in subject.code.naming(frozenset({name})):
            for scope, line in _definitions(subject.code, module, homes, name) if module.path not in homes else ():
                yield _deviation(("constant", name), (scope, line), f"{name} =", message)
        value = _value(subject.code, homes[0], name)
        if value is not None:
            yield from _repeated(subject.code, name, value, homes)


def _definitions(code: Code, module: Module, homes: tuple[str, ...], name: str) -> Iterator[tuple[Scope, int]]:
    """Go through assignments to a name; one of the home's own value only hands it on."""
    for scope in scopes(module):
        for one in scope.assigned.get(name, ()):
            if not (one.value is not None and _same(code, scope, one.value, homes, name)):
                yield scope, one.line
    for owned, values in module.values.items():
        if owned.endswith(f".{name}"):
            yield scopes(module)[0], values[0].lineno


def _same(code: Code, scope: Scope, value: ast.expr, homes: tuple[str, ...], name: str) -> bool:
    return identity(code, scope, value) in {f"{home}:{name}" for home in homes}


def _value(code: Code, home: str, name: str) -> str | float | None:
    """Return a constant's value, if it is one that nobody writes by chance."""
    module = code.module(home)
    values = module.values.get(name, []) if module else []
    value = values[0].value if len(values) == 1 and isinstance(values[0], ast.Constant) else None
    if isinstance(value, str):
        return value if len(value) >= _SHORT_TEXT else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        telling = abs(value) > _SMALL and str(value).strip("0.") not in {"1", "2", "5"}
        return value if telling else None
    return None


def _repeated(code: Code, name: str, value: str | float, homes: tuple[str, ...]) -> Iterator[Deviation]:
    message = f"writes the value of {name}; if it is the same thing, import it from {homes[0]}"
    for module in code.naming(frozenset({str(value), repr(value)})):
        for scope in scopes(module) if module.path not in homes else ():
            for expression, _ in scope.expressions:
                for node in walk(expression):
                    if isinstance(node, ast.Constant) and type(node.value) is type(value) and node.value == value:
                        place = (scope, node.lineno)
                        yield _deviation(("constant", name), place, shown(expression), message, sure=False)


def second_readers(subject: Subject) -> Iterator[Deviation | tuple[str, str]]:
    """Go through the places that read an environment variable outside of its home."""
    if not subject.registry.env:
        return
    for name, scope, line in env_reads(subject.code, frozenset(subject.registry.env)):
        homes = subject.registry.env.get(name)
        if homes and scope.module.path in homes:
            yield "env", name
        elif homes:
            message = f"reads {name}; its home is {homes[0]}: take it from there"
            yield _deviation(("env", name), (scope, line), name, message)


def env_reads(code: Code, wanted: frozenset[str] = frozenset()) -> Iterator[tuple[str, Scope, int]]:
    """Go through the reads of environment variables: name, scope, line.

    A function that reads for its callers counts where it is called.

    Args:
        code: the product.
        wanted: variables that matter; files that cannot read one of them are left out. Empty: all.
    """
    readers: list[tuple[Scope, str]] = []
    for module in _asking(code, wanted):
        seen: set[tuple[str, int]] = set()
        for scope, asked, key in _askings(module):
            if identity(code, scope, asked) in _FETCHERS:
                if text := text_of(scope, key):
                    seen.add((text, key.lineno))
                    yield text, scope, key.lineno
                elif isinstance(key, ast.Name) and key.id in scope.accepts:
                    readers.append((scope, key.id))
        top = scopes(module)[0]
        yield from ((r.name, top, r.line) for r in _plain_reads(module) if (r.name, r.line) not in seen)
    for reader, parameter in readers:
        yield from _read_for(code, reader, parameter)


def _asking(code: Code, wanted: frozenset[str]) -> Iterator[Module]:
    paths = code.having("environ") | code.having("getenv") | code.having("BaseSettings")
    for path in sorted(paths):
        text = code.texts[path]
        named = not wanted or any(name.lower() in text.lower() for name in wanted) or _FOR_CALLERS.search(text)
        if named and (module := code.module(path)):
            yield module


@lru_cache(maxsize=4096)
def _plain_reads(module: Module) -> tuple[Read, ...]:
    return tuple(reads_in(module.tree, module.path))


@lru_cache(maxsize=4096)
def _askings(module: Module) -> tuple[tuple[Scope, ast.expr, ast.expr], ...]:
    """Return what may ask for a variable by how it is spelt: scope, what is asked, and the key."""
    candidate = Candidate(module, spellings(module, _SPELT))
    return tuple(
        (scope, asked, key)
        for scope in scopes(module)
        for expression, _ in scope.expressions
        for asked, key in _asked(expression)
        if candidate.spells(asked)
    )


def _asked(expression: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    for node in walk(expression):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            yield node.value, node.slice
        elif isinstance(node, ast.Call) and node.args:
            yield node.func, node.args[0]


def _read_for(code: Code, reader: Scope, parameter: str) -> Iterator[tuple[str, Scope, int]]:
    for scope, call, _ in calls(code, reader.identity):
        if identity(code, scope, call.func) == reader.identity:
            passed = argument(reader, call, parameter)
            if passed is not None and (text := text_of(scope, passed)):
                yield text, scope, call.lineno


def _deviation(
    of: tuple[str, str], place: tuple[Scope, int], text: str, message: str, *, sure: bool = True
) -> Deviation:
    (sort, name), (scope, line) = of, place
    path = scope.module.path
    return Deviation(
        sort=sort,
        entry=name,
        path=path,
        line=line,
        function=scope.where,
        what=name,
        text=text,
        message=f"{path}:{line} {scope.where} {message}",
        sure=sure,
    )
