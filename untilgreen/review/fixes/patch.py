"""A diff as git writes it: which files it names, and what it does to each."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import lru_cache

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchedFile, PatchSet

LARGEST = 2_000_000
"""Characters. What is larger is no fix but a delivery, and parsing it would only take time."""

_NOWHERE = "/dev/null"
_MODE = re.compile(r"^(?:new file|deleted file|old|new) mode (\d+)$|^index [0-9a-f]+\.\.[0-9a-f]+ (\d+)$")
_MOVED = re.compile(r"^(?:rename|copy) (from|to) (.+)$")
_BINARY = re.compile(r"^(?:GIT binary patch|Binary files .* differ)$", re.MULTILINE)
_HEADER = re.compile(r"^(?:diff --(?:git|cc|combined) |--- )", re.MULTILINE)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"v": b"\v", b"f": b"\f"}


@dataclass(frozen=True)
class FilePatch:
    """What a diff does to one file."""

    old: str
    """Path before; empty for a new file."""
    new: str
    """Path after; empty for a deleted file."""
    modes: tuple[str, ...]
    """As the diff names them: one for a file that keeps its own, two for a change."""
    binary: bool
    lines: int
    """Added and removed."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths that it names."""
        return tuple(dict.fromkeys(path for path in (self.old, self.new) if path))


@dataclass(frozen=True)
class Unparsed:
    """Why a text is no diff."""

    problem: str


@lru_cache(maxsize=64)
def read_patch(diff: str) -> tuple[FilePatch, ...] | Unparsed:
    """Return what a diff does, file by file; nothing for an empty one."""
    if len(diff) > LARGEST:
        return Unparsed(f"it has {len(diff):,} characters; more than {LARGEST:,} are not read")
    if not diff.strip():
        return ()
    if re.search(r"^(?:diff --(?:cc|combined) |@@@)", diff, re.MULTILINE):
        return Unparsed("it is the diff of a merge with several parents; make it with `git diff BASE HEAD`")
    try:
        files = PatchSet(io.StringIO(diff, newline="\n"))  # a \r, a form feed and their like belong to a line
    except UnidiffParseError as error:
        return Unparsed(f"{error}; make it with `git diff`")
    if not files:
        return Unparsed("it names no file; make it with `git diff`" if not _HEADER.search(diff) else "its head is cut")
    return tuple(_file(file) for file in files)


def _file(file: PatchedFile) -> FilePatch:
    info = [str(line).rstrip("\n") for line in file.patch_info or ()]
    modes = tuple(mode for line in info for found in _MODE.finditer(line) for mode in found.groups() if mode)
    moved = {found[1]: _unquoted(found[2]) for line in info if (found := _MOVED.match(line))}
    fresh = any(line.startswith("new file mode") for line in info)
    gone = any(line.startswith("deleted file mode") for line in info)
    return FilePatch(
        old="" if fresh else moved.get("from", _path(file.source_file, "a/")),
        new="" if gone else moved.get("to", _path(file.target_file, "b/")),
        modes=modes,
        binary=file.is_binary_file or any(_BINARY.match(line) for line in info),
        lines=file.added + file.removed,
    )


def _path(name: str, prefix: str) -> str:
    name = _unquoted(name)
    return "" if name == _NOWHERE else name.removeprefix(prefix)


def _unquoted(name: str) -> str:
    """Return a path without the quotes and escapes that git puts around odd letters."""
    if not (len(name) > 1 and name.startswith('"') and name.endswith('"')):
        return name
    raw = _ESCAPE.sub(_plain, name[1:-1].encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def _plain(found: re.Match[bytes]) -> bytes:
    what = found[1]
    return bytes([int(what, 8) & 255]) if what.isdigit() and len(what) == 3 else _ESCAPED.get(what, what)  # noqa: PLR2004 - octal
