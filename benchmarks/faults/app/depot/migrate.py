"""Brings a database up to date: `python migrate.py FILE`."""

import sqlite3
import sys
from pathlib import Path

FOLDER = Path(__file__).with_name("migrations")


def migrate(file):
    """Run what has not been run."""
    with sqlite3.connect(file) as db:
        done = db.execute("PRAGMA user_version").fetchone()[0]
        for script in sorted(FOLDER.glob("*.sql"))[done:]:
            db.executescript(script.read_text())
            done += 1
            db.execute(f"PRAGMA user_version = {done}")


if __name__ == "__main__":
    migrate(sys.argv[1])
