"""What was read of each content, in a folder: written whole or not at all, by as many processes as like."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

_MOST = 20_000
"""Entries; a tree of a million lines has 5,000 files. The oldest half goes when there are more."""
_OFTEN = 200
"""Entries written until somebody counts again."""


class FolderStore:
    """Keeps entries as files, each named by its key.

    An entry that is half written, damaged or gone is simply read again from the source. Nothing in it is executed.

    Args:
        folder: made when the first entry is written, with a `.gitignore` that keeps it out of the repository.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = 0

    def get(self, key: str) -> bytes | None:
        """Return what was put under a key, if it can be read."""
        try:
            return self._file(key).read_bytes()
        except OSError:
            return None

    def put(self, key: str, content: bytes) -> None:
        """Write an entry beside its place and move it there: readers see all of it or nothing."""
        with suppress(OSError):  # a full disk or a folder that may not be written makes it slow, not wrong
            file = self._file(key)
            file.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=file.parent, prefix=".", delete=False) as draft:
                draft.write(content)
            Path(draft.name).replace(file)
            self._written += 1
            if self._written % _OFTEN == 1:
                self._keep_out_of_git()
                self._forget()

    def _file(self, key: str) -> Path:
        return self._folder / key[:2] / key[2:]

    def _keep_out_of_git(self) -> None:
        ignore = self._folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", "utf-8")

    def _forget(self) -> None:
        """Remove the older half when there are too many: a source changes, and its old entries stay behind."""
        folders = [folder for folder in os.scandir(self._folder) if folder.is_dir()]
        files = [Path(entry.path) for folder in folders for entry in os.scandir(folder)]
        if len(files) > _MOST:
            ages = sorted(files, key=lambda file: file.stat().st_mtime)
            for file in ages[: len(files) // 2]:
                file.unlink(missing_ok=True)
