"""A 404 that no handler gave: the route itself is not there."""

from __future__ import annotations

from untilgreen.model.claims import EndpointMissing, Unknown
from untilgreen.model.evidence import Request
from untilgreen.triage.changes import regressed, removing_route
from untilgreen.triage.masking import segments
from untilgreen.triage.routes import Route, Routes, literals
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain, Link, cite

NOT_FOUND = 404


def absent(scene: Scene, row: Request) -> Chain:
    """Return the links behind a 404, or nothing when a handler gave it: then the thing, not the route, is missing."""
    path = scene.paths.template(row.path)
    answers = scene.tally[scene.key_of(row)]
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
