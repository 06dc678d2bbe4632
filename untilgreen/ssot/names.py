"""Which function an expression stands for, through imports, aliases, `getattr`, `partial` and `self`."""

from __future__ import annotations

import ast
import builtins

from untilgreen.ssot.modules import Code, Module
from untilgreen.ssot.scopes import Scope

_DEEP = 8
"""An alias of an alias of an alias: nobody writes more."""
_PARTIAL = frozenset({"functools.partial", "partial"})
_IMPORTERS = frozenset({"importlib.import_module", "__import__"})


def identity(code: Code, scope: Scope, node: ast.expr, depth: int = _DEEP) -> str:
    """Return what an expression stands for, in the words of `modules`."""
    if not depth:
        return ""
    if isinstance(node, ast.Name):
        return _name(code, scope, node, depth)
    if isinstance(node, ast.Attribute):
        return attribute(code, scope, node.value, node.attr, depth)
    if isinstance(node, ast.Call):
        return _made(code, scope, node, depth)
    return ""


def attribute(code: Code, scope: Scope, value: ast.expr, name: str, depth: int = _DEEP) -> str:
    """Return what an attribute of an expression stands for."""
    if isinstance(value, ast.Name) and value.id in {"self", "cls"} and (owner := _class_around(scope)):
        return _member(code, scope.module, owner, name, depth) or f"*.{name}"
    base = identity(code, scope, value, depth - 1)
    path, _, symbol = base.rpartition(":")
    if base.endswith(".py:"):
        return code.symbol(path, name) or f"{base}{name}"
    if path.endswith(".py"):
        module = code.module(path)
        owner = symbol.removesuffix("()")
        found = _member(code, module, owner, name, depth) if module and owner in module.classes else ""
        return found or f"*.{name}"
    return f"{base}.{name}" if base and not base.startswith("*") and not base.endswith("()") else f"*.{name}"


def _class_around(scope: Scope) -> str:
    inner: Scope | None = scope
    while inner and not inner.owner:
        inner = inner.outer
    return inner.owner if inner else ""


def _member(code: Code, module: Module | None, owner: str, name: str, depth: int) -> str:
    """Return a method, or what a class or instance attribute stands for, of a class or those it builds on."""
    if module is None or not depth or owner not in module.classes:
        return ""
    whole = f"{owner}.{name}"
    if whole in module.functions:
        return f"{module.path}:{whole}"
    top = Scope(module, "", None, None)
    for value in module.values.get(whole, ()):
        if found := identity(code, top, value, depth - 1):
            return found
    for base in module.classes[owner].bases:
        path, _, symbol = identity(code, top, base, depth - 1).rpartition(":")
        if path.endswith(".py") and (found := _member(code, code.module(path), symbol, name, depth - 1)):
            return found
    return ""


def _name(code: Code, scope: Scope, node: ast.Name, depth: int) -> str:
    inner: Scope | None = scope
    while inner is not None and inner.node is not None:
        if node.id in inner.locals:
            return inner.locals[node.id].identity
        if node.id in inner.assigned:
            return _alias(code, inner, inner.assigned[node.id][-1].value, depth)
        if node.id in inner.accepts:
            return ""
        inner = inner.outer
    return _global(code, scope, node.id, depth)


def _global(code: Code, scope: Scope, name: str, depth: int) -> str:
    module = scope.module
    if name in module.functions or name in module.classes:
        return f"{module.path}:{name}"
    if name in module.values:
        top = Scope(module, "", None, None)
        return _alias(code, top, module.values[name][-1], depth) or f"{module.path}:{name}"
    found = code.symbol(module.path, name) or (
        code.imported(module, module.imports[name]) if name in module.imports else ""
    )
    if found:
        return _followed(code, found, depth)
    return name if hasattr(builtins, name) else ""


def _followed(code: Code, found: str, depth: int) -> str:
    """Go on from a value of another module to what it is an alias of."""
    path, _, symbol = found.rpartition(":")
    module = code.module(path) if path.endswith(".py") else None
    if module and symbol in module.values and depth:
        return _alias(code, Scope(module, "", None, None), module.values[symbol][-1], depth - 1) or found
    return found


def _alias(code: Code, scope: Scope, value: ast.expr | None, depth: int) -> str:
    return identity(code, scope, value, depth - 1) if value is not None else ""


def _made(code: Code, scope: Scope, node: ast.Call, depth: int) -> str:
    """Return what a call gives that stands for something: `getattr(json, "dumps")`, `partial(f)`, an object."""
    if isinstance(node.func, ast.Name) and node.func.id == "getattr" and len(node.args) > 1:
        name = text_of(scope, node.args[1])
        return attribute(code, scope, node.args[0], name, depth) if name else ""
    function = identity(code, scope, node.func, depth - 1)
    if function in _PARTIAL and node.args:
        return identity(code, scope, node.args[0], depth - 1)
    if function in _IMPORTERS and node.args:
        return text_of(scope, node.args[0])
    path, _, symbol = function.rpartition(":")
    module = code.module(path) if path.endswith(".py") else None
    return f"{function}()" if module and symbol in module.classes else ""


def text_of(scope: Scope, node: ast.expr) -> str:
    """Return a text that stands there, or under a name that has one value; empty when nobody can say."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if not isinstance(node, ast.Name):
        return ""
    inner: Scope | None = scope
    while inner is not None and inner.node is not None:
        if node.id in inner.assigned:
            values = [one.value for one in inner.assigned[node.id]]
            return text_of(inner, values[0]) if len(values) == 1 and values[0] is not None else ""
        if node.id in inner.accepts:
            return ""
        inner = inner.outer
    values = list(scope.module.values.get(node.id, ()))
    only = values[0] if len(values) == 1 else None
    return only.value if isinstance(only, ast.Constant) and isinstance(only.value, str) else ""


def last(name: str) -> str:
    """Return the last part of an identity: what is called, on whatever object."""
    return name.rpartition(":")[2].rpartition(".")[2]
