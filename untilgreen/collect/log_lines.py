"""Gives exceptions to the log entries that tell of them.

A container that dies while it imports prints its traceback line by line, and the platform makes an entry of each line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence

from untilgreen.collect.traceback import HEAD, find_all
from untilgreen.model.evidence import Entry


def with_exceptions(entries: Sequence[Entry], sources: Sequence[Hashable]) -> list[Entry]:
    """Return the entries, with each exception on the entry that holds its last line.

    Args:
        entries: in the order in which they were written.
        sources: for each entry, who wrote it: lines of one traceback come from one instance and one stream.
    """
    result = list(entries)
    telling = {source for entry, source in zip(entries, sources, strict=True) if HEAD in entry.message}
    for members in _by_source(sources, telling).values():
        lines, owners = _lines((index, result[index].message) for index in members)
        for found in find_all(lines):
            owner = owners[found.end]
            result[owner] = result[owner].model_copy(update={"raised": found.raised})
    return result


def _by_source(sources: Sequence[Hashable], telling: set[Hashable]) -> dict[Hashable, list[int]]:
    """Return the entries of each source that tells of an exception at all: most never do."""
    members: dict[Hashable, list[int]] = defaultdict(list)
    for index, source in enumerate(sources):
        if source in telling:
            members[source].append(index)
    return members


def _lines(messages: Iterable[tuple[int, str]]) -> tuple[list[str], list[int]]:
    """Lay the messages out as lines, each with the index of its entry."""
    lines: list[str] = []
    owners: list[int] = []
    for index, message in messages:
        for line in message.split("\n"):
            lines.append(line)
            owners.append(index)
    return lines, owners
