"""A commit's files in a folder of their own, with the fixes that were approved so far."""

from __future__ import annotations

import shutil
from pathlib import Path

from untilgreen.ports import History


class Tree:
    """The tested commit, growing by one approved fix after the other.

    Args:
        history: the user's repository, which stays as it is.
        commit: what was tested.
        place: an empty folder.
    """

    def __init__(self, history: History, commit: str, place: Path) -> None:
        self._history = history
        self._place = place
        self._copies = 0
        self._folder = place / "tested"
        self._folder.mkdir()
        history.export(commit, self._folder)

    @property
    def folder(self) -> Path:
        """Return where it lies as it is now."""
        return self._folder

    def texts(self) -> dict[str, str]:
        """Return path -> text as it is now."""
        return read_texts(self._folder)

    def try_on(self, diff: str) -> Path:
        """Return a copy with a diff applied.

        Raises:
            RepositoryError: it does not apply.
        """
        self._copies += 1
        copy = self._place / f"try-{self._copies}"
        shutil.copytree(self._folder, copy, symlinks=True)
        self._history.apply_to(copy, diff)
        return copy

    def keep(self, copy: Path) -> None:
        """Go on from a copy that was tried."""
        self._folder = copy


def read_texts(folder: Path) -> dict[str, str]:
    """Return path -> text of all text files; a link is not followed, a binary has no text."""
    texts = {}
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        if file.is_symlink() or not file.is_file() or ".git" in path.parts:
            continue
        text = _text(file)
        if text is not None:
            texts[path.as_posix()] = text
    return texts


def _text(file: Path) -> str | None:
    """Read a file. Python that is not UTF-8 is kept with its odd bytes, so that the gate stumbles over it."""
    content = file.read_bytes()
    try:
        return None if b"\0" in content[:8192] and file.suffix != ".py" else content.decode()
    except UnicodeDecodeError:
        return content.decode(errors="surrogateescape") if file.suffix == ".py" else None
