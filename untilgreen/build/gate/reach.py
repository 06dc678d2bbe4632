"""What a container imports from its start: every file that is reached, and what of it the image lacks."""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace

from untilgreen.build.gate.modules import Found, Modules
from untilgreen.build.gate.statements import Import


@dataclass(frozen=True, slots=True)
class Lack:
    """A file that is asked for and that the image does not hold.

    Attributes:
        importer: who asks, in the build context.
        line: where.
        module: how it is written there.
        path: what is asked for, in the build context.
        kept_out: whether the commit holds it.
        sure: whether it is certainly asked for when the container starts.
    """

    importer: str
    line: int
    module: str
    path: str
    kept_out: bool
    sure: bool


@dataclass
class Walk:
    """Goes from file to file along the imports, what is certain to be run first.

    Args:
        modules: where modules lie.
        kept: files of the build context that are in the image.
        besides: whether a file's own folder counts as a place to look in, as it does for a script.
    """

    modules: Modules
    kept: Container[str]
    besides: bool = False
    lacks: list[Lack] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """Files of the build context whose imports our own Python cannot read."""
    _seen: set[str] = field(default_factory=set)
    _perhaps: list[str] = field(default_factory=list)

    def begin(self, path: str, *, main: bool) -> None:
        """Follow the imports of a file that is certainly run, and remember those that perhaps are."""
        waiting = [(path, main)]
        while waiting:
            place, as_main = waiting.pop(0)
            waiting += [(target, False) for target in self._visit(place, main=as_main, sure=True)]

    def finish(self) -> None:
        """Follow what is only perhaps imported."""
        while self._perhaps:
            self._perhaps += self._visit(self._perhaps.pop(0), main=False, sure=False)

    def _visit(self, place: str, *, main: bool, sure: bool) -> Iterator[str]:
        """Note what a file's imports lack and go through what is certainly imported with it."""
        if place in self._seen:
            return
        self._seen.add(place)
        source = self.modules.source(place)
        if source is None:
            self.unread.append(self.modules.files[place])
            return
        folder = posixpath.dirname(place)
        own = (folder,) if self.besides and posixpath.join(folder, "__init__.py") not in self.modules.files else ()
        for found in source.imports if main else (x for x in source.imports if not x.main):
            counted = found if sure else replace(found, sure=False)
            target = self.modules.targets(place, counted, own)
            for path in self._held(place, counted, target):
                if counted.sure or not sure:
                    yield path
                else:
                    self._perhaps.append(path)
            if target.absent:
                self._lack(place, counted, target.absent, kept_out=False)

    def _held(self, place: str, found: Import, target: Found) -> Iterator[str]:
        """Go through files up to the first without which the import ends."""
        for path in target.files:
            if self._is_kept(path):
                yield from () if path.endswith("/") else (path,)
            elif not self._stands_in(path):
                self._lack(place, found, self._origin(path), kept_out=True)
                return
            elif not self._empty(path):
                counted = found if self._takes(found, target, path) else replace(found, sure=False)
                self._lack(place, counted, self._origin(path), kept_out=True)

    def _is_kept(self, path: str) -> bool:
        """Tell whether a file, or anything of a folder, is in the image."""
        return any(self.modules.files[inner] in self.kept for inner in self._inside(path))

    def _origin(self, path: str) -> str:
        return self.modules.files[min(self._inside(path))]

    def _inside(self, path: str) -> list[str]:
        return [inner for inner in self.modules.files if inner.startswith(path)] if path.endswith("/") else [path]

    def _stands_in(self, init: str) -> bool:
        """Tell whether Python takes the mere folder for a package whose `__init__` is not there."""
        return init.endswith("/__init__.py") and self._is_kept(init.removesuffix("__init__.py"))

    def _empty(self, path: str) -> bool:
        source = self.modules.source(path)
        return source is not None and source.empty

    def _takes(self, found: Import, target: Found, init: str) -> bool:
        """Tell whether an import takes a name from a package that only its `__init__` can give."""
        folder = posixpath.dirname(init)
        given = {name for name in found.names if self._gives(f"{folder}/{name}")}
        return target.package == folder and bool(set(found.names) - given - {"*"})

    def _gives(self, base: str) -> bool:
        """Tell whether the image holds a module of that path, or at least a folder, which Python takes for one."""
        is_module = f"{base}.py" in self.modules.files and self._is_kept(f"{base}.py")
        return is_module or self._is_kept(f"{base}/")

    def _lack(self, place: str, found: Import, path: str, *, kept_out: bool) -> None:
        module = "." * found.level + found.module or ", ".join(found.names)
        self.lacks.append(Lack(self.modules.files[place], found.line, module, path, kept_out, found.sure))
