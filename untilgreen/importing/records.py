"""JSON records out of a file that may be an array, lines, or half of either."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from untilgreen.importing.intake import Counting

_CHUNK = 1 << 20
_LONGEST = 8 << 20
"""Characters after which a record that does not end is given up: the platform takes no entry above 256 KB."""

_NEXT = re.compile(r"\n\s{0,4}\{")
_SPACE = re.compile(r"[\s,]*")

NOT_JSON = "no JSON, or only half of a record"
NO_OBJECT = "JSON, but no record"


def records(file: Path, account: Counting) -> Iterator[dict[str, Any]]:
    """Go through the records of a file; what is none is counted as refused.

    Args:
        file: a JSON array as `gcloud --format=json` prints it, or one record a line.
        account: keeps count of what is refused.
    """
    with file.open(encoding="utf-8-sig", errors="replace", newline="\n") as text:
        beginning = text.read(64)
        text.seek(0)
        found = _array(text, account) if beginning.lstrip("\ufeff \t\r\n").startswith("[") else _lines(text, account)
        for record in found:
            if isinstance(record, dict):
                yield record
            else:
                account.refuse(NO_OBJECT)


def _lines(text: IO[str], account: Counting) -> Iterator[Any]:
    for line in text:
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            account.refuse(NOT_JSON)


def _array(text: IO[str], account: Counting) -> Iterator[Any]:
    """Decode one element after the other, so that half an array gives what it holds."""
    decode = json.JSONDecoder().raw_decode
    buffer, at, ended = text.read(_CHUNK), 0, False
    at = buffer.index("[") + 1
    while True:
        at = _skipped(buffer, at)
        if buffer.startswith("]", at):
            yield from _after(text, buffer[at + 1 :] + text.read(_CHUNK), account)
            return
        record, end = _decoded(decode, buffer, at)
        if end and (end < len(buffer) or ended):
            yield record
            at = end
        elif not ended and len(buffer) - at < _LONGEST:
            more = text.read(_CHUNK)
            buffer, at, ended = buffer[at:] + more, 0, not more
        elif at == len(buffer):
            account.gap = "the array does not end: the file was cut off"
            return
        else:
            account.refuse(NOT_JSON)
            following = _NEXT.search(buffer, at + 1)
            at = following.start() if following else len(buffer)


def _after(text: IO[str], rest: str, account: Counting) -> Iterator[Any]:
    """Go on behind an array: there may be another one, or lines; the end of the first is not the end of the file."""
    rest = rest.lstrip()
    if rest:
        whole = io.StringIO(rest + text.read(), newline="\n")
        yield from _array(whole, account) if rest.startswith("[") else _lines(whole, account)


def _skipped(buffer: str, at: int) -> int:
    found = _SPACE.match(buffer, at)
    return found.end() if found else at


def _decoded(decode: Callable[[str, int], tuple[Any, int]], buffer: str, at: int) -> tuple[Any, int]:
    """Return an element and where it ends; 0 when it does not, or is none."""
    try:
        return decode(buffer, at)
    except (ValueError, RecursionError):
        return None, 0
