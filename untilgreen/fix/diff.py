"""The diff of one text file, as git writes and applies it."""

from __future__ import annotations

import difflib
import io

_NO_LINE_END = "\\ No newline at end of file\n"
NOWHERE = "/dev/null"


def file_diff(path: str, old: str | None, new: str | None, context: int = 3) -> str:
    """Return how a file's text changes.

    Args:
        path: relative to the repository's root.
        old: None when the file is new.
        new: None when it is gone.
        context: unchanged lines around each change.
    """
    mode = "new file mode 100644\n" if old is None else "deleted file mode 100644\n" if new is None else ""
    before = f"a/{path}" if old is not None else NOWHERE
    after = f"b/{path}" if new is not None else NOWHERE
    lines = difflib.unified_diff(lines_of(old), lines_of(new), before, after, n=context)
    body = "".join(line if line.endswith("\n") else f"{line}\n{_NO_LINE_END}" for line in lines)
    return f"diff --git a/{path} b/{path}\n{mode}{body}"


def lines_of(text: str | None) -> list[str]:
    """Split at line feeds only, as git does."""
    return io.StringIO(text or "", newline="\n").readlines()
