"""Files of a repository as modules: who imports what, and which function a name stands for.

A name's identity is `path.py:qualified.name` for what the repository defines, `path.py:` for one of its modules, a
dotted name for what comes from outside (`json.dumps`), `*.name` for an attribute of some object, and empty when nobody
can say.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import PurePosixPath

from untilgreen.ssot.syntax import Function, Unreadable, parsed, walk


class Module:
    """One file: what it defines at its top level and in its classes, and what it imports."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path = path
        self.tree = tree
        self.functions: dict[str, Function] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.values: dict[str, list[ast.expr]] = {}
        """Name, with its classes, or `self.` for attributes that methods set -> what is assigned to it."""
        self.imports: dict[str, str] = {}
        """Local name -> `level|module|name`; the name is empty for a module itself."""
        self.stars: list[str] = []
        self._define(tree.body, "")
        for node in walk(tree):
            self._note(node)

    def _define(self, body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, Function):
                self.functions[prefix + node.name] = node
            elif isinstance(node, ast.ClassDef):
                self.classes[prefix + node.name] = node
                self._define(node.body, f"{prefix}{node.name}.")
                self._attributes(node, prefix + node.name)
            elif isinstance(node, ast.If | ast.Try | ast.With):
                for _, inner in ast.iter_fields(node):
                    self._define(
                        [n for n in inner if isinstance(n, ast.stmt)] if isinstance(inner, list) else [], prefix
                    )
                for handler in getattr(node, "handlers", []):
                    self._define(handler.body, prefix)
            else:
                for name, value in _named_values(node):
                    self.values.setdefault(prefix + name, []).append(value)

    def _attributes(self, node: ast.ClassDef, name: str) -> None:
        for inner in walk(node):
            if isinstance(inner, ast.Assign):
                for target in inner.targets:
                    if (
                        isinstance(target, ast.Attribute)
                        and isinstance(target.value, ast.Name)
                        and target.value.id == "self"
                    ):
                        self.values.setdefault(f"{name}.{target.attr}", []).append(inner.value)

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                self.imports[alias.asname or whole] = f"0|{whole}|"
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                source = f"{node.level}|{node.module or ''}|"
                if alias.name == "*":
                    self.stars.append(source)
                else:
                    self.imports[alias.asname or alias.name] = source + alias.name


def _named_values(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
        yield node.target.id, node.value


@lru_cache(maxsize=4096)
def module_of(path: str, text: str) -> Module | None:
    """Return a file as a module; None for one that is no Python. Two trees of one fix share most files."""
    tree = parsed(text)
    return Module(path, tree) if isinstance(tree, ast.Module) else None


class Code:
    """The product's Python files, each parsed when first needed.

    Args:
        texts: path -> text.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts
        self._modules: dict[str, Module | None] = {}
        self._having: dict[str, frozenset[str]] = {}

    def module(self, path: str) -> Module | None:
        """Return a file as a module; None for one that is not there or is no Python."""
        if path not in self._modules:
            self._modules[path] = module_of(path, self.texts[path]) if path in self.texts else None
        return self._modules[path]

    def having(self, word: str) -> frozenset[str]:
        """Return the files in which a word occurs."""
        if word not in self._having:
            whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
            found = (path for path, text in self.texts.items() if word in text and whole.search(text))
            self._having[word] = frozenset(found)
        return self._having[word]

    def relative(self, path: str) -> frozenset[str]:
        """Return the files of the same package that import without saying its name: `from . import x`."""
        package = f"{PurePosixPath(path).parent}/".removeprefix("./")
        return frozenset(p for p in self.texts if p.startswith(package) and "from ." in self.texts[p])

    @cached_property
    def unreadable(self) -> dict[str, Unreadable]:
        """Return the files that are no Python, and why."""
        trees = ((path, parsed(text)) for path, text in self.texts.items())
        return {path: tree for path, tree in trees if isinstance(tree, Unreadable)}

    def naming(self, words: frozenset[str]) -> Iterator[Module]:
        """Go through the files in which any of these words occurs, in order."""
        for path in sorted(self.texts):
            text = self.texts[path]
            if any(word in text for word in words) and (module := self.module(path)):
                yield module

    def imported(self, module: Module, source: str, seen: frozenset[str] = frozenset()) -> str:
        """Return the identity of what an import brings.

        Args:
            module: that has the import.
            source: as in `Module.imports`.
            seen: names that are being followed already: modules import one another in circles.
        """
        level, name, symbol = source.split("|")
        path = self._file(module.path, int(level), name)
        if path is None:
            return f"{name}.{symbol}".strip(".") if level == "0" else ""
        if not symbol:
            return f"{path}:"
        inner = self._file(module.path, int(level), f"{name}.{symbol}".strip("."))
        return self.symbol(path, symbol, seen) or (f"{inner}:" if inner else f"{path}:{symbol}")

    def symbol(self, path: str, name: str, seen: frozenset[str] = frozenset()) -> str:
        """Return what a module's name stands for; empty when it has none."""
        module = self.module(path)
        key = f"{path}:{name}"
        if module is None or key in seen:
            return ""
        if name in module.functions or name in module.classes or name in module.values:
            return key
        if name in module.imports:
            return self.imported(module, module.imports[name], seen | {key})
        for star in module.stars:
            if found := self._starred(module, star, name, seen | {key}):
                return found
        return ""

    def _starred(self, module: Module, source: str, name: str, seen: frozenset[str]) -> str:
        level, of, _ = source.split("|")
        path = self._file(module.path, int(level), of)
        if path:
            return self.symbol(path, name, seen)
        return f"{of}.{name}" if of in sys.stdlib_module_names and not name.startswith("_") else ""

    def _file(self, path: str, level: int, name: str) -> str | None:
        """Return the file of a module as this one would import it, if it is the repository's own."""
        inner = name.replace(".", "/")
        for folder in self._folders(path, level):
            for ending in (f"{inner}.py", f"{inner}/__init__.py") if inner else ("__init__.py",):
                file = (PurePosixPath(folder) / ending).as_posix()
                if file in self.texts:
                    return file
        return self._only(inner) if not level and "." in name else None

    def _folders(self, path: str, level: int) -> list[str]:
        above = [str(folder) for folder in PurePosixPath(path).parents]
        if level:
            return above[level - 1 : level]
        # A package's own folder is not on the search path, its parent is.
        return [folder for folder in above if (PurePosixPath(folder) / "__init__.py").as_posix() not in self.texts]

    def _only(self, inner: str) -> str | None:
        found = self._endings.get(inner, ())
        return found[0] if len(found) == 1 else None

    @cached_property
    def _endings(self) -> dict[str, list[str]]:
        """Return module paths by every ending they have: `src/pkg/a.py` is `pkg/a` and `src/pkg/a`, but not `a`."""
        endings: dict[str, list[str]] = {}
        for path in self.texts:
            parts = path.removesuffix("/__init__.py").removesuffix(".py").split("/")
            for start in range(len(parts)):
                endings.setdefault("/".join(parts[start:]), []).append(path)
        return endings
