"""The text files of a folder that somebody works in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from untilgreen.settings import Settings
from untilgreen.ssot.syntax import is_test

_FOREIGN = frozenset({"node_modules", "__pycache__", "site-packages"})


def product_texts(root: Path, settings: Settings) -> dict[str, str]:
    """Return path -> text of the product's own Python, as it lies there now; hidden folders are not looked into.

    Bytes that are no UTF-8 are kept, so that whoever parses the file stumbles over them.
    """
    suite = settings.suite.path.strip("/")
    found = {file.relative_to(root).as_posix(): file for file in _python(root)}
    return {
        path: file.read_text("utf-8", errors="surrogateescape")
        for path, file in sorted(found.items())
        if not is_test(path, suite)
    }


def _python(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if name not in _FOREIGN and not name.startswith("."))
        for name in files:
            file = Path(folder, name)
            if name.endswith(".py") and file.is_file() and not file.is_symlink():
                yield file
