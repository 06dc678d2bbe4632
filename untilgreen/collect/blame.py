"""The lines that failures went through, and the commit that each is from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from untilgreen.collect.gathered import Gathered
from untilgreen.errors import RepositoryError
from untilgreen.model.document import Window
from untilgreen.model.evidence import Blame, Case, Entry, Item, SourceFile
from untilgreen.model.suite import Frame
from untilgreen.ports import History, LineOrigin

MOST = 60
"""Lines that are looked up: each takes git some milliseconds, and a thousand failures go through the same few."""

_Place = tuple[str, int]


def blames(history: History, commit: str, items: Iterable[Item], old: frozenset[str], window: Window) -> Gathered:
    """Collect where the lines of logged tracebacks and failed tests are from, as far as they are the repository's own.

    Args:
        history: the repository.
        commit: the tested one.
        items: entries, cases and source files that were collected.
        old: commits up to the last good one.
        window: only for the coverage record.
    """
    items = list(items)
    files = {item.path: item for item in items if isinstance(item, SourceFile)}
    places = list(dict.fromkeys(_places(items, files)))
    found, unread = _looked_up(history, commit, places[:MOST], files, old)
    if len(places) > MOST:
        unread.append(f"only {MOST} of {len(places)} lines were looked up")
    gathered = Gathered(window)
    query = "lines of logged tracebacks and of failed tests"
    gathered.add(found, kind=Blame, subject="*", query=query, gap="; ".join(unread))
    return gathered


def _places(items: Iterable[Item], files: dict[str, SourceFile]) -> Iterator[_Place]:
    """Go through the places of the repository that frames name."""
    named: dict[str, list[SourceFile]] = defaultdict(list)
    for file in files.values():
        named[file.path.rpartition("/")[2]].append(file)
    for frame in dict.fromkeys(frame for item in items for frame in _frames(item)):
        yield from ((path, frame.line) for path in _fitting(frame, named))


def _frames(item: Item) -> tuple[Frame, ...]:
    if isinstance(item, Entry):
        return item.raised.frames if item.raised else ()
    return item.failure.frames if isinstance(item, Case) and item.failure else ()


def _fitting(frame: Frame, named: dict[str, list[SourceFile]]) -> list[str]:
    """Return the file that a frame is in: of the same name, with that very line, and with most of its path."""
    candidates = named.get(frame.path.rpartition("/")[2], [])
    fitting = [file.path for file in candidates if _line(file, frame.line) == frame.source.strip() != ""]
    return sorted(fitting, key=lambda path: (-_common(path, frame.path), path))[:1]


def _line(file: SourceFile, number: int) -> str:
    lines = file.content.split("\n")
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _common(one: str, two: str) -> int:
    pairs = list(zip(reversed(one.split("/")), reversed(two.split("/")), strict=False))
    return next((n for n, (a, b) in enumerate(pairs) if a != b), len(pairs))


def _looked_up(
    history: History, commit: str, places: list[_Place], files: dict[str, SourceFile], old: frozenset[str]
) -> tuple[list[Blame], list[str]]:
    """Return what was found, and why some was not."""
    by_path: dict[str, list[int]] = defaultdict(list)
    for path, line in places:
        by_path[path].append(line)
    found: list[Blame] = []
    unread: list[str] = []
    for path, lines in by_path.items():
        try:
            origins = history.blame(commit, path, lines)
        except RepositoryError as error:
            unread.append(f"{path}: {error}")
            continue
        if missing := len(set(lines)) - len(origins):
            unread.append(f"{path}: the history does not go back to where {missing} lines are from")
        found += [_blame(origin, path, _line(files[path], origin.line), old) for origin in origins]
    return found, unread


def _blame(origin: LineOrigin, path: str, source: str, old: frozenset[str]) -> Blame:
    return Blame(
        at=origin.at,
        path=path,
        line=origin.line,
        source=source,
        commit=origin.sha,
        subject=origin.subject,
        author=origin.author,
        since_good=origin.sha not in old,
    )
