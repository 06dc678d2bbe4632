"""What is taken over of a stranger's work: plain text files, where a fix may go, of a size that is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from untilgreen.errors import FixUnusable
from untilgreen.model.document import Document
from untilgreen.ports import Harvest

_PLAIN = "100644"
_SORTS = {"120000": "a symbolic link", "160000": "a submodule"}
_GIT = frozenset({".git", ".gitattributes", ".gitmodules", ".gitconfig", ".mailmap"})


class Bounds(Document):
    """How far a fixer may go."""

    paths: tuple[str, ...] = ()
    """Globs over paths; empty allows all."""
    most_files: int = 50
    most_lines: int = 2_000


Rule = Callable[[Harvest, Bounds], Iterator[str]]


def something(harvest: Harvest, _bounds: Bounds) -> Iterator[str]:
    """It changed something."""
    if not harvest.files:
        yield "it changed nothing"


def plain(harvest: Harvest, _bounds: Bounds) -> Iterator[str]:
    """It leaves plain files only, with the modes that they had."""
    for file in harvest.files:
        modes = {mode for mode in (file.mode_before, file.mode_after) if mode}
        if sort := next((_SORTS[mode] for mode in sorted(modes) if mode in _SORTS), ""):
            yield f"{file.path} is {sort}"
        elif file.mode_before and file.mode_after and len(modes) > 1:
            yield f"{file.path} changes its mode from {file.mode_before} to {file.mode_after}"
        elif not file.mode_before and file.mode_after != _PLAIN:
            yield f"{file.path} is a new file of mode {file.mode_after}"


def away_from_git(harvest: Harvest, _bounds: Bounds) -> Iterator[str]:
    """It changes nothing that steers git."""
    for file in harvest.files:
        if any(part.lower() in _GIT for part in PurePosixPath(file.path).parts):
            yield f"{file.path} steers git"


def named_plainly(harvest: Harvest, _bounds: Bounds) -> Iterator[str]:
    """Its paths can be read and shown."""
    for file in harvest.files:
        if not file.path.isprintable() or "\\" in file.path or "\ufffd" in file.path or '"' in file.path:
            yield f"{file.path!r} is no name that can be reviewed"


def where_allowed(harvest: Harvest, bounds: Bounds) -> Iterator[str]:
    """It stays where fixes may go."""
    for file in harvest.files if bounds.paths else ():
        if not any(fnmatchcase(file.path, glob) for glob in bounds.paths):
            yield f"{file.path} lies outside {', '.join(bounds.paths)}"


def readable(harvest: Harvest, _bounds: Bounds) -> Iterator[str]:
    """What it writes is text."""
    for file in harvest.files:
        if file.lines is None or not file.readable:
            yield f"{file.path} is not UTF-8 text"


def same_line_ends(harvest: Harvest, _bounds: Bounds) -> Iterator[str]:
    """It keeps line ends, or every line would seem to be its work."""
    for file in harvest.files:
        if file.line_ends:
            yield f"{file.path} ends its lines otherwise than before"


def small(harvest: Harvest, bounds: Bounds) -> Iterator[str]:
    """Somebody can read it."""
    lines = sum(file.lines or 0 for file in harvest.files)
    if lines > bounds.most_lines or len(harvest.files) > bounds.most_files:
        most = f"{bounds.most_lines:,} lines or {bounds.most_files} files"
        yield f"it changes {lines:,} lines in {len(harvest.files)} files; more than {most} are not read"


RULES: tuple[tuple[str, Rule], ...] = (
    ("fixer.nothing", something),
    ("fixer.modes", plain),
    ("fixer.git", away_from_git),
    ("fixer.names", named_plainly),
    ("fixer.paths", where_allowed),
    ("fixer.text", readable),
    ("fixer.line_ends", same_line_ends),
    ("fixer.size", small),
)


def taken_over(harvest: Harvest, bounds: Bounds) -> str:
    """Return the diff of what may be taken over.

    Raises:
        FixUnusable: a rule says no; the message says to what.
    """
    for name, rule in RULES:
        if problems := list(rule(harvest, bounds)):
            raise FixUnusable(name, _listed(problems), refused=name != "fixer.nothing")
    return harvest.diff


def _listed(problems: list[str]) -> str:
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""  # noqa: PLR2004 - three examples tell enough
    return "; ".join(problems[:3]) + more
