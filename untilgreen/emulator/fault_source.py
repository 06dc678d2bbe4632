"""Where faults come from: the command line and the seed at the start, a file in the state's folder at any moment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from untilgreen.emulator.faults import FaultError, Faults, parse

FILE = "faults.json"
_Mark = tuple[int, int, int] | None


class FaultSource:
    """Gives the faults that hold now.

    Args:
        file: while it is there, it holds in the place of all others. Replace it as a whole: it is read at each call
            after it has changed.
        given: from the command line and the seed.
        methods: full names of all methods that there are.

    Raises:
        FaultError: what was given has no meaning.
    """

    def __init__(self, file: Path, given: Mapping[str, Any], methods: Iterable[str]) -> None:
        self._file = file
        self._methods = tuple(methods)
        self._given = parse(given, self._methods)
        self._held = self._given
        self._read: Faults | FaultError = self._given
        self._mark: _Mark = None
        self.current()

    def current(self) -> Faults:
        """Return the faults that hold now.

        Raises:
            FaultError: the file cannot be understood: what was asked for does not happen, so nothing else may.
        """
        mark = self._look()
        if mark != self._mark:
            self._mark = mark
            self._read = self._load() if mark else self._given
        if isinstance(self._read, FaultError):
            raise self._read
        return self._read

    def latest(self) -> Faults:
        """Return the same for those who cannot refuse anything: while the file is unclear, what held before it."""
        with suppress(FaultError):
            self._held = self.current()
        return self._held

    def _look(self) -> _Mark:
        try:
            found = os.stat(self._file)  # noqa: PTH116 - at each call, and Path.stat takes twice as long
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _load(self) -> Faults | FaultError:
        try:
            return parse(json.loads(self._file.read_text("utf-8")), self._methods)
        except (OSError, ValueError) as error:
            return FaultError(f"{self._file}: {error}")
