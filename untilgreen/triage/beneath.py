"""What an old line that fails now rests on: settings that it reads, functions below it, names, libraries."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from untilgreen.model.evidence import Hunk
from untilgreen.triage.callsites import index_of
from untilgreen.triage.changes import regressed
from untilgreen.triage.errors import Error
from untilgreen.triage.frames import Spot, frames_of, way
from untilgreen.triage.handlers import reach, running_well, touching
from untilgreen.triage.revisions import brought_by, changed_link, differences
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain

_WORD = re.compile(r"[A-Za-z_]\w{3,}")
_EVERYDAY = frozenset({*keyword.kwlist, "self", "None", "True", "False", "request", "result", "value", "data", "print"})
_PACKAGE = re.compile(r"(?:site|dist)-packages/([A-Za-z0-9_]+)")
_REQUIRES = re.compile(r"requirements[\w.-]*\.txt$|pyproject\.toml$|Pipfile$|setup\.(?:py|cfg)$|\.lock$")


def changed_beneath(scene: Scene, error: Error, spot: Spot) -> Chain:
    """Return the one change that an old line rests on, or nothing; the nearest sort of change first."""
    if links := _setting(scene, error, spot):
        return links
    where = f"{spot.path}:{spot.line}"
    for hunks, did in ((_called(scene, error, spot), "changed what it calls"), (_named(scene, error, spot), "")):
        if len({hunk.commit for hunk in hunks}) == 1:
            told = sorted(_words(spot.source) & _words("\n".join((*hunks[0].removed, *hunks[0].added))))
            question = f"What does {where} rest on that changed?"
            words = did or f"changed {', '.join(told[:3])}"
            return (regressed(scene, hunks[0], question, words, *told, strength=0.6),)
    if hunk := _library(scene, error):
        return (regressed(scene, hunk, f"What does {where} rest on that changed?", "changed a library", strength=0.6),)
    return ()


def requirements(scene: Scene, service: str) -> list[Hunk]:
    """Return the changes of what a service installs, newest first."""
    return [h for h in scene.hunks if h.path.startswith(scene.root(service)) and _REQUIRES.search(h.path)]


def _setting(scene: Scene, error: Error, spot: Spot) -> Chain:
    """A variable that is read where it fails and has another value since all was well."""
    lines = "\n".join(s.source for s in (spot, *way(scene, error.entry)))
    read = [d for d in differences(scene, error.entry.service) if d.variable and re.search(rf"\b{d.key}\b", lines)]
    if len(read) != 1:
        return ()
    link = changed_link(scene, read[0], f"What does {spot.path}:{spot.line} read?", 0.8)
    return (link, *brought_by(scene, read[0].key, read[0].now))


def _called(scene: Scene, error: Error, spot: Spot) -> list[Hunk]:
    """Return the changes in functions that the failing one calls."""
    service = error.entry.service
    here = [d for d in index_of(scene, service).definitions.get(spot.function, ()) if d.holds(spot.path, spot.line)]
    well = running_well(scene, service, way(scene, error.entry))
    return touching(scene, [d for d in reach(scene, service, here) if d not in here and d not in well])


def _named(scene: Scene, error: Error, spot: Spot) -> list[Hunk]:
    """Return the changes of the service's source that speak of what the failing line, or its message, speaks of."""
    raised = error.entry.raised
    quoted = set(re.findall(r"""["'](\w{4,})["']""", raised.message if raised else ""))
    words, root = _words(spot.source), scene.root(error.entry.service)
    own = (h for h in scene.hunks if h.path.startswith(root) and not h.path.endswith(".md"))
    return [h for h in own if words & _defined(h) or quoted & _keys(h)]


def _defined(hunk: Hunk) -> set[str]:
    """Return the names that changed lines make or take away for a whole module: a local name is nobody else's."""
    text = "\n".join((*hunk.removed, *hunk.added))
    return (
        set(re.findall(r"^(?:async\s+def\s+|def\s+|class\s+)?([A-Za-z_]\w{3,})\s*[:=(]", text, re.MULTILINE))
        - _EVERYDAY
    )


def _keys(hunk: Hunk) -> set[str]:
    """Return the keys of mappings in changed lines."""
    return set(re.findall(r"""["'](\w{4,})["']\s*:""", "\n".join((*hunk.removed, *hunk.added))))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text)) - _EVERYDAY


def _library(scene: Scene, error: Error) -> Hunk | None:
    """Return the change of a library that the failing line called: what called our code stands in every traceback."""
    frames = list(takewhile(lambda f: _PACKAGE.search(f.path), reversed(frames_of(error.entry))))
    through = {name.lower().replace("_", "-") for f in frames for name in _PACKAGE.findall(f.path)}
    changes = requirements(scene, error.entry.service)
    return next((h for h in changes if any(p in _installed(h) for p in through)), None)


def _installed(hunk: Hunk) -> set[str]:
    return set(_names((*hunk.removed, *hunk.added)))


def _names(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if found := re.match(r"""[\s"']*([A-Za-z0-9][\w.-]*)""", line):
            yield found[1].lower().replace("_", "-")
