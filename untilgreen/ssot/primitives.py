"""Primitives that nobody should use outside of the canonical function's file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from untilgreen.ssot.callees import candidates, is_meant
from untilgreen.ssot.deviation import Deviation, Subject, shown
from untilgreen.ssot.modules import Code
from untilgreen.ssot.names import identity
from untilgreen.ssot.scopes import Scope, scopes
from untilgreen.ssot.syntax import walk


@dataclass(frozen=True)
class Ban:
    """A primitive, who may use it, and what to use instead."""

    name: str
    entry: str
    instead: str
    home: str
    """The file where it is free."""


def used_primitives(subject: Subject) -> Iterator[Deviation | tuple[str, str]]:
    """Go through every use of a primitive: calls, aliases, callbacks; and every call of the canonical function."""
    code, registry = subject.code, subject.registry
    for ban in _bans(subject):
        for scope, node, outer in uses(code, ban.name):
            path = scope.module.path
            if path != ban.home and not subject.exempt(path, ban.entry) and f"{path}:{scope.name}" != ban.name:
                yield _deviation(ban, scope, node, outer)
    for canonical, wanted in registry.canonical.items():
        if wanted.replaces:
            for _ in uses(code, canonical):
                yield "banned", canonical


def _bans(subject: Subject) -> Iterator[Ban]:
    for canonical, wanted in subject.registry.canonical.items():
        for name in wanted.replaces:
            yield Ban(name, canonical, f"call {canonical}", canonical.partition(":")[0])
    for name, instead in subject.registry.banned.items():
        yield Ban(name, name, instead or "nobody should call it", "")


def uses(code: Code, name: str) -> Iterator[tuple[Scope, ast.expr, ast.expr]]:
    """Go through the expressions that stand for a name, each with the expression around it."""
    for candidate in candidates(code, name):
        for scope in scopes(candidate.module):
            for expression, _ in scope.expressions:
                for node in _outermost(expression):
                    if candidate.spells(node) and is_meant(identity(code, scope, node), name):
                        yield scope, node, expression


def _outermost(expression: ast.expr) -> Iterator[ast.expr]:
    """Go through names, attributes and `getattr` calls, without the parts of one that is taken already."""
    inner: set[int] = set()
    for node in walk(expression):
        if id(node) in inner:
            continue
        if isinstance(node, ast.Attribute):
            inner |= {id(part) for part in walk(node) if isinstance(part, ast.Name)}
            yield node
        elif isinstance(node, ast.Name) or _asks(node):
            yield node


def _asks(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr"


def _deviation(ban: Ban, scope: Scope, node: ast.expr, outer: ast.expr) -> Deviation:
    path, line = scope.module.path, node.lineno
    alias = "" if ban.name.endswith(ast.unparse(node)) else f" (as {shown(node)})"
    return Deviation(
        sort="banned",
        entry=ban.entry,
        path=path,
        line=line,
        function=scope.where,
        what=ban.name,
        text=shown(outer),
        message=f"{path}:{line} {scope.where} uses {ban.name}{alias}: {ban.instead}",
    )
