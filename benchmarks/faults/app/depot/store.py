"""A few connections to the database, for everybody."""

import os
import queue
import sqlite3
from contextlib import contextmanager

SIZE = 6
PATIENCE_S = 1.0


class PoolTimeout(Exception):
    """Nobody gave a connection back in time."""


class Pool:
    """Connections that are taken and given back."""

    def __init__(self, size=SIZE):
        self._free = queue.LifoQueue()
        for _ in range(size):
            self._free.put(None)

    def take(self):
        """Return a connection; whoever takes one gives it back."""
        try:
            connection = self._free.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise PoolTimeout(f"no connection became free within {PATIENCE_S} s: connection pool exhausted") from None
        return connection or _connect()

    def give_back(self, connection):
        self._free.put(connection)

    @contextmanager
    def connection(self):
        """Lend a connection."""
        taken = self.take()
        try:
            with taken:
                yield taken
        finally:
            self.give_back(taken)


def _connect():
    connection = sqlite3.connect(os.environ["DEPOT_DB"], timeout=5, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


pool = Pool()
