"""Which functions serve a path, what they call, and which changes touched them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from untilgreen.model.evidence import Hunk, Request
from untilgreen.triage.callsites import Definition, dotted, index_of
from untilgreen.triage.frames import Spot
from untilgreen.triage.routes import Route, Routes, route_of
from untilgreen.triage.scene import Scene
from untilgreen.triage.syntax import python_files

_DEPTH = 2
_TRIVIAL = 4
_BAD = 400


def handlers(scene: Scene, service: str, path: str) -> list[Definition]:
    """Return the functions that a service registers for a path, by decorator or by call."""
    key = ("serving", f"{service} {path}")
    if key not in scene.memo:
        routes = registered(scene, service)
        fitting = Routes({*routes, *scene.routes(service)}).serving(path)
        best = next((route for route in fitting if route in routes), None)
        scene.memo[key] = routes[best] if best else []
    found: list[Definition] = scene.memo[key]
    return found


def registered(scene: Scene, service: str) -> dict[Route, list[Definition]]:
    """Return each route of a service and the functions that it registers for it."""
    key = ("handlers", service)
    if key not in scene.memo:
        scene.memo[key] = dict(_registered(scene, service))
    found: dict[Route, list[Definition]] = scene.memo[key]
    return found


def _registered(scene: Scene, service: str) -> Iterator[tuple[Route, list[Definition]]]:
    found: dict[Route, list[Definition]] = {}
    index = index_of(scene, service)
    for file in python_files(scene.files(service)):
        for node in ast.walk(scene.tree(file.path) or ast.Module([], [])):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                own = Definition(file.path, node.lineno, node.end_lineno or node.lineno, node.name)
                for call in (d for d in node.decorator_list if isinstance(d, ast.Call)):
                    for route in _literals(call.args):
                        found.setdefault(route, []).append(own)
            for routes, names in _pairs(node):
                for route in _literals(routes):
                    found.setdefault(route, []).extend(d for name in names for d in index.definitions.get(name, ()))
    yield from ((route, definitions) for route, definitions in found.items() if definitions)


def _pairs(node: ast.AST) -> Iterator[tuple[list[ast.expr], list[str]]]:
    """Return where a path may stand beside who serves it: a call, a row of a table, a mapping, a comparison."""
    match node:
        case ast.Call(args=args, keywords=keywords):
            yield args, _names([*args, *(k.value for k in keywords)])
        case ast.Tuple(elts=cells) | ast.List(elts=cells):
            yield cells, _names(cells)
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                yield [*(key.elts if isinstance(key, ast.Tuple) else [key] if key else [])], _names([value])
        case ast.If(test=test, body=body):
            constants = [part for part in ast.walk(test) if isinstance(part, ast.Constant)]
            called = [part.func for stmt in body for part in ast.walk(stmt) if isinstance(part, ast.Call)]
            yield [*constants], _names(called)


def _names(nodes: Iterable[ast.expr]) -> list[str]:
    return [name for node in nodes if (name := dotted(node).rsplit(".", 1)[-1])]


def _literals(nodes: Iterable[ast.expr]) -> Iterator[Route]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/"):
            yield route_of(node.value)


def reach(scene: Scene, service: str, start: Iterable[Definition]) -> list[Definition]:
    """Return functions and those that they call by name, two calls deep."""
    index = index_of(scene, service)
    found = list(dict.fromkeys(start))
    edge = list(found)
    for _ in range(_DEPTH):
        called = {s.short for s in index.sites for d in edge if d.holds(s.path, s.line)}
        called |= {name for d in edge for name in _annotated(scene, d)}
        known = ((*index.definitions.get(name, ()), *index.classes.get(name, ())) for name in sorted(called))
        edge = [d for definitions in known for d in definitions if d not in found]
        found += edge
    return found


def _annotated(scene: Scene, function: Definition) -> list[str]:
    """Return the sorts of thing that a function takes and gives by its annotations: a web framework checks them."""
    header = "\n".join(scene.lines(function.path)[function.line - 1 : function.line + 5]).partition("):")[0]
    return re.findall(r"(?::|->|\[|\|)\s*([A-Z]\w+)", header)


def touching(scene: Scene, functions: list[Definition]) -> list[Hunk]:
    """Return the changes since the last good commit that lie in one of these functions, newest first."""
    return [h for h in scene.hunks if any(_touches(scene, h, f) for f in functions)]


def _touches(scene: Scene, hunk: Hunk, function: Definition) -> bool:
    """Compare texts, since later commits move lines; a pure removal leaves only its place."""
    if hunk.path != function.path:
        return False
    added = {line.strip() for line in hunk.added if len(line.strip()) > _TRIVIAL}
    if added:
        body = {line.strip() for line in scene.lines(function.path)[_top(scene, function) - 1 : function.end]}
        return bool(added & body)
    return _top(scene, function) <= hunk.line <= function.end + 1


def _top(scene: Scene, function: Definition) -> int:
    """Return a function's first line with its decorators."""
    lines, top = scene.lines(function.path), function.line
    while top > 1 and lines[top - 2].lstrip().startswith("@"):
        top -= 1
    return top


def suspect(scene: Scene, row: Request) -> Hunk | None:
    """Return the newest change of the one commit that touched what serves a request, and nothing that works.

    A function that also serves other routes, which answer well to passing tests, works.
    """
    path = scene.paths.template(row.path)
    own = reach(scene, row.service, handlers(scene, row.service, path))
    working = _working(scene, row.service, path)
    hunks = touching(scene, [function for function in own if function not in working])
    return hunks[0] if len({hunk.commit for hunk in hunks}) == 1 else None


def refused_beyond(scene: Scene, row: Request, hunk: Hunk) -> bool:
    """Tell whether failing tests are refused alike at a route of the service that a change has nothing to do with."""
    for service, method, path in (key for key in scene.tally if key[0] == row.service):
        alike = row.model_copy(update={"method": method, "path": path})
        own = handlers(scene, service, path)
        if (
            own
            and scene.telling(alike)
            and hunk.commit not in {h.commit for h in touching(scene, reach(scene, service, own))}
        ):
            return True
    return False


def running_well(scene: Scene, service: str, spots: Iterable[Spot]) -> set[Definition]:
    """Return what serves the service's routes that passing tests are answered well by, and that no spot lies in.

    A function among them works, whatever was changed in it.
    """
    lines = list(spots)
    found: set[Definition] = set()
    for (name, _, path), statuses in scene.normal.items():
        own = handlers(scene, service, path) if name == service and min(statuses) < _BAD else []
        if own and not any(function.holds(spot.path, spot.line) for function in own for spot in lines):
            found |= set(reach(scene, service, own))
    return found


def _working(scene: Scene, service: str, failing: str) -> set[Definition]:
    """Return the functions behind the service's other routes, as far as passing tests are answered well by them."""
    good = {path for (name, _, path), statuses in scene.normal.items() if name == service and min(statuses) < _BAD}
    key = ("working", f"{service} {failing}")
    if key not in scene.memo:
        routes = sorted(good - {failing})
        scene.memo[key] = {d for path in routes for d in reach(scene, service, handlers(scene, service, path))}
    working: set[Definition] = scene.memo[key]
    return working
