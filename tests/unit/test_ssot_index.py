"""Sources are read once for each content, and a cache never changes what is said."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.ssot.index import NO_STORE, Functions, NoStore, Store, functions, key_of
from untilgreen.ssot.store import FolderStore

LOOP = """
def total(rows, limit):
    found = 0
    for row in rows:
        if row.size > limit:
            continue
        found += row.size
    return found
"""
FILES = {"a.py": LOOP, "b.py": LOOP.replace(">", "<"), "bad.py": "def (\n", "empty.py": ""}


def told(found: Functions) -> object:
    """Return everything that a reading says."""
    rows = [(s.path, s.name, s.line, s.end, s.statements, s.features, s.turns, s.calls) for s in found.shapes]
    return rows, found.unreadable


class MemoryStore(NoStore):
    """A store in memory that counts."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.written = 0

    def get(self, key: str) -> bytes | None:
        return self.entries.get(key)

    def put(self, key: str, content: bytes) -> None:
        self.written += 1
        self.entries[key] = content


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_warm_is_cold(kind: str, tmp_path: Path) -> None:
    """What comes out of a store is what reading gives, unreadable files too."""
    store: Store = MemoryStore() if kind == "memory" else FolderStore(tmp_path / "index")
    cold = functions(FILES, NO_STORE)
    assert told(functions(FILES, store)) == told(cold)
    assert told(functions(FILES, store)) == told(cold)
    assert list(cold.unreadable) == ["bad.py"]


def test_content_addressed() -> None:
    """A file that moves or that two folders hold is read once; a changed one is read again."""
    store = MemoryStore()
    functions({"a.py": LOOP, "x/b.py": LOOP}, store)
    assert store.written == 1
    (moved,) = functions({"c.py": LOOP}, store).shapes
    assert (moved.path, store.written) == ("c.py", 1)
    functions({"c.py": LOOP + "\n"}, store)
    assert store.written == 2


@given(st.binary(max_size=40), st.integers(0, 200))
def test_damaged_entries(noise: bytes, cut: int) -> None:
    """An entry that was cut, overwritten or made up is read again from the source."""
    store = MemoryStore()
    functions(FILES, store)
    good = dict(store.entries)
    for key, content in good.items():
        store.entries[key] = content[:cut] + noise
    assert told(functions(FILES, store)) == told(functions(FILES, NO_STORE))


def test_forged_entries() -> None:
    """An entry that is whole and holds something else is not taken."""
    store = MemoryStore()
    functions({"a.py": LOOP, "bad.py": "def (\n"}, store)
    key = key_of(LOOP)
    store.entries[key] = store.entries[key_of("def (\n")][:16] + b"[]"
    assert len(functions({"a.py": LOOP}, store).shapes) == 1


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """Where nothing can be written or read, everything is read from the sources."""
    (tmp_path / "index").write_text("a file")
    assert told(functions(FILES, FolderStore(tmp_path / "index"))) == told(functions(FILES, NO_STORE))


def test_stays_out_of_the_repository(tmp_path: Path) -> None:
    """The folder ignores itself, and nothing is written beside it."""
    functions(FILES, FolderStore(tmp_path / "index"))
    assert [file.name for file in tmp_path.iterdir()] == ["index"]
    assert (tmp_path / "index" / ".gitignore").read_text() == "*\n"


def test_many_at_once(tmp_path: Path) -> None:
    """Processes and threads that share a folder all say the same, and leave no drafts."""
    many = {f"m{n}.py": LOOP.replace("limit", f"limit_{n}") for n in range(30)}
    expected, seen = told(functions(many, NO_STORE)), []

    def read() -> None:
        seen.append(told(functions(many, FolderStore(tmp_path / "index"))))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 4
    assert [file for file in (tmp_path / "index").rglob(".*") if file.name != ".gitignore"] == []
