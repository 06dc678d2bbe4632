"""Which functions serve a path, what they call, and which changes touched them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from untilgreen.model.evidence import Hunk
from untilgreen.triage.callsites import Definition, dotted, index_of
from untilgreen.triage.routes import Route, Routes, route_of
from untilgreen.triage.scene import Scene
from untilgreen.triage.syntax import python_files

_DEPTH = 2
_TRIVIAL = 4


def handlers(scene: Scene, service: str, path: str) -> list[Definition]:
    """Return the functions that a service registers for a path, by decorator or by call."""
    key = ("handlers", service)
    if key not in scene.memo:
        scene.memo[key] = dict(_registered(scene, service))
    routes: dict[Route, list[Definition]] = scene.memo[key]
    fitting = Routes({*routes, *scene.routes(service)}).serving(path)
    best = next((route for route in fitting if route in routes), None)
    return routes[best] if best else []


def _registered(scene: Scene, service: str) -> Iterator[tuple[Route, list[Definition]]]:
    found: dict[Route, list[Definition]] = {}
    index = index_of(scene, service)
    for file in python_files(scene.files(service)):
        for node in ast.walk(scene.tree(file.path) or ast.Module([], [])):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                own = Definition(file.path, node.lineno, node.end_lineno or node.lineno, node.name)
                for call in node.decorator_list:
                    for route in _literals(call):
                        found.setdefault(route, []).append(own)
            elif isinstance(node, ast.Call):
                for route in _literals(node):
                    names = [dotted(a).rsplit(".", 1)[-1] for a in (*node.args, *(k.value for k in node.keywords))]
                    found.setdefault(route, []).extend(d for name in names for d in index.definitions.get(name, ()))
    yield from ((route, definitions) for route, definitions in found.items() if definitions)


def _literals(node: ast.expr) -> Iterator[Route]:
    if isinstance(node, ast.Call):
        for argument in node.args:
            if (
                isinstance(argument, ast.Constant)
                and isinstance(argument.value, str)
                and argument.value.startswith("/")
            ):
                yield route_of(argument.value)


def reach(scene: Scene, service: str, start: Iterable[Definition]) -> list[Definition]:
    """Return functions and those that they call by name, two calls deep."""
    index = index_of(scene, service)
    found = list(dict.fromkeys(start))
    edge = list(found)
    for _ in range(_DEPTH):
        called = {s.short for s in index.sites for d in edge if d.holds(s.path, s.line)}
        edge = [d for name in sorted(called) for d in index.definitions.get(name, ()) if d not in found]
        found += edge
    return found


def touching(scene: Scene, functions: list[Definition]) -> list[Hunk]:
    """Return the changes since the last good commit that lie in one of these functions, newest first."""
    return [h for h in scene.hunks if any(_touches(scene, h, f) for f in functions)]


def _touches(scene: Scene, hunk: Hunk, function: Definition) -> bool:
    """Compare texts, since later commits move lines; a pure removal leaves only its place."""
    if hunk.path != function.path:
        return False
    added = {line.strip() for line in hunk.added if len(line.strip()) > _TRIVIAL}
    if added:
        body = {line.strip() for line in scene.lines(function.path)[function.line - 1 : function.end]}
        return bool(added & body)
    return function.line <= hunk.line <= function.end + 1
