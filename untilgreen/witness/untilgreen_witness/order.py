"""What the runner asked for, and the file in which everything that happens is written at once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

TEXT_LIMIT = 20_000

FILE = os.environ.get("UNTILGREEN_ORDER", "")
ORDER: dict[str, Any] = json.loads(Path(FILE).read_text()) if FILE else {}
"""Empty when nobody watches; then the witness does nothing."""


class Events:
    """The results file. O_APPEND makes lines of several processes whole."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, event: str, **fields: Any) -> None:
        """Write one line."""
        data = json.dumps({"event": event, **fields}, default=repr).encode() + b"\n"
        while data:
            data = data[os.write(self._fd, data) :]


def clip(text: str) -> str:
    """Keep head and tail of a long text, and make it valid Unicode."""
    if len(text) > TEXT_LIMIT:
        half = TEXT_LIMIT // 2 - 40
        text = f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode()
