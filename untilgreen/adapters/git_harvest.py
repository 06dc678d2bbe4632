"""What a stranger changed in their copy, read by a repository of our own: theirs is not asked.

Their commits, index, hooks, attributes, filters and configuration take no part: only the files that lie there count.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from untilgreen.adapters.git_clone import AS_THEY_ARE
from untilgreen.adapters.git_process import GitProcess
from untilgreen.errors import FixUnusable, RepositoryError
from untilgreen.ports import Harvest, TouchedFile

_HUGE = 5_000_000
"""Bytes of one file beyond which nobody reads it; larger ones of the commit itself may stay as they are."""
_ROOM = 5_000
"""Files that there may be beyond those of the commit."""
_GONE = "0" * 6


def harvest(bench: GitProcess, base: str, folder: Path) -> Harvest:
    """Compare a folder with a commit.

    Args:
        bench: a bare repository of our own that can see the commit.
        base: its full sha.
        folder: files and whatever else lies there.

    Raises:
        FixUnusable: it cannot be compared.
    """
    (bench.root / "info").mkdir(exist_ok=True)
    (bench.root / "info/attributes").write_text(AS_THEY_ARE)
    sizes = dict(_sizes(bench, base))
    _look(folder, sizes)
    theirs = {"GIT_DIR": str(bench.root), "GIT_WORK_TREE": str(folder), "GIT_INDEX_FILE": str(bench.root / "harvest")}
    here = GitProcess(folder, theirs)
    try:
        here.run("read-tree", base)
        here.run("add", "--all", "--", ".")
    except RepositoryError as error:
        raise FixUnusable("fixer.files", f"git cannot read the files: {error}", refused=True) from None
    files = tuple(_files(here, base))
    return Harvest(files=files, diff=_diff(here, base) if all(file.readable for file in files) else "")


def _diff(here: GitProcess, base: str) -> str:
    flags = ("--no-renames", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color", "--no-relative")
    return here.run("diff", "--cached", *flags, "--src-prefix=a/", "--dst-prefix=b/", base).decode()


def _sizes(bench: GitProcess, base: str) -> Iterator[tuple[str, int]]:
    for line in bench.run("ls-tree", "-r", "-l", "-z", "--full-tree", base).split(b"\0")[:-1]:
        meta, _, path = line.partition(b"\t")
        size = meta.split()[3]
        yield os.fsdecode(path), int(size) if size.isdigit() else 0


def _look(folder: Path, sizes: dict[str, int]) -> None:
    """Look before git does: at what it would follow, hash for minutes, or run."""
    if folder.is_symlink() or not folder.is_dir():
        raise FixUnusable("fixer.folder", "the copy is gone, or something else lies in its place", refused=True)
    count = 0
    for place, folders, names in os.walk(folder):
        here = Path(place)
        if here == folder:
            folders[:] = [name for name in folders if name != ".git"]
            names = [name for name in names if name != ".git"]  # noqa: PLW2901 - the copy's own is not looked at
        if ".git" in folders or ".git" in names:
            where = here.relative_to(folder).as_posix()
            raise FixUnusable("fixer.repository", f"{where} holds a repository of its own", refused=True)
        count += len(names)
        for name in names:
            _look_at(here / name, (here / name).relative_to(folder).as_posix(), sizes)
        if count > len(sizes) + _ROOM:
            raise FixUnusable("fixer.size", f"more than {_ROOM} files were added", refused=True)


def _look_at(file: Path, path: str, sizes: dict[str, int]) -> None:
    seen = file.lstat()
    if not (stat.S_ISREG(seen.st_mode) or stat.S_ISLNK(seen.st_mode)):
        raise FixUnusable("fixer.files", f"{_shown(path)} is no plain file", refused=True)
    if seen.st_size > max(_HUGE, sizes.get(path, 0)):
        raise FixUnusable("fixer.size", f"{_shown(path)} has {seen.st_size:,} bytes", refused=True)


def _shown(path: str) -> str:
    return repr(os.fsencode(path).decode("utf-8", "replace"))


def _files(here: GitProcess, base: str) -> Iterator[TouchedFile]:
    """Go through what differs: `:mode mode blob blob status NUL path NUL`, and how many lines."""
    raw = here.run("diff", "--cached", "--raw", "-z", "--no-renames", "--full-index", base).split(b"\0")[:-1]
    counted = here.run("diff", "--cached", "--numstat", "-z", "--no-renames", "--no-textconv", base).split(b"\0")[:-1]
    lines = {path: _sum(added, removed) for added, removed, path in (row.split(b"\t", 2) for row in counted)}
    for meta, path in zip(raw[::2], raw[1::2], strict=True):
        modes = [mode if mode != _GONE else "" for mode in meta.decode().removeprefix(":").split(" ")[:2]]
        blobs = meta.decode().split(" ")[2:4]
        sides = [_content(here, mode, blob) for mode, blob in zip(modes, blobs, strict=True)]
        yield TouchedFile(
            path=path.decode("utf-8", "replace"),
            mode_before=modes[0],
            mode_after=modes[1],
            lines=lines.get(path, 0),
            readable=lines.get(path, 0) is not None and all(_is_utf8(text) for text in (*sides, path)),
            line_ends=all(sides) and (b"\r\n" in sides[0]) != (b"\r\n" in sides[1]),
        )


def _sum(added: bytes, removed: bytes) -> int | None:
    return None if added == b"-" else int(added) + int(removed)


def _content(here: GitProcess, mode: str, blob: str) -> bytes:
    return here.run("cat-file", "blob", blob) if mode.startswith("100") else b""


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
