"""Paths and path templates: `/orders/{}` stands for `/orders/17`."""

from __future__ import annotations

import re
from functools import lru_cache

_HOLE = re.compile(r"\{[^{}/]*\}")
_VARIABLE = re.compile(
    r"""
    \d+                                       # a row's number
    | [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}  # a uuid
    | (?=[0-9a-f]*\d)[0-9a-f]{8,}             # a hash; one digit at least, or it may be a word
    | [A-Za-z]+[-_](?=[0-9a-f]*\d)[0-9a-f]+   # a prefixed id: order-17, usr_1f0c
    """,
    re.VERBOSE | re.IGNORECASE,
)


def matches(template: str, path: str) -> bool:
    """Tell whether a path is an instance of a template. A hole stands for (a part of) one segment, never for more."""
    return bool(_pattern(template).fullmatch(_bare(path)))


def masked(path: str) -> str:
    """Return the path with `{}` for each segment that looks like an id."""
    return "/".join("{}" if _VARIABLE.fullmatch(segment) else segment for segment in _bare(path).split("/"))


def _bare(path: str) -> str:
    return path.partition("?")[0].rstrip("/") or "/"


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(re.escape(part) for part in _HOLE.split(_bare(template))))
