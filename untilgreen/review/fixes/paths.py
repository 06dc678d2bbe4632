"""What a diff may be made of, and where in the repository it may write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, ask, forbid, stop
from untilgreen.review.fixes.patch import FilePatch, Unparsed, read_patch

_GIT = frozenset({".git", ".gitattributes", ".gitmodules", ".gitconfig", ".lfsconfig", ".githooks", ".husky"})
_STATE = ".untilgreen"
_PLAIN, _PROGRAM, _LINK, _SUBMODULE = "100644", "100755", "120000", "160000"


def can_be_read(change: Change) -> Iterator[Finding]:
    """Its diff is one that git made, and every file that it leaves behind is text."""
    patch = read_patch(change.fix.diff)
    if isinstance(patch, Unparsed):
        yield stop("diff", f"the diff cannot be read: {patch.problem}")
        return
    for file in patch:
        if any(_odd(path) for path in file.paths):
            yield stop("diff", f"names {file.paths[-1]!r}, a path that is not plain text", repr(file.paths[-1]))


def says_what_it_does(change: Change) -> Iterator[Finding]:
    """What differs between the trees is what its diff names, and can be read."""
    named = {path for file in change.files for path in file.paths}
    hidden = [path for path in change.touched if path not in named] if change.fix.diff else []
    for path in hidden:
        yield stop("diff", f"changes {path}, which its diff does not name", path)
    for file in change.files:
        if file.new and file.new not in change.after and not file.binary and not set(file.modes) & {_LINK, _SUBMODULE}:
            message = f"{file.new} is not UTF-8 text, so nobody can tell what the fix does to it; convert it first"
            yield stop("unreadable", message, file.new)


def stays_inside(change: Change) -> Iterator[Finding]:
    """It changes plain text files of the repository: no links, no modes, no binaries, nothing of git's own."""
    for path in change.touched:
        parts = PurePosixPath(path).parts
        if path.startswith("/") or ".." in parts or "\\" in path:
            yield stop("paths", f"{path} lies outside the repository", path)
        elif _GIT & {part.lower().rstrip(". ") for part in parts}:
            yield forbid(change, "paths", f"{path} steers git itself, which no fix of a service needs", path)
        elif parts and parts[0] == _STATE:
            yield stop("paths", f"{path} is where untilgreen keeps what it knows; a fix may not write there", path)
    for file in change.files:
        yield from _sort(file)


def _sort(file: FilePatch) -> Iterator[Finding]:
    """Say what is no change of a plain file."""
    path = file.new or file.old
    if file.binary:
        yield stop("paths", f"{path} is binary, which nobody can review", path)
    if _LINK in file.modes:
        yield stop("paths", f"{path} is a symbolic link; a fix may change plain files only", path)
    elif _SUBMODULE in file.modes:
        yield stop("paths", f"{path} is a submodule; its content is not in this diff, so nobody can review it", path)
    elif len(set(file.modes)) > 1:
        yield stop(
            "paths", f"{path} changes its mode {' -> '.join(file.modes)}; a fix may change plain files only", path
        )
    elif file.modes == (_PROGRAM,) and not file.old:
        yield ask("paths", f"{path} is a new program; who starts it?", path)
    elif odd := set(file.modes) - {_PLAIN, _PROGRAM}:
        yield stop("paths", f"{path} has mode {odd.pop()}; a fix may change plain files only", path)


def keeps_names_apart(change: Change) -> Iterator[Finding]:
    """No two paths differ in nothing but the case of their letters."""
    folded = Counter(path.lower() for path in change.after)
    for path in change.touched:
        if path in change.after and path not in change.before and folded[path.lower()] > 1:
            yield stop(
                "case", f"{path} differs from another file in case only; half of all file systems keep one", path
            )
    for file in change.files:
        if file.old != file.new and file.old.lower() == file.new.lower():
            message = (
                f"{file.old} becomes {file.new}: one name where case does not count; is all that names it changed?"
            )
            yield ask("case", message, file.new)


def _odd(path: str) -> bool:
    return not path.isprintable() or any("\ud800" <= letter <= "\udfff" for letter in path)
