"""What outlives the emulator: one SQLite file for everything but logs.

All that changes between two awaits is written in one transaction: a kill at any moment leaves the whole of a change or
nothing of it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept(number INTEGER PRIMARY KEY, kind TEXT, name TEXT, data BLOB, UNIQUE(kind, name));
"""
_PUT = "INSERT INTO kept(kind, name, data) VALUES(?,?,?) ON CONFLICT(kind, name) DO UPDATE SET data=excluded.data"
_DROP = "DELETE FROM kept WHERE kind=? AND name=?"
_READ = "SELECT name, data FROM kept WHERE kind=? ORDER BY number"

Content = Callable[[], bytes]
"""Gives what is to be kept, as it is when it is written."""


class StateBroken(ValueError):
    """What an emulator kept cannot be read. The message says what to do."""


def open_database(file: Path, script: str) -> sqlite3.Connection:
    """Open a database that a kill at any moment leaves whole, and run a script on it.

    Raises:
        StateBroken: it is none.
    """
    database = sqlite3.connect(file, isolation_level=None)
    try:
        database.executescript(f"PRAGMA journal_mode=WAL; {script}")
    except sqlite3.DatabaseError as error:
        database.close()
        raise StateBroken(f"{file} cannot be read: {error}. Remove it to begin without what it held.") from None
    return database


class State:
    """The file, and what has changed since it was last written.

    Args:
        file: made if it is not there, readable by its owner only.

    Raises:
        StateBroken: it is no such file.
    """

    def __init__(self, file: Path) -> None:
        file.touch(mode=0o600)
        self._db = open_database(file, f"PRAGMA synchronous=NORMAL; {_SCHEMA}")
        self._changed: dict[tuple[str, str], Content | None] = {}
        self._turn: asyncio.Handle | None = None
        self._closed = False

    def shelf(self, kind: str) -> Shelf:
        """Return the place of one kind of things."""
        return Shelf(self, kind)

    def note(self, kind: str, name: str, content: Content | None) -> None:
        """Write something at the end of this turn of the event loop; None removes it."""
        if self._closed:
            return
        self._changed[kind, name] = content
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Write what has changed."""
        if self._turn:
            self._turn.cancel()
            self._turn = None
        changed, self._changed = self._changed, {}
        if not changed:
            return
        self._db.execute("BEGIN")
        for (kind, name), content in changed.items():
            if content:
                self._db.execute(_PUT, (kind, name, content()))
            else:
                self._db.execute(_DROP, (kind, name))
        self._db.execute("COMMIT")

    def read(self, kind: str) -> list[tuple[str, bytes]]:
        """Return names and contents of one kind, in the order in which they were first kept."""
        self.flush()
        return list(self._db.execute(_READ, (kind,)))

    def close(self) -> None:
        """Write everything and let go of the file; what changes later is not kept."""
        self.flush()
        self._closed = True
        self._db.close()


class Shelf:
    """One kind of things in the state.

    Args:
        state: where it is.
        kind: names it.
    """

    def __init__(self, state: State, kind: str) -> None:
        self._state = state
        self._kind = kind

    def put(self, name: str, content: Content) -> None:
        """Keep something, in the place of what had this name."""
        self._state.note(self._kind, name, content)

    def drop(self, name: str) -> None:
        """Keep it no longer."""
        self._state.note(self._kind, name, None)

    def read(self) -> list[tuple[str, bytes]]:
        """Return names and contents, oldest first."""
        return self._state.read(self._kind)
