"""What the image's own Python says of the sources that a fix touches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from untilgreen.build.python_version import python_of
from untilgreen.model.analysis import Fix
from untilgreen.ports import Checker, Diagnostic
from untilgreen.review.fixes.change import Sources, paths_in
from untilgreen.settings import CommandBuilder, Service, Settings

_ANY = Service(source=".", image="none", builder=CommandBuilder(kind="command", command="none"))
"""Stands for what belongs to no service; its image may be anything."""
_NEWEST = "3.14"
"""Where nothing tells which Python is meant: what not even this one reads is wrong in all of them."""


def compared(before: Path, after: Path, fix: Fix, settings: Settings, checker: Checker) -> Sources:
    """Look at the touched sources of both trees; what is wrong without the fix, too, is not its fault.

    Args:
        before: the tree without the fix.
        after: the tree with it.
        fix: says by its diff what it touches.
        settings: name the services, whose images have each their Python.
        checker: parses sources.

    Raises:
        ConfigError: a service's Python is one that cannot be checked.
        BuildFailed: nothing can be checked.
    """
    touched = [path for path in paths_in(fix.diff) if path.endswith(".py")]
    return Sources(_seen(before, touched, settings, checker), _seen(after, touched, settings, checker))


def _seen(tree: Path, paths: Iterable[str], settings: Settings, checker: Checker) -> tuple[Diagnostic, ...]:
    by_python: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if (tree / path).is_file() and not (tree / path).is_symlink():
            by_python[_python(tree, path, settings)].append(path)
    return tuple(found for python, files in by_python.items() for found in checker.names(tree, files, python))


def _python(tree: Path, path: str, settings: Settings) -> str:
    """Return the Python of the service whose context holds a file, the innermost one if several do.

    What belongs to no service has the Python that the nearest folder above it tells of.
    """
    file = PurePosixPath(path)
    holders = {name: one for name, one in settings.services.items() if file.is_relative_to(PurePosixPath(one.source))}
    name, service = max(holders.items(), key=lambda one: len(one[1].source), default=("", _ANY))
    folders = [PurePosixPath(service.source)] if name else list(file.parents)
    told = (python_of(name, service, _telling(tree / folder)) for folder in folders)
    return next((python.version for python in told if python.sure), _NEWEST)


def _telling(folder: Path) -> Mapping[str, str]:
    """Return the texts that may say which Python is meant."""
    files = [folder / name for name in ("Dockerfile", ".python-version", "runtime.txt", "pyproject.toml")]
    return {file.name: file.read_text("utf-8", "replace") for file in files if file.is_file() and not file.is_symlink()}
