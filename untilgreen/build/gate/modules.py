"""Where Python finds a first-party module: among the files of the commit, in the folders of its path."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from untilgreen.build.gate.statements import Import, Source, source_of

_COMPILED = (".so", ".pyd", ".pyx", ".pyi", ".pyc", ".c", ".cpp", ".rs")
_DYNAMIC = re.compile(r"sys\.modules|__path__|meta_path|path_hooks|extend_path|\bexec\(")


@dataclass(frozen=True, slots=True)
class Found:
    """What an import leads to.

    Attributes:
        files: what Python would run for it, in order; a path that ends with a slash is a mere folder that it passes.
        package: the folder that the last part names, when it is a package; else empty.
        absent: where in the build context a file would have to be that the commit does not hold; empty when nothing
            is certain to lack.
    """

    files: tuple[str, ...] = ()
    package: str = ""
    absent: str = ""


class Modules:
    """The files of a container as Python's import system sees them.

    Args:
        files: path in the container -> path in the build context; files that are kept out of the image, too.
        texts: path in the build context -> text.
        roots: folders in which absolute imports are looked for, in order.
        kept: paths in the build context that are in the image: a package binds nothing when its `__init__` is not.
    """

    def __init__(
        self, files: Mapping[str, str], texts: Mapping[str, str], roots: Sequence[str], kept: Container[str]
    ) -> None:
        self.files = files
        self._kept = kept
        self._texts = texts
        self._roots = tuple(roots)
        self._sources: dict[str, Source | None] = {}

    def source(self, path: str) -> Source | None:
        """Read a file; None when our own Python cannot parse it."""
        if path not in self._sources:
            self._sources[path] = source_of(self._texts.get(self.files[path], ""))
        return self._sources[path]

    def targets(self, place: str, found: Import, more_roots: Iterable[str] = ()) -> Found:
        """Return what an import in the file at `place` leads to."""
        parts = [part for part in found.module.split(".") if part]
        if found.level:
            base = posixpath.dirname(place)
            for _ in range(found.level - 1):
                base = posixpath.dirname(base)
            target = self._down(base, parts, (), regular=posixpath.join(base, "__init__.py") in self.files)
        else:
            target = self._from_roots(parts, (*self._roots, *more_roots))
        return self._with_names(target, found.names, place)

    def around(self, path: str) -> tuple[str, ...]:
        """Return the packages that Python imports before a module, outermost first."""
        found: list[str] = []
        folder = posixpath.dirname(path)
        while (init := posixpath.join(folder, "__init__.py")) in self.files:
            found.insert(0, init)
            if folder == "/":
                break
            folder = posixpath.dirname(folder)
        return tuple(init for init in found if init != path)

    def _from_roots(self, parts: list[str], roots: tuple[str, ...]) -> Found:
        """Take the first root that holds the name as a package or module; then one that holds it as a mere folder."""
        bases = [posixpath.join(root, parts[0]) for root in roots]
        for root, base in zip(roots, bases, strict=True):
            if f"{base}/__init__.py" in self.files or f"{base}.py" in self.files:
                return self._down(root, parts, (), regular=False)
        for root, base in zip(roots, bases, strict=True):
            found = self._down(root, parts, (), regular=False) if base in self._folders else Found()
            if found.package or not all(path.endswith("/") for path in found.files):
                return found
        return Found()

    def _down(self, place: str, parts: Sequence[str], files: tuple[str, ...], *, regular: bool) -> Found:
        """Go from package to package; `regular` tells whether the folder at `place` is one with an `__init__`."""
        if not parts:
            return Found(files, package=place)
        base = posixpath.join(place, parts[0])
        if f"{base}/__init__.py" in self.files:
            return self._down(base, parts[1:], (*files, f"{base}/__init__.py"), regular=True)
        if f"{base}.py" in self.files:
            return Found((*files, f"{base}.py"))
        if base in self._compiled:
            return Found(files)
        if base in self._folders:
            # A folder at the root says little: a library of that name would go before it.
            passed = () if place in self._roots else (f"{base}/",)
            return self._down(base, parts[1:], (*files, *passed), regular=False)
        return Found(files, absent=self._absent(place, parts[0]) if regular else "")

    def _absent(self, folder: str, name: str) -> str:
        """Return where a package's module would have to be; nothing when the package may make it without a file."""
        inits = self.around(posixpath.join(folder, "_.py"))
        if any(_DYNAMIC.search(self._texts.get(self.files[init], "")) for init in inits):
            return ""
        return posixpath.join(posixpath.dirname(self.files[inits[-1]]), f"{name}.py")

    def _with_names(self, target: Found, names: tuple[str, ...], place: str) -> Found:
        """Add the modules among the names that the file at `place` takes from a package that does not bind them."""
        if not target.package:
            return target
        bound = self._bound(target.package, place) if names else frozenset()
        files = list(target.files)
        for name in names:
            base = posixpath.join(target.package, name)
            path = next((p for p in (f"{base}/__init__.py", f"{base}.py") if p in self.files), "")
            path = path or (f"{base}/" if base in self._folders and base not in self._compiled else "")
            if path and not bound & {name, "*"}:
                files.append(path)
        return Found(tuple(files), target.package, target.absent)

    def _bound(self, package: str, place: str) -> frozenset[str]:
        """Return the names that a package gives a value; what its own `__init__` imports, that very import brings."""
        init = posixpath.join(package, "__init__.py")
        source = self.source(init) if init in self.files and self.files[init] in self._kept else None
        if source is None:
            return frozenset()
        return source.defined if place == init else source.bound

    @cached_property
    def _folders(self) -> frozenset[str]:
        found: set[str] = set()
        for path in self.files:
            folder = posixpath.dirname(path)
            while folder not in found and folder != "/":
                found.add(folder)
                folder = posixpath.dirname(folder)
        return frozenset(found)

    @cached_property
    def _compiled(self) -> frozenset[str]:
        """Paths without their endings of what is compiled into a module."""
        ends = (path for path in self.files if path.endswith(_COMPILED))
        return frozenset(posixpath.join(posixpath.dirname(p), posixpath.basename(p).partition(".")[0]) for p in ends)
