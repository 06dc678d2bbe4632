"""The shapes of a tree's functions, read once for each content: a file that is the same need not be parsed again."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from untilgreen.ssot.shape import Shape, shapes
from untilgreen.ssot.syntax import Unreadable, parsed

_READERS = ("shape.py", "turns.py", "index.py")
"""What decides how a file is read: an entry of another version of these is never found."""
_VITAL = 16


class Store(Protocol):
    """Remembers what was read of a content. It may forget anything at any time."""

    def get(self, key: str) -> bytes | None:
        """Return what was put under a key; None when there is nothing, or nothing that can be trusted."""

    def put(self, key: str, content: bytes) -> None:
        """Remember; failing to is no error."""


class NoStore:
    """Remembers nothing."""

    def get(self, _key: str) -> bytes | None:
        """Return None."""
        return None

    def put(self, _key: str, _content: bytes) -> None:
        """Forget."""


NO_STORE = NoStore()


@dataclass(frozen=True)
class Functions:
    """All functions of some files.

    Args:
        shapes: in the order of path and line.
        unreadable: files that are no Python, and why.
    """

    shapes: tuple[Shape, ...]
    unreadable: dict[str, Unreadable]


def functions(files: Mapping[str, str], store: Store) -> Functions:
    """Read all functions of a tree.

    Args:
        files: path -> text of its Python files.
        store: what was read before is taken from there.
    """
    found: list[Shape] = []
    unreadable: dict[str, Unreadable] = {}
    for path, text in sorted(files.items()):
        read = _of_file(path, text, store)
        if isinstance(read, Unreadable):
            unreadable[path] = read
        else:
            found += read
    return Functions(tuple(found), unreadable)


def _of_file(path: str, text: str, store: Store) -> list[Shape] | Unreadable:
    key = key_of(text)
    content = store.get(key)
    if content is not None and (read := _decoded(path, content)) is not None:
        return read
    tree = parsed(text)
    fresh = tree if isinstance(tree, Unreadable) else list(shapes(tree, path))
    store.put(key, _encoded(fresh))
    return fresh


def key_of(text: str) -> str:
    """Return the name of a content: of its text, and of everything that decides how it is read."""
    return hashlib.sha256(_version() + text.encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _version() -> bytes:
    own = b"".join((Path(__file__).parent / name).read_bytes() for name in _READERS)
    return hashlib.sha256(own + sys.version.encode()).digest()


def _encoded(read: list[Shape] | Unreadable) -> bytes:
    if isinstance(read, Unreadable):
        document: Any = {"line": read.line, "problem": read.problem}
    else:
        document = [_row(shape) for shape in read]
    payload = json.dumps(document, separators=(",", ":")).encode("ascii")
    return hashlib.sha256(payload).hexdigest()[:_VITAL].encode("ascii") + payload


def _row(shape: Shape) -> list[Any]:
    features = [part for pair in shape.features.items() for part in pair]
    return [
        shape.name,
        shape.line,
        shape.end,
        shape.statements,
        shape.inner,
        features,
        *([[place, *sorted(words)] for place, words in table.items()] for table in (shape.turns, shape.calls)),
    ]


def _decoded(path: str, content: bytes) -> list[Shape] | Unreadable | None:
    """Return what an entry holds; None for one that was not written whole, or was changed since."""
    vital, payload = content[:_VITAL], content[_VITAL:]
    if hashlib.sha256(payload).hexdigest()[:_VITAL].encode("ascii") != vital:
        return None
    try:
        document = json.loads(payload)
        if isinstance(document, dict):
            return Unreadable(document["line"], document["problem"])
        return list(_shapes(path, document))
    except (ValueError, TypeError, KeyError, IndexError):
        return None


def _shapes(path: str, rows: list[Any]) -> Iterator[Shape]:
    for name, line, end, statements, inner, features, turns, calls in rows:
        counted: Counter[int] = Counter()
        counted.update(dict(zip(features[::2], features[1::2], strict=True)))
        yield Shape(
            path=path,
            name=name,
            line=line,
            end=end,
            statements=statements,
            features=counted,
            turns={row[0]: frozenset(row[1:]) for row in turns},
            calls={row[0]: frozenset(row[1:]) for row in calls},
            inner=inner,
        )
