"""Keeps secrets' values from lying readable on disk.

Whoever may read the key may read the values: this keeps them out of searches, backups and bug reports, no more.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from untilgreen.emulator.state import StateBroken

_KEY = 32
_NONCE = 16
_TAG = 16


class Seal:
    """Closes and opens values.

    Args:
        file: its key; made if it is not there, readable by its owner only.

    Raises:
        StateBroken: there is a file, and it holds no key.
    """

    def __init__(self, file: Path) -> None:
        if not file.exists():
            part = file.with_suffix(".part")
            part.unlink(missing_ok=True)
            part.touch(mode=0o600)
            part.write_bytes(os.urandom(_KEY))
            part.replace(file)
        self._file = file
        self._key = file.read_bytes()
        if len(self._key) != _KEY:
            raise StateBroken(f"{file} holds no key. Remove the whole folder to begin with an empty cloud.")

    def close(self, value: bytes) -> bytes:
        """Return a value in a form that says nothing to whoever lacks the key; each time another one."""
        nonce = os.urandom(_NONCE)
        hidden = nonce + self._stream(nonce, value)
        return self._tag(hidden) + hidden

    def open(self, closed: bytes) -> bytes:
        """Return the value again.

        Raises:
            StateBroken: another key closed it.
        """
        tag, hidden = closed[:_TAG], closed[_TAG:]
        if not hmac.compare_digest(tag, self._tag(hidden)):
            raise StateBroken(f"{self._file} is not the key of these secrets. Remove the folder to begin empty.")
        return self._stream(hidden[:_NONCE], hidden[_NONCE:])

    def _tag(self, hidden: bytes) -> bytes:
        return hmac.digest(self._key, hidden, "sha256")[:_TAG]

    def _stream(self, nonce: bytes, data: bytes) -> bytes:
        pad = hashlib.shake_256(self._key + nonce).digest(len(data))
        return bytes(a ^ b for a, b in zip(data, pad, strict=True))
