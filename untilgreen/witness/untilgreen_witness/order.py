"""What the runner asked for, and the file in which everything that happens is written at once."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

TEXT_LIMIT = 20_000
UNWRITABLE = 74
"""Exit code of a process that cannot write down what happens (EX_IOERR): nothing it does would be known."""

BROKEN = "a test has broken the process that it ran in"
"""Why a session ends early, though nothing is wrong with the tests that are left: they want another process."""

FILE = os.environ.get("UNTILGREEN_ORDER", "")
ORDER: dict[str, Any] = json.loads(Path(FILE).read_text()) if FILE else {}
"""Empty when nobody watches; then the witness does nothing."""


ENCODE = json.JSONEncoder(default=repr).encode
"""Making an encoder takes longer than using one."""


class Events:
    """The results file. O_APPEND makes lines of several processes whole."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open()

    def _open(self) -> None:
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fstat(self._fd).st_ino

    def write(self, event: str, **fields: Any) -> None:
        """Write one line; where it cannot be written, this process ends."""
        # The first newline ends what a process left half written when it was killed.
        data = b"\n" + ENCODE({"event": event, **fields}).encode() + b"\n"
        try:
            if not self._still_open():
                self._open()
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            with contextlib.suppress(Exception):
                print(f"untilgreen: results cannot be written: {error}", file=sys.__stderr__, flush=True)
            os._exit(UNWRITABLE)

    def _still_open(self) -> bool:
        """Tell whether the descriptor is still this file: a test may have closed it, and opened another."""
        try:
            return os.fstat(self._fd).st_ino == self._file
        except OSError:
            return False


def clip(text: str) -> str:
    """Keep head and tail of a long text, and make it valid Unicode."""
    if len(text) > TEXT_LIMIT:
        half = TEXT_LIMIT // 2 - 40
        text = f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode()
