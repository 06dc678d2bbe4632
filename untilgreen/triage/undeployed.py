"""What was tested is not what was committed: another revision answered, or the one that did runs older source.

Then the failures say nothing about the tested commit. The action is traffic or a deploy, not a fix.
"""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.model.analysis import Citation
from untilgreen.model.claims import ConfigMismatch
from untilgreen.model.evidence import Commit, Entry, Hunk, Revision
from untilgreen.model.suite import Frame
from untilgreen.triage.descent import Descent, Hop
from untilgreen.triage.frames import frames_of
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain, Link, cite

COMMIT = "commit"
"""The key of a mismatch whose values are commits: what should have been deployed, and what was."""
_TRIVIAL = 4


def elsewhere(scene: Scene, hop: Hop) -> Chain:
    """Tell when a revision other than the one under test answered: then nothing was learned about that one."""
    current = scene.current.get(hop.service)
    if not (hop.row and current and current.ready and hop.row.revision and hop.row.revision != current.name):
        return ()
    claim = ConfigMismatch(service=hop.service, key="traffic", expected=current.name, actual=hop.row.revision)
    share = sum(traffic.percent for traffic in current.traffic if not traffic.tag)
    gets = f"gets {share} % of the traffic" if share else "gets no traffic"
    answer = (
        f"{hop.row.revision} answered. {current.name}, the revision under test, is ready and {gets}: "
        "this failure says nothing about what it was built from."
    )
    evidence = (*cite(hop.row, hop.row.revision), *cite(current, current.name))
    return (Link(claim, f"Which revision of {hop.service} answered?", answer, evidence, 0.95),)


def older_source(scene: Scene, descent: Descent) -> Chain:
    """Tell when a service on the way runs source that a later commit has already changed where it fails."""
    for hop in reversed(descent.hops):
        current = scene.current.get(hop.service)
        if current is None or (current.commit and _same(current.commit, scene.manifest.commit)):
            continue
        entry = hop.error.entry if hop.error else None
        if entry and (found := next(_mended(scene, hop.service, entry), None)):
            return _fixed(scene, current, entry, *found)
        if newer := _newer(scene, current):
            return _behind(scene, current, newer)
    return ()


def _newer(scene: Scene, current: Revision) -> Hunk | None:
    """Return the newest change to a service that is younger than the commit which its revision was made from."""
    known = {c.sha: c.depth for c in scene.bundle.find(Commit)}
    depth = next((n for sha, n in known.items() if current.commit and _same(sha, current.commit)), 0)
    root = scene.root(current.service)
    return next((h for h in scene.hunks if root and h.path.startswith(root) and known[h.commit] < depth), None)


def _same(one: str, two: str) -> bool:
    """Compare commits that may be shortened."""
    return bool(two) and (one.startswith(two) or two.startswith(one))


def _mended(scene: Scene, service: str, entry: Entry) -> Iterator[tuple[Frame, Hunk]]:
    """Go through the lines of a traceback, the deepest first, that the tested commit no longer has, and who took them.

    A line that only moved is still there; one that nobody is known to have removed belongs to something else.
    """
    root = scene.root(service)
    for frame in reversed(frames_of(entry)):
        said = frame.source.strip()
        for hunk in scene.hunks if len(said) > _TRIVIAL else ():
            inside = hunk.path.startswith(root) and f"/{frame.path}".endswith(f"/{hunk.path.removeprefix(root)}")
            if inside and said in _stripped(hunk.removed) and said not in _stripped(scene.lines(hunk.path)):
                yield frame, hunk


def _stripped(lines: tuple[str, ...] | list[str]) -> list[str]:
    return [line.strip() for line in lines]


def _fixed(scene: Scene, current: Revision, entry: Entry, frame: Frame, hunk: Hunk) -> Chain:
    said = frame.source.strip()
    answer = (
        f"{current.name} still runs the line {said!r} ({hunk.path}, {frame.function}); commit {hunk.commit[:12]} has "
        f"replaced it. Fixed in the source, not deployed: deploy {scene.manifest.commit[:12]}, then look again."
    )
    return (_link(scene, current, answer, (*cite(entry, said), *cite(hunk, said)), 0.9),)


def _behind(scene: Scene, current: Revision, hunk: Hunk) -> Chain:
    answer = (
        f"{current.name} was made from commit {current.commit[:12]}; the tested commit {scene.manifest.commit[:12]} "
        f"has since changed {hunk.path}. Whether that mends it shows when it is deployed."
    )
    return (_link(scene, current, answer, cite(hunk), 0.6),)


def _link(scene: Scene, current: Revision, answer: str, evidence: tuple[Citation, ...], strength: float) -> Link:
    actual = current.commit or "older"
    claim = ConfigMismatch(service=current.service, key=COMMIT, expected=scene.manifest.commit, actual=actual)
    question = f"Which source does {current.service} run?"
    return Link(claim, question, answer, (*evidence, *cite(current, current.name)), strength)
