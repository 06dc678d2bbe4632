"""Rollouts that a check refused before anything moved: what the image gate found, and which change brought it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from untilgreen.model.claims import CodeDefect, ConfigMismatch, FileExcluded
from untilgreen.model.delivery import GateFinding
from untilgreen.model.evidence import GateSeen, Hunk, ImageContent
from untilgreen.triage.changes import bringing_text, regressed
from untilgreen.triage.defects import secret_links
from untilgreen.triage.env import lacking, shown
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain, Link, cite

_WHY = "Why was nothing rolled out?"
_DEF = re.compile(r"^(\s*)(?:async\s+)?(?:def|class)\s+(\w+)")


def refusals(scene: Scene) -> Iterator[tuple[str, Chain]]:
    """Go through what refused the rollout: for each the service, and the chain behind it.

    What the gate saw comes first: it looks before secrets are asked for. Lines of one service that do not parse and
    that one change brought are one cause.
    """
    blocking = [seen for seen in scene.bundle.find(GateSeen) if seen.finding.blocking]
    for _, same in groupby(sorted(blocking, key=_order), key=lambda seen: _cause(scene, seen)):
        seen = list(same)
        yield seen[0].finding.service, chain_of(scene, seen[0], tuple(_place(s) for s in seen[1:]))
    for service in scene.services if not blocking and not scene.current else ():
        for lack in lacking(scene, [service])[:1]:
            yield service, secret_links(scene, lack, _WHY)


def chain_of(scene: Scene, seen: GateSeen, siblings: tuple[str, ...] = ()) -> Chain:
    """Return the links behind one finding of the gate.

    Args:
        scene: the indexed bundle.
        seen: the finding.
        siblings: `path:line` of others with the same cause.
    """
    finding = seen.finding
    if finding.exclusion:
        return _kept_out(scene, seen, finding)
    if finding.key:
        return _setting(scene, seen, finding)
    return _line(scene, seen, finding, siblings)


def _order(seen: GateSeen) -> tuple[str, str, str, int]:
    return seen.finding.service, seen.finding.rule, seen.finding.path, seen.finding.line


def _cause(scene: Scene, seen: GateSeen) -> tuple[str, ...]:
    """Return what two findings of one cause share; anything but syntax stands alone."""
    finding = seen.finding
    hunk = _bringing(scene, finding) if finding.rule == "image.syntax" else None
    return (finding.service, finding.rule, hunk.commit) if hunk else (seen.id,)


def _place(seen: GateSeen) -> str:
    return f"{seen.finding.path}:{seen.finding.line}"


def _kept_out(scene: Scene, seen: GateSeen, finding: GateFinding) -> Chain:
    exclusion = finding.exclusion
    if exclusion is None:
        return ()
    claim = FileExcluded(
        service=finding.service, path=exclusion.path, rule_file=exclusion.rule_file, line=exclusion.line
    )
    images = scene.bundle.find(ImageContent, service=finding.service)
    evidence = (
        *cite(seen, finding.message[:200]),
        *(c for image in images[:1] for c in cite(image, exclusion.path)),
        *cite(scene.by_path.get(exclusion.rule_file), exclusion.rule),
    )
    link = Link(claim, _WHY, finding.message, evidence, 0.95)
    hunk = bringing_text(scene, exclusion.rule, [exclusion.rule_file])
    did = f"added the rule {exclusion.rule}"
    return (link, *_brought(scene, hunk, "Why is it kept out?", did, exclusion.rule), *_asked(scene, finding, hunk))


def _asked(scene: Scene, finding: GateFinding, hunk: Hunk | None) -> Chain:
    """Blame who began to ask for a file that an older rule keeps out."""
    return () if hunk else _brought(scene, _bringing(scene, finding), "Since when is it asked for?", "asks for it")


def _setting(scene: Scene, seen: GateSeen, finding: GateFinding) -> Chain:
    actual = shown(finding.key, finding.actual)
    claim = ConfigMismatch(service=finding.service, key=finding.key, expected=finding.expected, actual=actual)
    evidence = (*cite(seen, finding.message[:200]), *cite(scene.by_path.get(finding.path), _source(scene, finding)))
    link = Link(claim, _WHY, finding.message, evidence, 0.95)
    did = f"brought {finding.key} {actual}"
    return (link, *_brought(scene, _bringing(scene, finding), "Since when is that so?", did, finding.actual))


def _line(scene: Scene, seen: GateSeen, finding: GateFinding, siblings: tuple[str, ...]) -> Chain:
    symbol = _symbol(scene, finding)
    claim = CodeDefect(path=finding.path, line=finding.line, symbol=symbol, siblings=siblings)
    more = f" {len(siblings)} more places have the same cause." if siblings else ""
    source = _source(scene, finding)
    evidence = (*cite(seen, finding.message[:200]), *cite(scene.by_path.get(finding.path), source))
    link = Link(claim, _WHY, f"{finding.message}{more}", evidence, 0.95)
    return (link, *_brought(scene, _bringing(scene, finding), "Since when is that so?", "brought this line", source))


def _brought(scene: Scene, hunk: Hunk | None, question: str, did: str, *needles: str) -> Chain:
    return (regressed(scene, hunk, question, did, *needles, strength=0.9),) if hunk else ()


def _bringing(scene: Scene, finding: GateFinding) -> Hunk | None:
    """Return the newest change that added the finding's line, or that the line stands in."""
    source = _source(scene, finding)
    inside = (
        h for h in scene.hunks if h.path == finding.path and h.line <= finding.line < h.line + max(len(h.added), 1)
    )
    return next((h for h in inside if source in _stripped(h.added)), None) or next(
        (h for h in scene.hunks if h.path == finding.path and source and source in _stripped(h.added)), None
    )


def _stripped(lines: Iterable[str]) -> list[str]:
    return [line.strip() for line in lines]


def _source(scene: Scene, finding: GateFinding) -> str:
    lines = scene.lines(finding.path)
    return lines[finding.line - 1].strip() if 0 < finding.line <= len(lines) else ""


def _symbol(scene: Scene, finding: GateFinding) -> str:
    """Return the function around a line of a file that need not parse: the nearest one above with less indentation."""
    lines = scene.lines(finding.path)[: finding.line]
    depth = len(lines[-1]) - len(lines[-1].lstrip()) if lines else 0
    for line in reversed(lines):
        found = _DEF.match(line)
        if found and len(found[1]) < max(depth, 1):
            return found[2]
    return "<module>"
