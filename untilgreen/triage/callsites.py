"""Every call in the product's Python source: its name, its arguments, what guards it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from untilgreen.model.evidence import SourceFile
from untilgreen.triage.scene import Scene
from untilgreen.triage.syntax import python_files

Function = ast.FunctionDef | ast.AsyncFunctionDef
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Site:
    """One call.

    Args:
        path: file, relative to the repository's root.
        line: from 1.
        end: its last line.
        name: what is called, dotted: `json.dumps`, `ws.send_str`.
        function: innermost function around it, or `<module>`.
        arguments: the calls that made each positional argument, directly or through a local name; else empty.
        keywords: names of the keyword arguments.
        guarded: whether a `with`, a `try ... finally` after it, or its caller cleans up.
        imported: whether the name starts with something imported, and so means the same in every file.
        returned: whether it makes what its function returns.
    """

    path: str
    line: int
    end: int
    name: str
    function: str
    arguments: tuple[str, ...]
    keywords: frozenset[str]
    guarded: bool
    imported: bool
    returned: bool

    @property
    def short(self) -> str:
        """Return the last part of the name: what is called, on whatever object."""
        return self.name.rsplit(".", 1)[-1]

    @property
    def place(self) -> str:
        """Return `path:line`."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Definition:
    """A function of the product.

    Args:
        path: file, relative to the repository's root.
        line: from 1.
        end: its last line.
        name: without its class.
    """

    path: str
    line: int
    end: int
    name: str

    def holds(self, path: str, line: int) -> bool:
        """Tell whether a line lies in its body."""
        return self.path == path and self.line <= line <= self.end


@dataclass(frozen=True, slots=True)
class Index:
    """All calls and functions of some files.

    Args:
        sites: in the order of path and line.
        named: the same by the last part of their names, and so by what they call.
        definitions: by name.
        classes: by name.
    """

    sites: tuple[Site, ...]
    named: dict[str, tuple[Site, ...]]
    definitions: dict[str, tuple[Definition, ...]]
    classes: dict[str, tuple[Definition, ...]]


def index_of(scene: Scene, service: str) -> Index:
    """Return the index of a service's files; of the whole repository for an empty name."""
    key = ("calls", service)
    if key not in scene.memo:
        files = scene.files(service) if service else scene.by_path.values()
        scene.memo[key] = _index(scene, python_files(files))
    index: Index = scene.memo[key]
    return index


def _index(scene: Scene, files: Iterable[SourceFile]) -> Index:
    sites: list[Site] = []
    definitions: dict[str, list[Definition]] = defaultdict(list)
    classes: dict[str, list[Definition]] = defaultdict(list)
    for file in files:
        tree = scene.tree(file.path)
        if tree is None:
            continue
        key = ("reader", file.path)
        if key not in scene.memo:
            scene.memo[key] = _Reader(file.path, tree)
        reader: _Reader = scene.memo[key]
        sites += reader.sites
        for found, nodes in ((definitions, reader.functions), (classes, reader.classes)):
            for node in nodes:
                definition = Definition(file.path, node.lineno, node.end_lineno or node.lineno, node.name)
                found[node.name].append(definition)
    ordered = sorted(sites, key=lambda s: (s.path, s.line, s.name))
    named: dict[str, list[Site]] = defaultdict(list)
    for site in ordered:
        named[site.short].append(site)
    return Index(tuple(ordered), _frozen(named), _frozen(definitions), _frozen(classes))


def _frozen(found: dict[str, list[Kind]]) -> dict[str, tuple[Kind, ...]]:
    return {name: tuple(items) for name, items in found.items()}


class _Reader:
    """Reads one file's statements in order, so that a local name is known by the call that made it last."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path = path
        self.sites: list[Site] = []
        self.functions: list[Function | ast.ClassDef] = []
        self.classes: list[Function | ast.ClassDef] = []
        self._imports = _imports(tree)
        self._block(tree.body, "<module>", {})

    def _block(self, statements: list[ast.stmt], function: str, made: dict[str, str]) -> None:
        for number, statement in enumerate(statements, start=1):
            after = statements[number] if number < len(statements) else None
            kept = isinstance(after, ast.Try) and bool(after.finalbody)
            self._statement(statement, function, made, guarded=kept)

    def _statement(self, node: ast.stmt, function: str, made: dict[str, str], *, guarded: bool) -> None:
        if isinstance(node, Function):
            self.functions.append(node)
            self._block(node.body, node.name, {})
            return
        if isinstance(node, ast.ClassDef):
            self.classes.append(node)
        result = isinstance(node, ast.Return)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr | ast.withitem):
                held = guarded or result or isinstance(child, ast.withitem)
                self._calls(child, function, made, guarded=held, returned=result)
            elif isinstance(child, ast.ExceptHandler | ast.match_case):
                self._block(child.body, function, made)
        for block in ("body", "orelse", "finalbody"):
            self._block(getattr(node, block, []), function, made)
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            made[node.targets[0].id] = self._maker(node.value, made)

    def _calls(self, node: ast.AST, function: str, made: dict[str, str], *, guarded: bool, returned: bool) -> None:
        for call in ast.walk(node):
            if isinstance(call, ast.Call):
                self.sites.append(
                    Site(
                        path=self.path,
                        line=call.lineno,
                        end=call.end_lineno or call.lineno,
                        name=self._name(call.func),
                        imported=dotted(call.func).split(".")[0] in self._imports,
                        function=function,
                        arguments=tuple(self._maker(argument, made) for argument in call.args),
                        keywords=frozenset(k.arg for k in call.keywords if k.arg),
                        guarded=guarded,
                        returned=returned,
                    )
                )

    def _maker(self, node: ast.expr, made: dict[str, str]) -> str:
        """Return the name of the call whose result this is; `=` for a constant."""
        if isinstance(node, ast.Await):
            return self._maker(node.value, made)
        if isinstance(node, ast.Call):
            # `dumps(x).encode()` is made by `dumps`: what is called on a result does not make it.
            inner = node.func.value if isinstance(node.func, ast.Attribute) else None
            return self._maker(inner, made) if isinstance(inner, ast.Call) else self._name(node.func)
        if isinstance(node, ast.Constant):
            return "="
        return made.get(node.id, "") if isinstance(node, ast.Name) else ""

    def _name(self, node: ast.expr) -> str:
        root, dot, rest = dotted(node).partition(".")
        return f"{self._imports.get(root, root)}{dot}{rest}"


def _imports(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for, so that `from json import dumps` and `json.dumps` are the same."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(
                {
                    alias.asname or alias.name.split(".")[0]: (alias.asname and alias.name) or alias.name.split(".")[0]
                    for alias in node.names
                }
            )
        elif isinstance(node, ast.ImportFrom):
            found.update(
                {alias.asname or alias.name: f"{node.module or ''}.{alias.name}".lstrip(".") for alias in node.names}
            )
    return found


def dotted(node: ast.expr) -> str:
    """Return a name such as `json.dumps`; a part that is no name is left out."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""
