"""What was changed since the last good commit, and which of it a failure can be proven to come from.

A commit is never blamed for its title, nor for touching the same file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from untilgreen.model.claims import RegressedBy
from untilgreen.model.evidence import Hunk
from untilgreen.triage.frames import Spot
from untilgreen.triage.masking import segments
from untilgreen.triage.routes import Route, literals, matches
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Link, cite

_REGISTERS = re.compile(r"(?:include|register|mount|add_|route|use|blueprint)\w*\(", re.IGNORECASE)
_TRIVIAL = 4
"""A line this short, such as `)` or `try:`, is in every file and proves nothing."""


def regressed(
    scene: Scene, hunk: Hunk, question: str, did: str, *needles: str, strength: float = 0.9, besides: str = ""
) -> Link:
    """Return the link to the change that brought it.

    Args:
        scene: the indexed bundle.
        hunk: the change.
        question: what it answers.
        did: what the change did, as a clause: `removed this route`.
        needles: words of the hunk to quote, best first.
        strength: how surely this change is the one.
        besides: a further sentence.
    """
    commit = scene.commits.get(hunk.commit)
    title = f" ({commit.subject})" if commit else ""
    answer = f"Commit {hunk.commit[:12]}{title} {did} in {hunk.path}. {besides}".strip()
    evidence = (*cite(hunk, *_telling(hunk, needles)), *cite(commit, hunk.commit[:12]))
    return Link(RegressedBy(commit=hunk.commit, path=hunk.path), question, answer, evidence, strength)


def _telling(hunk: Hunk, needles: Iterable[str]) -> list[str]:
    """Return the changed lines that a reader wants to see: those with the words first, then what is new."""
    changed = [*(f"+{line}" for line in hunk.added), *(f"-{line}" for line in hunk.removed)]
    named = [line for needle in needles for line in changed if needle and needle in line]
    kept = set(_stripped(hunk.added)) & set(_stripped(hunk.removed))
    fresh = [line for line in changed if len(line[1:].strip()) > _TRIVIAL and line[1:].strip() not in kept]
    return [line.rstrip() for line in (*named, *fresh)]


def bringing_line(scene: Scene, spot: Spot) -> Hunk | None:
    """Return the newest change that added this very line to this file."""
    if len(spot.source) <= _TRIVIAL:
        return None
    return _first(scene, lambda h: h.path == spot.path and spot.source in _stripped(h.added))


def bringing_text(scene: Scene, text: str, paths: Iterable[str]) -> Hunk | None:
    """Return the newest change that added a line with this text to one of these files."""
    wanted = set(paths)
    return _first(scene, lambda h: h.path in wanted and any(text in line for line in h.added) and not _kept(h, text))


def changing_line(scene: Scene, text: str, paths: Iterable[str]) -> Hunk | None:
    """Return the newest change that put another line with this text in the place of one."""
    wanted = set(paths)

    def of(lines: Iterable[str]) -> set[str]:
        return {line.strip() for line in lines if text in line}

    return _first(
        scene, lambda h: h.path in wanted and bool(of(h.added) and of(h.removed)) and of(h.added) != of(h.removed)
    )


def removing_text(scene: Scene, text: str, paths: Iterable[str]) -> Hunk | None:
    """Return the newest change that removed lines with this text from one of these files and did not put it back."""
    wanted = set(paths)
    return _first(scene, lambda h: h.path in wanted and text in "\n".join(h.removed) and text not in "\n".join(h.added))


def _kept(hunk: Hunk, text: str) -> bool:
    return any(text in line for line in hunk.removed)


def removing_route(scene: Scene, service: str, path: str) -> tuple[Hunk, str] | None:
    """Return the newest change that took a route out of a service, and the line that named it.

    Either the route's own literal went, or the line that registered the module, router or handler holding it.
    """
    parts = segments(path)
    paths = {*(f.path for f in scene.files(service)), *_gone(scene, service)}
    hunks = [h for h in scene.hunks if h.path in paths]
    for fits in (_whole(parts), _ending(parts), _word(parts)):
        for hunk in hunks:
            line = next((line for line in hunk.removed if fits(line)), "")
            if line and not _moved(hunk, hunks, fits):
                return hunk, line.strip()
    return _unregistering(scene, service, hunks, path)


def _moved(hunk: Hunk, hunks: list[Hunk], fits: Callable[[str], bool]) -> bool:
    """Tell whether the same commit put it back, here or elsewhere in the service."""
    return any(fits(line) for other in hunks if other.commit == hunk.commit for line in other.added)


def _gone(scene: Scene, service: str) -> set[str]:
    """Return the files of a service that changes removed entirely."""
    root = scene.root(service)
    return {h.path for h in scene.hunks if h.path.startswith(root) and h.path not in scene.by_path} if root else set()


def _whole(parts: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda line: "/" in line and any(matches(route, parts) for route in literals(line))


def _ending(parts: tuple[str, ...]) -> Callable[[str], bool]:
    """Accept a literal that is the path's end and holds its last name: routers have prefixes."""

    def fits(line: str) -> bool:
        return "/" in line and any(_is_end(route, parts) for route in literals(line))

    return fits


def _is_end(route: Route, parts: tuple[str, ...]) -> bool:
    named = [n for n, part in enumerate(parts) if part != "{}"]
    reaches = bool(named) and bool(route) and len(parts) - len(route) <= named[-1]
    return (
        reaches
        and len(route) <= len(parts)
        and matches(route, parts[len(parts) - len(route) :])
        and set(route) != {"{}"}
    )


def _word(parts: tuple[str, ...]) -> Callable[[str], bool]:
    """Accept a line that quotes the path's last name in any other way, such as a table of routes."""
    name = next((part for part in reversed(parts) if part != "{}"), "")
    pattern = re.compile(rf"""["'/]{re.escape(name)}["'/]""")
    return lambda line: bool(name) and name in line and bool(pattern.search(line))


def _unregistering(scene: Scene, service: str, hunks: list[Hunk], path: str) -> tuple[Hunk, str] | None:
    """Look for a removed line that mentions the module or function which still holds the route."""
    names = set(_holders(scene, service, path))
    for hunk in hunks:
        added = "\n".join(hunk.added)
        for line in (line for line in hunk.removed if _REGISTERS.search(line)):
            words = set(re.findall(r"\w+", line.partition("(")[2])) & names
            if words and not any(re.search(rf"\b{word}\b", added) for word in words):
                return hunk, line.strip()
    return None


def _holders(scene: Scene, service: str, path: str) -> Iterable[str]:
    parts = segments(path)
    for file in scene.files(service):
        lines = scene.lines(file.path)
        for number, line in enumerate(lines):
            if _whole(parts)(line) or _ending(parts)(line):
                yield file.path.rsplit("/", 1)[-1].split(".")[0]
                yield from re.findall(r"(?:def|function|func)\s+(\w+)", "\n".join(lines[number : number + 3]))


def _first(scene: Scene, fits: Callable[[Hunk], bool]) -> Hunk | None:
    return next((hunk for hunk in scene.hunks if fits(hunk)), None)


def _stripped(lines: Iterable[str]) -> list[str]:
    return [line.strip() for line in lines]
