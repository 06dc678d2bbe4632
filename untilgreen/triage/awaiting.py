"""A call of an `async def` that nobody awaits: its caller gets a coroutine, and fails wherever that is used."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from untilgreen.triage.callsites import dotted
from untilgreen.triage.errors import Error
from untilgreen.triage.frames import Spot, function_at, last_line, way
from untilgreen.triage.scene import Scene
from untilgreen.triage.syntax import python_files

_KEEPERS = frozenset({"gather", "create_task", "ensure_future", "wait_for", "wait", "shield", "run", "as_completed"})
"""Who takes a coroutine as it is."""

Async = ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Unawaited:
    """A call that gives a coroutine where a result was wanted.

    Args:
        spot: where.
        name: the async function.
        kept: the other calls of it that are awaited.
        others: `path:line` of those that are not, either.
    """

    spot: Spot
    name: str
    kept: tuple[Spot, ...]
    others: tuple[str, ...]


def not_awaited(scene: Scene, error: Error) -> Unawaited | None:
    """Return the call whose coroutine an exception complains of.

    Of the functions that the exception came through the deepest counts, and in it the last such call above the line.
    """
    raised = error.entry.raised
    if raised is None or "coroutine" not in f"{raised.message} {last_line(raised, error.entry.message)}":
        return None
    calls = list(_calls(scene, error.entry.service))
    for spot in way(scene, error.entry):
        bare = [(s, n) for s, n, awaited in calls if not awaited and _same_function(s, spot) and s.line <= spot.line]
        if bare:
            here, name = bare[-1]
            alike = [(s, awaited) for s, n, awaited in calls if n == name and s != here]
            others = tuple(f"{s.path}:{s.line}" for s, awaited in alike if not awaited)
            return Unawaited(here, name, tuple(s for s, awaited in alike if awaited), others)
    return None


def _same_function(one: Spot, two: Spot) -> bool:
    return (one.path, one.function) == (two.path, two.function)


def _calls(scene: Scene, service: str) -> Iterator[tuple[Spot, str, bool]]:
    """Go through the calls of the service's own async functions: where, of what, and whether it is awaited."""
    key = ("async calls", service)
    if key not in scene.memo:
        files = python_files(scene.files(service))
        trees = [(f.path, tree) for f in files if (tree := scene.tree(f.path))]
        nodes = [node for _, tree in trees for node in ast.walk(tree)]
        waiting = {node.name for node in nodes if isinstance(node, Async)}
        plain = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        scene.memo[key] = tuple(_in_file(scene, path, tree, waiting - plain) for path, tree in trees)
    for calls in scene.memo[key]:
        yield from calls


def _in_file(scene: Scene, path: str, tree: ast.Module, names: set[str]) -> list[tuple[Spot, str, bool]]:
    lines = scene.lines(path)
    kept = {id(node) for parent in ast.walk(tree) for node in _taken(parent)}
    found = []
    for node in ast.walk(tree):
        name = dotted(node.func).rsplit(".", 1)[-1] if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and name in names:
            function = function_at(scene, path, node.lineno)
            found.append((Spot(path, node.lineno, function, lines[node.lineno - 1].strip()), name, id(node) in kept))
    return sorted(found, key=lambda call: call[0].line)


def _taken(parent: ast.AST) -> Iterator[ast.AST]:
    """Go through what a node awaits, hands on as a coroutine, or returns to somebody who may await it."""
    match parent:
        case ast.Await(value=value):
            yield value
        case ast.Return(value=value) if value is not None:
            yield value
        case ast.Call(func=func, args=args) if dotted(func).rsplit(".", 1)[-1] in _KEEPERS:
            yield from (part for argument in args for part in ast.walk(argument))
        case ast.AsyncFor(iter=value) | ast.AsyncWith(items=[ast.withitem(context_expr=value)]):
            yield value
