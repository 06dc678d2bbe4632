"""Hides what differs between two occurrences of one fault, and nothing that tells two faults apart.

An HTTP status, a WebSocket close code, a gRPC code and the static part of a path are never hidden.
"""

from __future__ import annotations

import re

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_NUMBER = r"(?<![A-Za-z0-9.])\d+(?:\.\d+)?(?=(?:ms|us|s|[KMG]i?B)?(?![A-Za-z0-9]))"

_CODE = (
    r"(?i:\b(?:status(?:[_ ]?code)?|HTTP/\d(?:\.\d)?|code|assert|answered|got|received|returned|response)|==|!=|->)"
    r"[\s:='\"(\[]{0,3}\d{1,4}(?![\w.])"
    # `refused with 403`, `then sent 1011`: only what is a status or a close code, for much may be sent.
    r"|(?i:\b(?:with|sent|closed|error|HTTP))\s(?:[45]\d\d|10[01]\d)(?![\w.])"
)

_PATTERN = re.compile(
    "|".join(
        f"(?P<{name}>{pattern})"
        for name, pattern in (
            ("masked", r"<[a-z]+\d+>"),
            ("url", r"\b(?:https?|wss?|grpcs?)://[^\s'\"<>)\]]+"),
            ("email", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
            ("jwt", r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"),
            ("time", r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?"),
            ("clock", r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"),
            ("uuid", rf"\b{_UUID}\b"),
            ("address", r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"),
            ("path", r"(?<![\w.}>/-])/[\w.~%{}-]+(?:/[\w.~%{}-]*)+"),
            ("code", _CODE),
            ("phrase", r"\b[1-5]\d\d(?= (?:[A-Z][a-z]+|OK)\b)"),
            ("hex", r"\b(?:0x[0-9a-fA-F]+|(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,})\b"),
            ("number", _NUMBER),
        )
    )
)

_NAMES = {
    "email": "email",
    "jwt": "jwt",
    "time": "time",
    "clock": "time",
    "uuid": "id",
    "hex": "id",
    "address": "address",
    "number": "n",
}

_VERSION = re.compile(r"v\d{1,2}")


def mask(text: str) -> str:
    """Replace ids, times, addresses and numbers by names, numbered by first appearance so that equal stays equal.

    Masking what is masked changes nothing.
    """
    seen: dict[str, dict[str, int]] = {}

    def replace(match: re.Match[str]) -> str:
        kind, found = str(match.lastgroup), match.group()
        if kind in ("masked", "code", "phrase"):
            return found
        if kind == "path":
            return path_template(found)
        if kind == "url":
            return _numbered(seen, "host", found.split("/")[2]) + path_template("/" + "/".join(found.split("/")[3:]))
        return _numbered(seen, _NAMES[kind], found)

    return _PATTERN.sub(replace, text)


def _numbered(seen: dict[str, dict[str, int]], name: str, found: str) -> str:
    known = seen.setdefault(name, {})
    return f"<{name}{known.setdefault(found, len(known) + 1)}>"


def variable(segment: str) -> bool:
    """Tell whether a path segment looks like a value: anything with a digit, save a version such as `v1`."""
    return segment == "{}" or (any(c.isdigit() for c in segment) and not _VERSION.fullmatch(segment))


def segments(path: str) -> tuple[str, ...]:
    """Split a path, without its query, at its slashes."""
    return tuple(part for part in path.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0].split("/") if part)


def path_template(path: str) -> str:
    """Return the path with `{}` for the segments that look like values."""
    return "/" + "/".join("{}" if variable(part) else part for part in segments(path))


def first_line(text: str) -> str:
    """Return the first line that says anything."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
