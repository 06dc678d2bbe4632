"""What `git blame --porcelain` prints, taken apart."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from untilgreen.ports import LineOrigin

_HEAD = re.compile(r"([0-9a-f]{40,64}) \d+ (\d+)(?: \d+)?")


def origins(printed: str, *, shallow: bool) -> tuple[LineOrigin, ...]:
    """Return the origin of each line.

    Args:
        printed: a head a line, then once for each commit its fields, then the line itself behind a tab.
        shallow: whether the history is cut off: what stands at its edge is from somewhere before it.
    """
    known: dict[str, dict[str, str]] = {}
    found: list[tuple[str, int]] = []
    for row in printed.split("\n"):
        if head := _HEAD.fullmatch(row):
            found.append((head[1], int(head[2])))
            known.setdefault(head[1], {})
        elif found and row and not row.startswith("\t"):
            name, _, value = row.partition(" ")
            known[found[-1][0]][name] = value
    return tuple(_origin(sha, line, known[sha]) for sha, line in found if not (shallow and "boundary" in known[sha]))


def _origin(sha: str, line: int, fields: dict[str, str]) -> LineOrigin:
    return LineOrigin(
        line=line,
        sha=sha,
        at=datetime.fromtimestamp(int(fields.get("committer-time", "0")), UTC),
        author=fields.get("author", ""),
        subject=fields.get("summary", ""),
    )
