"""A 404 that no handler gave: the route itself is not there."""

from __future__ import annotations

from untilgreen.model.claims import EndpointMissing, Unknown
from untilgreen.model.evidence import Request
from untilgreen.triage.changes import regressed, removing_route
from untilgreen.triage.masking import segments
from untilgreen.triage.routes import Route, Routes, literals, matches
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain, Link, cite

NOT_FOUND = 404
_NO_METHOD = 405


def absent(scene: Scene, row: Request) -> Chain:
    """Return the links behind a 404, or nothing when a handler gave it: then the thing, not the route, is missing."""
    path = scene.paths.template(row.path)
    answers = scene.tally[scene.key_of(row)]
    if row.status == _NO_METHOD and set(answers) == {_NO_METHOD}:
        return _other_method(scene, row, path)
    if row.status != NOT_FOUND or set(answers) - {NOT_FOUND}:
        return ()
    removed = removing_route(scene, row.service, path)
    known = Routes(scene.routes(row.service)).serving(path)
    if known and not (removed and _closer(literals(removed[1]), known, path)):
        return ()
    claim = EndpointMissing(service=row.service, method=row.method, path=path)
    answer = f"No route of {row.service} serves {row.method} {path}."
    link = Link(
        claim, f"Why does {row.service} answer 404?", answer, cite(row), 0.9 if scene.files(row.service) else 0.6
    )
    question = "Why is the route not there?"
    if removed:
        hunk, line = removed
        return (link, regressed(scene, hunk, question, "removed its registration", line))
    missing = (
        f"a commit after the last good one that removed {path} from {row.service}, or a specification that asks for it",
    )
    return (link, Link(Unknown(missing=missing), question, "No change since the last good commit removed it.", (), 0.4))


def _other_method(scene: Scene, row: Request, path: str) -> Chain:
    """A route whose path is there and whose method a change took away."""
    parts = segments(path)
    named = f"{row.service} serves {path}, but not with {row.method}."
    claim = EndpointMissing(service=row.service, method=row.method, path=path)
    link = Link(claim, f"Why does {row.service} answer {_NO_METHOD}?", named, cite(row), 0.8)
    for hunk in (h for h in scene.hunks if h.path.startswith(scene.root(row.service))):
        gone = [line for line in hunk.removed if row.method.lower() in line.lower() and _names_it(line, parts)]
        if gone and not any(row.method.lower() in line.lower() for line in hunk.added if _names_it(line, parts)):
            return (link, regressed(scene, hunk, "Why not with this method?", "took it away", gone[0].strip()))
    return ()


def _names_it(line: str, parts: tuple[str, ...]) -> bool:
    return any(matches(route, parts[len(parts) - len(route) :]) for route in literals(line) if route)


def _closer(removed: set[Route], known: list[Route], path: str) -> bool:
    """Tell whether the removed line named the path better than what is left, or registered what is left.

    `/agents/{id}` still fits `/agents/stats` when the route of that name is gone.
    """
    if not removed:
        return True
    parts = segments(path)
    best = max(_named(route, parts) for route in known)
    return any(_named(route, parts) > best for route in removed)


def _named(route: Route, parts: tuple[str, ...]) -> int:
    return sum(part != "{}" and part in parts for part in route)
