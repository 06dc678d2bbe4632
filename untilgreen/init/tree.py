"""Reads a project's files; the survey looks at nothing else."""

from __future__ import annotations

import os
from pathlib import Path

SKIPPED = frozenset({"node_modules", "venv", "env", "__pycache__", "site-packages", "dist", "build", "target"})
"""Folders that hold what others wrote; hidden ones are skipped too."""

LARGE = 200_000
"""Bytes. A source file that a person wrote is smaller."""

MANY = 5_000
"""Files. More of them than this are no source that a person reads; the survey would take minutes."""

_TEXT = frozenset({".py", ".js", ".ts", ".mjs", ".go", ".rb", ".java", ".kt", ".rs", ".php", ".cs"})
_NAMED = frozenset({"Dockerfile", "Procfile", "requirements.txt", "pyproject.toml", "package.json", "go.mod"})


def read_tree(root: Path) -> dict[str, str]:
    """Return the text of each file that the survey understands.

    Returns:
        Path relative to the root, with slashes -> text. Bytes that are not UTF-8 become U+FFFD.
    """
    found: dict[str, str] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
        for name in sorted(files):
            file = Path(folder, name)
            if (name in _NAMED or file.suffix in _TEXT) and file.is_file() and file.stat().st_size <= LARGE:
                found[file.relative_to(root).as_posix()] = file.read_text("utf-8", "replace")
            if len(found) >= MANY:
                return found
    return found
