"""What a container imports from its start: every file that is reached, and what of it the image lacks."""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from untilgreen.build.gate.modules import Modules
from untilgreen.build.gate.statements import Import, imports_of, only_certain


@dataclass(frozen=True, slots=True)
class Lack:
    """A file that is asked for and that the image does not hold.

    Attributes:
        importer: who asks, in the build context.
        line: where.
        module: how it is written there.
        path: what is asked for, in the build context; for what the commit lacks, in the container.
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
        tree = self.modules.tree(place)
        if tree is None:
            self.unread.append(self.modules.files[place])
            return
        own = (posixpath.dirname(place),) if self.besides else ()
        for found in imports_of(tree, main=main):
            counted = only_certain(found, sure=sure)
            target = self.modules.targets(place, counted, own)
            for path in self._held(place, counted, target.files):
                if counted.sure or not sure:
                    yield path
                else:
                    self._perhaps.append(path)
            if target.absent:
                self._lack(place, counted, target.absent, kept_out=False)

    def _held(self, place: str, found: Import, files: tuple[str, ...]) -> Iterator[str]:
        """Go through files up to the first that the image lacks: there the import ends."""
        for path in files:
            if self.modules.files[path] in self.kept:
                yield path
            elif not self._empty_init(path):
                self._lack(place, found, self.modules.files[path], kept_out=True)
                return

    def _empty_init(self, path: str) -> bool:
        """Tell whether a package works without this `__init__`: Python takes the mere folder instead."""
        tree = self.modules.tree(path)
        folder = posixpath.dirname(path)
        held = any(p.startswith(f"{folder}/") and origin in self.kept for p, origin in self.modules.files.items())
        return path.endswith("/__init__.py") and tree is not None and not tree.body and held

    def _lack(self, place: str, found: Import, path: str, *, kept_out: bool) -> None:
        module = "." * found.level + found.module or ", ".join(found.names)
        self.lacks.append(Lack(self.modules.files[place], found.line, module, path, kept_out, found.sure))
