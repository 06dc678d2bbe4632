"""Finds Python exceptions in log lines: in one entry, or spread over many, one line each.

The root of the explicit `raise ... from` chain names the exception. What was raised "during handling" is a side branch:
it tells of the handler, not of the cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from untilgreen.model.evidence import Raised
from untilgreen.model.suite import Frame

HEAD = "Traceback (most recent call last)"
"""Stands in the first line of every traceback."""

_START = re.compile(r"^(?P<margin>[\s|+]*)(?:Exception Group )?Traceback \(most recent call last\):\s*$")
_FRAME = re.compile(r'^\s+File "(?P<path>[^"]*)", line (?P<line>\d+)(?:, in (?P<function>.+))?\s*$')
_REPEATED = re.compile(r"^\s+\[Previous line repeated \d+ more times?\]\s*$")
_MARKS = re.compile(r"^[\s~^]+$")
_ERROR = re.compile(r"^(?P<name>[^\W\d][\w.]*(?:\.<locals>\.[\w.]+)*)(?::(?: (?P<message>.*))?)?$")
_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"

_GAP = 60
"""Lines within which a chain may go on: the text of an exception, such as pydantic's, takes many."""

_MESSAGE = 2_000
"""Characters of a message that are kept: more is a dump, not a message."""


@dataclass(frozen=True)
class Found:
    """A chain of tracebacks in a sequence of lines.

    Attributes:
        start: index of its first line.
        end: index of its last line, which is the final exception's own.
        raised: the exception at the root of the explicit chain.
    """

    start: int
    end: int
    raised: Raised


@dataclass(frozen=True)
class _Block:
    """One traceback of a chain."""

    start: int
    end: int
    raised: Raised


def find_raised(text: str) -> Raised | None:
    """Return the last exception that a text tells of, or None."""
    found = list(find_all(text.split("\n")))
    return found[-1].raised if found else None


def find_all(lines: Sequence[str]) -> Iterator[Found]:
    """Find every chain of tracebacks in lines; what stands between them is skipped."""
    index = 0
    while index < len(lines):
        chain = _chain(lines, index)
        if chain is None:
            index += 1
            continue
        yield chain
        index = chain.end + 1


def _chain(lines: Sequence[str], index: int) -> Found | None:
    """Read the tracebacks that start here and hang together."""
    first = block = _block(lines, index)
    if first is None or block is None:
        return None
    root, end = first.raised, first.end
    while (link := _link(lines, end)) is not None:
        block = _block(lines, link[1])
        if block is None:
            break
        if link[0] == _CONTEXT:
            root = block.raised
        end = block.end
    return Found(first.start, end, root)


def _link(lines: Sequence[str], end: int) -> tuple[str, int] | None:
    """Return the sentence that joins a traceback to the next one, and where that starts."""
    joined = ""
    for index in range(end + 1, min(end + 1 + _GAP, len(lines))):
        if _START.match(lines[index]):
            return (joined, index) if joined else None
        bare = lines[index].strip(" |\t\r")
        if bare in (_CAUSE, _CONTEXT):
            joined = bare
        elif bare and joined:
            return None
    return None


def _block(lines: Sequence[str], index: int) -> _Block | None:
    """Read one traceback: its head, frames with their source lines, and the exception's own line."""
    start = _START.match(lines[index])
    if not start:
        return None
    margin = len(start["margin"])
    frames: list[Frame] = []
    for number in range(index + 1, len(lines)):
        line = _without(margin, lines[number])
        if frame := _FRAME.match(line):
            frames.append(Frame(path=frame["path"], line=int(frame["line"]), function=frame["function"] or ""))
        elif line.startswith(" ") or not line.strip():
            frames = _with_source(frames, line)
        elif error := _ERROR.match(line.rstrip()):
            name, message = error["name"].rpartition(".")[2], (error["message"] or "")[:_MESSAGE]
            return _Block(index, number, Raised(exception=name, message=message, frames=tuple(frames)))
        else:
            return None
    return None


def _with_source(frames: list[Frame], line: str) -> list[Frame]:
    """Give the newest frame its source line; marks under it and lines after it are decoration."""
    bare = line.strip()
    if not frames or frames[-1].source or not bare or _MARKS.match(line) or _REPEATED.match(line):
        return frames
    return [*frames[:-1], frames[-1].model_copy(update={"source": bare})]


def _without(margin: int, line: str) -> str:
    """Take off what stands left of an indented traceback or of an exception group's."""
    return line[margin:] if not line[:margin].strip(" |+\t") else line
