"""What pytest prints about a failure, taken apart: the exception at the root, and the lines it went through."""

from __future__ import annotations

import re
from collections.abc import Iterator

from untilgreen.model.suite import Failure, Frame

MESSAGE, TEXT = 2_000, 20_000

_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"
_JOINED = re.compile(rf"^\s*({re.escape(_CAUSE)}|{re.escape(_CONTEXT)})\s*$", re.MULTILINE)
_PLACE = re.compile(r"^(?P<path>[^\s:][^:\n]*\.\w+):(?P<line>\d+):(?: in (?P<function>\S+))?(?P<rest>.*)$")
_DEFINED = re.compile(r"^\s*(?:async\s+)?def (?P<name>\w+)\(")
_ERROR = re.compile(r"^E\s+(?P<name>[A-Za-z_][\w.]*)(?::\s*(?P<message>.*))?$")
_ENDINGS = "Error|Exception|Failed|Failure|Timeout|Interrupt|Warning|Exit"
_NAMED = re.compile(rf"^(?P<name>[A-Za-z_][\w.]*(?:{_ENDINGS}))\b:?\s*")

_TRACED = (
    re.compile(r"\b00-(?P<id>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\b"),
    re.compile(r"(?i)trace[\w-]*[\"'\s:=/]{1,4}(?:projects/[^/\s]+/traces/)?(?P<id>[0-9a-f]{32})\b"),
)


def failure_of(text: str, message: str, phase: str, kind: str = "") -> Failure:
    """Return a failure.

    Args:
        text: the report as the runner prints it.
        message: its summary; empty when there is none.
        phase: setup, call or teardown.
        kind: the exception's name, if the runner gives it apart.
    """
    root = _root(text)
    name, said = _raised(root)
    named = _NAMED.match(message)
    exception = name or kind or (named["name"] if named else "Failure")
    words = said or (message[named.end() :] if named else message) or exception
    return Failure(
        phase=phase,
        exception=exception.rpartition(".")[2],
        message=words.strip().split("\n")[0][:MESSAGE],
        frames=tuple(_frames(root)),
        text=text[:TEXT],
    )


def trace_in(*texts: str) -> str:
    """Return the last trace that texts name, or nothing. A test that has several names the one it failed about last."""
    found = [(text, match) for text in texts for pattern in _TRACED for match in pattern.finditer(text)]
    return max(found, key=lambda pair: pair[1].start())[1]["id"].lower() if found else ""


def _root(text: str) -> str:
    """Return the part that the explicit `raise ... from` chain begins with; what a handler raised beside it is none."""
    parts = _JOINED.split(text)
    root = parts[0]
    for joint, part in zip(parts[1::2], parts[2::2], strict=True):
        if joint == _CONTEXT:
            root = part
    return root


def _raised(text: str) -> tuple[str, str]:
    """Return the exception and its message, of the first line that pytest marks."""
    for line in text.split("\n"):
        if line.startswith("E "):
            said = line[1:].strip()
            if said.startswith("assert "):
                return "AssertionError", said
            found = _ERROR.match(line)
            return (found["name"], found["message"] or "") if found else ("", said)
    return "", ""


def _frames(text: str) -> Iterator[Frame]:
    """Go through the places that a report names, outermost first, each with the line it quotes."""
    function = source = ""
    for line in text.split("\n"):
        if defined := _DEFINED.match(line):
            function = defined["name"]
        elif line.startswith(">"):
            source = line[1:].strip()
        elif place := _PLACE.match(line):
            name = place["function"] or function
            yield Frame(path=place["path"], line=int(place["line"]), function=name, source=source)
            source = ""
