"""What a test leans on: its own line, or a name of the suite's support code, newer than the last good commit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from untilgreen.model.claims import DefectiveTest
from untilgreen.model.evidence import Case, Hunk
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain, Link, cite

_SETS = re.compile(r"^(?:(?:async\s+)?def\s+|class\s+)?([A-Za-z_]\w+)\s*(?:[:=(]|$)")
_REASON = "what it leans on is newer than the last good commit"


def changed_test(scene: Scene, case: Case, services: Sequence[str]) -> Chain:
    """Return the link to what was changed of the test, or nothing.

    Args:
        scene: the indexed bundle.
        case: the failing test.
        services: those on its trace: as long as one of them was changed too, the support code is not blamed.
    """
    return _own_line(scene, case) or _lent(scene, case, services)


def _own_line(scene: Scene, case: Case) -> Chain:
    frame = case.failure.frames[-1] if case.failure and case.failure.frames else None
    source = frame.source.strip() if frame else ""
    for hunk in scene.hunks:
        if frame and source and hunk.path == frame.path and any(source == line.strip() for line in hunk.added):
            claim = DefectiveTest(
                nodeid=case.nodeid, reason="the failing line of the test is newer than the last good commit"
            )
            return (Link(claim, "What changed?", f"The test's own line is new: {source}", cite(hunk, source), 0.4),)
    return ()


def _lent(scene: Scene, case: Case, services: Sequence[str]) -> Chain:
    """Blame a change of a name that the failing way through the suite uses, when nothing that it asked was changed."""
    frames = case.failure.frames if case.failure else ()
    shown = set(re.findall(r"\w+", case.failure.text)) if case.failure else set()
    for hunk in scene.hunks:
        names = _set_in(hunk) & shown if hunk.path in {frame.path for frame in frames} else set()
        if names and not any(_changed(scene, service) for service in services):
            name = min(names)
            answer = (
                f"{hunk.path} sets {name} otherwise since {hunk.commit[:12]}; the services it asks were not changed."
            )
            claim = DefectiveTest(nodeid=case.nodeid, reason=_REASON)
            return (Link(claim, "What changed?", answer, (*cite(hunk, name), *cite(case)), 0.4),)
    return ()


def _set_in(hunk: Hunk) -> set[str]:
    """Return the names of a module that a change sets or defines, at the margin."""
    return {found[1] for line in hunk.added if (found := _SETS.match(line))}


def _changed(scene: Scene, service: str) -> bool:
    root = scene.root(service)
    return not root or any(hunk.path.startswith(root) for hunk in scene.hunks)
