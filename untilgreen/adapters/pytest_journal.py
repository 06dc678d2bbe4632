"""The results of a run as they come: read from where the witness writes, without secrets, and kept.

The witness writes into a channel, which a test may delete, cut or fill. What was read is written into the journal at
once, scrubbed, and accounted for. Whoever comes later, because this process was killed, reads the journal and the rest
of the channel.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from untilgreen.adapters.pytest_events import Account, Event
from untilgreen.adapters.pytest_redaction import scrub_event
from untilgreen.ports import Redaction, SuiteOrder, Watcher

CHANNEL, JOURNAL = "channel.jsonl", "events.jsonl"
_WHY = 200
_CUT = "a test cut off the file of results"
_SURROGATE = re.compile(rb"\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F]..)")
"""What JSON escapes: a backslash, a whole pair, or half a pair, which no file and no terminal can take."""


class Channel:
    """The file that the witness writes, followed by its descriptor and not by its name.

    Args:
        path: where it is; when it is deleted, who writes next makes a new one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[int, IO[bytes]] = {}
        self._rests: dict[int, bytes] = {}
        self.cut = False
        """Whether something was taken away that had not been read."""

    def open(self) -> None:
        """Begin it, before a test can take it away."""
        self._path.touch()
        self._follow()

    def read(self) -> list[bytes]:
        """Return the whole lines that have come since the last time."""
        with contextlib.suppress(OSError):
            self._follow()
        return [line for inode in self._files for line in self._lines(inode) if line]

    def close(self) -> list[bytes]:
        """Return what is left of lines that never ended, and close."""
        for file in self._files.values():
            file.close()
        return [rest for rest in self._rests.values() if rest]

    def _follow(self) -> None:
        inode = self._path.stat().st_ino
        if inode not in self._files:
            self._files[inode] = self._path.open("rb")
            self._rests[inode] = b""

    def _lines(self, inode: int) -> list[bytes]:
        file = self._files[inode]
        if os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)
            self.cut = True
        data = file.read()
        if not data:
            return []
        *lines, self._rests[inode] = (self._rests[inode] + data).split(b"\n")
        return lines


class Journal:
    """Reads the channel and keeps account.

    Args:
        order: whose results.
        redaction: takes secrets out of what is read.
        watcher: is told what happens.
    """

    def __init__(self, order: SuiteOrder, redaction: Redaction, watcher: Watcher | None = None) -> None:
        self._folder = Path(order.folder)
        self._redaction = redaction
        self._channel = Channel(self._folder / CHANNEL)
        self._skip = 0
        self._waiting: deque[bytes] = deque()
        """Read and not yet taken in: an interrupt between two lines loses none."""
        self._file: IO[bytes] | None = None
        self._masked: dict[str, str] = {}
        self._watcher = watcher
        self._total: int | None = None
        self.account = Account(order)
        self.unwritten = ""
        """Why results could not be written down, if they could not."""

    def __enter__(self) -> Self:
        """Open the journal, and go on where it ends."""
        self._replay()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._channel.open()
            self._file = (self._folder / JOURNAL).open("ab+")
        except OSError as error:
            self.unwritten = str(error)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Read what is left, and leave one file behind that holds everything."""
        self.pull()
        for rest in self._channel.close():
            self.tell("unreadable", why=f"it ends after {len(rest)} bytes")
        self._restore()
        with contextlib.suppress(OSError):
            if self._file:
                self._file.close()
        (self._folder / CHANNEL).unlink(missing_ok=True)

    def pull(self) -> bool:
        """Take in what has come; tell whether there was anything."""
        lines = self._channel.read()
        self._waiting += lines[self._skip :]
        self._skip = max(0, self._skip - len(lines))
        while self._waiting:
            self._take(self._waiting.popleft())
        if lines:
            self._flush()
        if self._channel.cut:
            self.tell("note", text=_CUT)
            self._channel.cut = False
        return bool(lines)

    def tell(self, event: str, **fields: Any) -> None:
        """Add something that this side knows."""
        self._keep({"event": event, **fields}, own=True)
        self._flush()

    def stop(self, why: str, *, halted: bool = False) -> None:
        """Say why the run ends before its time.

        Args:
            why: in words.
            halted: whether what is under way counts as not run, since it is not the tests that made it end.
        """
        self.tell("stop", why=why, halted=halted)

    def names(self, nodeids: tuple[str, ...]) -> tuple[str, ...]:
        """Return node ids as pytest knows them, where a secret was taken out of one."""
        return tuple(self._masked.get(nodeid, nodeid) for nodeid in nodeids)

    def _take(self, line: bytes) -> None:
        line = _SURROGATE.sub(_written_out, line) if rb"\u" in line else line
        try:
            event = json.loads(line.decode())  # bytes alone would let half a pair pass
        except ValueError as error:
            event = {"event": "unreadable", "why": str(error)}
        known = isinstance(event, dict)
        self._keep(event if known else {"event": "unreadable", "why": "it is no document"}, line if known else b"")

    def _keep(self, event: Event, line: bytes = b"", *, own: bool = False) -> None:
        clean = scrub_event(event, self._redaction)
        if clean != event and event.get("event") == "collected":
            self._masked |= {new: old for new, old in zip(clean["ids"], event["ids"], strict=True) if new != old}
        try:
            self.account.take(clean)
        except (KeyError, ValueError, TypeError, AttributeError) as error:  # the witness did not write this
            clean = {"event": "unreadable", "why": f"{type(error).__name__}: {error}"[:_WHY]}
            self.account.take(clean)
        whole = {**clean, "own": True} if own else clean
        self._write(line if line and clean == event else json.dumps(whole).encode())
        self._announce()

    def _write(self, line: bytes) -> None:
        if self._file and not self.unwritten:
            try:
                self._file.write(line + b"\n")
            except OSError as error:
                self.unwritten = str(error)

    def _announce(self) -> None:
        news, self.account.news = self.account.news, []
        if self._watcher and self.account.total is not None and self._total is None:
            self._total = self.account.total
            self._watcher.collected(self._total)
        if self._watcher:
            for nodeid, outcome, why in news:
                self._watcher.finished(nodeid, outcome, why)

    def _flush(self) -> None:
        try:
            if self._file and not self.unwritten:
                self._file.flush()
        except OSError as error:
            self.unwritten = str(error)

    def _replay(self) -> None:
        """Take in what an earlier process has written down of this run."""
        with contextlib.suppress(FileNotFoundError):
            for line in (self._folder / JOURNAL).read_bytes().split(b"\n"):
                with contextlib.suppress(ValueError, KeyError):  # the last line, if that process was killed meanwhile
                    event = json.loads(line)
                    self.account.take(event)
                    self._skip += not event.get("own", False)

    def _restore(self) -> None:
        """Write the journal again if a test has deleted it."""
        path = self._folder / JOURNAL
        with contextlib.suppress(OSError):
            if self._file and not (path.exists() and path.stat().st_ino == os.fstat(self._file.fileno()).st_ino):
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file.seek(0)
                path.write_bytes(self._file.read())


def _written_out(escape: re.Match[bytes]) -> bytes:
    """Let half a pair be read as the six characters that stand for it."""
    return b"\\" + escape[0] if escape[1] else escape[0]
