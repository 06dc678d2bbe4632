"""The forms in which a known value may stand in a text, and a fast way to find any of them."""

from __future__ import annotations

import base64
import html
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""Characters of the shortest form that is masked: anything shorter would stand in every second word."""
ANCHOR = 12
"""Characters by which a part of a long value is recognised. Of a value that was cut off, any 23 in a row hold one."""
PART = 16
"""Characters of the shortest line or JSON string that is a secret by itself."""
_WORD = 12
"""Shorter values of letters only are masked as whole words, not inside of others."""

_URL_SAFE = str.maketrans("+/", "-_")
_SECRETIVE = re.compile(r"secret|password|passwd|token|key|credential", re.IGNORECASE)
_PUBLIC = re.compile(r"_id$|_uri$|_url$", re.IGNORECASE)


class Needles:
    """All forms of one secret. Shows none of them.

    Args:
        name: what the mask says.
        forms: gives the forms.
    """

    __slots__ = ("forms", "name")

    def __init__(self, name: str, forms: Callable[[], frozenset[str]]) -> None:
        self.name = name
        self.forms = forms

    def __repr__(self) -> str:
        return f"Needles({self.name!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("needles are secrets and are not to be stored")


def needles(name: str, value: bytes) -> Needles:
    """Return what to look for, for one secret.

    Args:
        name: of the secret; stands in the mask.
        value: its bytes.
    """
    found = frozenset(form for part in _parts(value) for form in _forms(part) if len(form) >= SHORTEST)
    return Needles(re.sub(r"[^\w.-]", "-", name), lambda: found)


def masker(known: Iterable[Needles]) -> Callable[[str], str]:
    """Return a function that replaces every form of these secrets, whole or cut off, by `[redacted:NAME]`."""
    pieces = _pieces(known)
    if not pieces:
        return str
    search = re.compile(_trie(pieces)).search

    def mask(text: str) -> str:
        found = search(text)
        if found is None:
            return text
        done, out = 0, []
        while found:
            span = _widest(text, found, pieces[found[0]], done)
            if span:
                start, end, name = span
                out += [text[done:start], f"[redacted:{name}]"]
                done = end
            found = search(text, span[1] if span else found.start() + 1)
        return "".join([*out, text[done:]])

    return mask


Piece = tuple[str, int, str]
"""A form, where in it the anchor lies (-1: only the whole form counts), and the secret's name."""


def _pieces(known: Iterable[Needles]) -> dict[str, list[Piece]]:
    pieces: dict[str, list[Piece]] = defaultdict(list)
    for needle in known:
        for form in needle.forms():
            pieces[form[:ANCHOR]].append((form, -1, needle.name))
            last = len(form) - ANCHOR
            for start in range(0, last + 1, ANCHOR) if last >= ANCHOR else ():
                if _mixed(form[start : start + ANCHOR]):
                    pieces[form[start : start + ANCHOR]].append((form, start, needle.name))
    return dict(pieces)


def _widest(text: str, found: re.Match[str], pieces: list[Piece], done: int) -> tuple[int, int, str] | None:
    """Return the longest stretch around an anchor that agrees with one of its forms; None when a whole is missing."""
    spans = (_span(text, found, piece, done) for piece in pieces)
    return max((span for span in spans if span), key=lambda span: span[1] - span[0], default=None)


def _span(text: str, found: re.Match[str], piece: Piece, done: int) -> tuple[int, int, str] | None:
    form, offset, name = piece
    start, end = found.span()
    if offset < 0:
        stop = start + len(form)
        whole = text.startswith(form, start) and not (_is_word(form) and _inside_word(text, start, stop))
        return (start, stop, name) if whole else None
    left, right = offset, offset + len(found[0])
    while left and start > done and text[start - 1] == form[left - 1]:
        left, start = left - 1, start - 1
    while right < len(form) and end < len(text) and text[end] == form[right]:
        right, end = right + 1, end + 1
    return start, end, name


def _is_word(form: str) -> bool:
    return len(form) < _WORD and form.isalpha()


def _inside_word(text: str, start: int, end: int) -> bool:
    return text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()


def _mixed(piece: str) -> bool:
    """Tell whether a part of a value is unlike words, so that it may be masked without the rest."""
    sorts = (str.islower, str.isupper, str.isdigit)
    return sum(any(sort(letter) for letter in piece) for sort in sorts) > 1


def _parts(value: bytes) -> Iterator[bytes]:
    """Go through the value, and what of a key file or a JSON document is a secret by itself."""
    yield value
    if value.strip() != value:
        yield value.strip()
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return
    strings = [leaf for leaf in _leaves(text) if len(leaf) >= PART]
    lines = (line.strip() for part in (text, *strings) if "\n" in part for line in part.splitlines())
    for part in (*strings, *(line for line in lines if len(line) >= PART and " " not in line and _mixed(line))):
        yield part.encode()


def _leaves(text: str) -> list[str]:
    """Return the strings of a JSON document whose keys sound like secrets."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found: list[str] = []

    def visit(node: Any, secretive: bool) -> None:
        if isinstance(node, str) and secretive:
            found.append(node)
        elif isinstance(node, dict):
            for key, below in node.items():
                visit(below, secretive or bool(_SECRETIVE.search(key) and not _PUBLIC.search(key)))
        elif isinstance(node, list):
            for below in node:
                visit(below, secretive)

    visit(document, secretive=False)
    return found


def _forms(value: bytes) -> Iterator[str]:
    """Go through the ways in which a value may be written."""
    yield from _base64(value)
    yield from _url(value)
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        yield repr(value)[2:-1]
        return
    yield text
    yield repr(text)[1:-1]
    yield html.escape(text)
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]


def _url(value: bytes) -> Iterator[str]:
    for form in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield form
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form)


def _base64(value: bytes) -> Iterator[str]:
    """Go through the base64 of a value at each of the three places where it may begin within a longer text.

    The first and the last letters also depend on what stands beside the value, so they are left out.
    """
    for before in range(3):
        text = base64.b64encode(b"\0" * before + value).decode().rstrip("=")
        cut = text[(0, 2, 3)[before] : -1 if (before + len(value)) % 3 else None]
        yield cut
        yield cut.translate(_URL_SAFE)
        yield quote(cut, safe="")


def _trie(words: Iterable[str]) -> str:
    """Return a pattern for any of these words that looks at each letter of a text but a few times."""
    root: dict[str, Any] = {}
    for word in sorted(words):
        node = root
        for letter in word:
            node = node.setdefault(letter, {})
        node[""] = {}
    return _branches(root)


def _branches(node: dict[str, Any]) -> str:
    ways = [re.escape(letter) + _branches(below) for letter, below in node.items() if letter]
    if not ways:
        return ""
    joined = ways[0] if len(ways) == 1 and "" not in node else f"(?:{'|'.join(ways)})"
    return f"{joined}?" if "" in node else joined
