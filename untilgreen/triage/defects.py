"""From a logged exception to what is wrong: a setting, a schema, a leak, another service, or this line."""

from __future__ import annotations

import re

from untilgreen.model.analysis import Citation
from untilgreen.model.claims import CodeDefect, ErrorRaised, SecretMissing, Unknown
from untilgreen.model.evidence import Entry, Hunk
from untilgreen.triage.awaiting import Unawaited, not_awaited
from untilgreen.triage.beneath import changed_beneath
from untilgreen.triage.callsites import Definition, Site, index_of
from untilgreen.triage.changes import bringing_line, bringing_text, regressed, removing_text
from untilgreen.triage.deviance import Deviance, deviance, unguarded
from untilgreen.triage.env import Lack, lacking
from untilgreen.triage.errors import Error
from untilgreen.triage.frames import Spot, function_at, last_line, short
from untilgreen.triage.handlers import touching
from untilgreen.triage.passage import changed_on_the_way
from untilgreen.triage.scene import Scene
from untilgreen.triage.whys import Chain, Link, cite

_SCHEMA = re.compile(
    r"""(?:relation|table|column|type|function) ["'`]?([\w.]+)["'`]? (?:does not|doesn't) exist"""
    r"""|no such (?:table|column): ([\w.]+)|Unknown column '([\w.]+)'|Table '([\w.]+)' doesn't exist""",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"pool.{0,40}(?:limit|exhaust|timeout|timed out|empty)|too many (?:connections|clients|open files)|connection pool",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z_]\w{2,}")


def raised_link(error: Error, question: str) -> Link:
    """Return the link that names a logged exception."""
    entry, raised = error.entry, error.entry.raised
    line = last_line(raised, entry.message) if raised else ""
    said = line or f"{error.exception}: {raised.message if raised else ''}"
    claim = ErrorRaised(service=entry.service, exception=error.exception)
    return Link(claim, question, f"{entry.service} logged {said[:300]}", cite(entry, line), error.strength)


def cause_of(scene: Scene, error: Error, callees: tuple[str, ...] = (), entries: tuple[Entry, ...] = ()) -> Chain:
    """Return the links behind a logged exception.

    Args:
        scene: the indexed bundle.
        error: the exception.
        callees: services that answered on the same trace: one of them may have changed what it says.
        entries: what was logged on the trace.
    """
    for explain in (_missing_setting, _missing_schema, _empty_pool):
        if links := explain(scene, error, entries):
            return links
    if error.spot is None:
        return (_unknown(error),)
    if found := not_awaited(scene, error):
        return (_coroutine(scene, found), *_brought(scene, found.spot))
    return _foreign_change(scene, error, error.spot, callees) or _own_line(scene, error, error.spot)


def _missing_setting(scene: Scene, error: Error, entries: tuple[Entry, ...]) -> Chain:
    """An exception that names a variable which the service reads and does not get."""
    said = set(re.findall(r"\w+", _said(error)))
    if "Validation" in error.exception:  # a settings class names its fields in its own case
        said |= {word.upper() for word in re.findall(r"\w+", error.entry.message)}
    lacks = [x for x in lacking(scene, [error.entry.service], [error.entry, *entries]) if x.name in said]
    return secret_links(scene, lacks[0], f"Why does {error.entry.service} fail with it?") if lacks else ()


def _said(error: Error) -> str:
    """Return what an exception itself says, without its frames."""
    raised = error.entry.raised
    return f"{last_line(raised, error.entry.message)} {raised.message}" if raised else ""


def secret_links(scene: Scene, lack: Lack, question: str) -> Chain:
    """Return the missing variable and, where it can be shown, the change that dropped it."""
    place = f" ({lack.read.path}:{lack.read.line})" if lack.read else ""
    answer = f"{lack.service} reads {lack.name}{place} and its revision is not given it: {lack.why}."
    read = cite(scene.by_path.get(lack.read.path), lack.name) if lack.read else ()
    current = scene.current.get(lack.service)
    evidence = (*cite(lack.witness, lack.words), *read, *cite(current, current.name if current else ""))
    link = Link(SecretMissing(service=lack.service, env=lack.name), question, answer, evidence, lack.strength)
    hunk = removing_text(scene, lack.name, _settings_files(scene))
    why = f"Why is {lack.name} not bound?"
    if hunk:
        return (link, regressed(scene, hunk, why, f"removed {lack.name}", lack.name))
    asking = bringing_text(scene, lack.name, [lack.read.path]) if lack.read else None
    why = f"Since when is {lack.name} asked for?"
    return (link, regressed(scene, asking, why, f"began to read {lack.name}", lack.name)) if asking else (link,)


def _settings_files(scene: Scene) -> list[str]:
    """Return the files that say how services are deployed: text that is no service's source."""
    return sorted({h.path for h in scene.hunks if h.path.endswith((".yaml", ".yml", ".toml", ".json", ".env", ".tf"))})


def _missing_schema(scene: Scene, error: Error, _entries: tuple[Entry, ...]) -> Chain:
    """A database that lacks a table or column is behind the code, not wrong code."""
    found = _SCHEMA.search(f"{error.entry.raised.message if error.entry.raised else ''}\n{error.entry.message}")
    if not found:
        return ()
    name = next(group for group in found.groups() if group).rsplit(".", 1)[-1]
    root = scene.root(error.entry.service)
    paths = [h.path for h in scene.hunks if h.path.startswith(root)]
    making = [h for h in scene.hunks if h.path in paths and any(_makes(name, line) for line in h.added)]
    hunk = making[0] if making else bringing_text(scene, name, paths)
    question = f"Why is {name} not there?"
    if hunk:
        made = hunk in making
        did = f"added what makes {name}" if made else f"brought the need for {name}"
        besides = "It has not been run on the database of this revision." if made else ""
        return (regressed(scene, hunk, question, did, name, strength=0.7, besides=besides),)
    missing = (f"which schema changes have run on the database of {error.entry.service}, and whether one makes {name}",)
    return (
        Link(Unknown(missing=missing), question, f"The evidence does not say who should have made {name}.", (), 0.4),
    )


def _makes(name: str, line: str) -> bool:
    return bool(re.search(rf"\b(?:create|alter|add|rename)\b.*\b{re.escape(name)}\b", line, re.IGNORECASE))


def _empty_pool(scene: Scene, error: Error, _entries: tuple[Entry, ...]) -> Chain:
    """Who waits for an empty pool is a victim; the leak is where something is taken and not given back."""
    said = f"{error.exception} {error.entry.raised.message if error.entry.raised else ''}"
    if error.spot is None or not _EMPTY.search(said):
        return ()
    found = unguarded(scene, error.entry.service, error.spot)
    if found is None:
        return ()
    path, _, line = found.others[0].rpartition(":")
    spot = _spot(scene, path, int(line))
    return (_defect(scene, spot, found, "Why is nothing left?", 0.7), *_brought(scene, spot))


def _foreign_change(scene: Scene, error: Error, spot: Spot, callees: tuple[str, ...]) -> Chain:
    """An old line fails because a service that it asks now answers otherwise."""
    if not callees or touching(scene, _around(scene, error, spot)):
        return ()
    raised = error.entry.raised
    words = set(_WORD.findall(spot.source)) | set(_WORD.findall(raised.message if raised else ""))
    for hunk in scene.hunks:
        owner = next((c for c in callees if scene.root(c) and hunk.path.startswith(scene.root(c))), "")
        told = _told(hunk, words)
        if owner and told:
            question = f"Why does {spot.path}:{spot.line} get what it cannot use?"
            did = f"changed what {owner} answers ({', '.join(told[:3])})"
            besides = f"The line is as it was: {spot.source}"
            return (regressed(scene, hunk, question, did, *told, strength=0.6, besides=besides),)
    return ()


def _around(scene: Scene, error: Error, spot: Spot) -> list[Definition]:
    """Return the functions that a traceback passes through: a change in one of them is nearer than any elsewhere."""
    index = index_of(scene, error.entry.service)
    raised = error.entry.raised
    names = {spot.function, *(frame.function for frame in (raised.frames if raised else ()))}
    return [d for name in sorted(names) for d in index.definitions.get(name, ())]


def _told(hunk: Hunk, words: set[str]) -> list[str]:
    """Return the names in a change's string literals that the failing line or its message uses too."""
    quoted = re.findall(r"""["'](\w+)["']""", "\n".join((*hunk.removed, *hunk.added)))
    return sorted(set(quoted) & words)


def _own_line(scene: Scene, error: Error, spot: Spot) -> Chain:
    """A line that deviates or is new is wrong; one that is neither is a victim of a change above it, if any."""
    found, brought = deviance(scene, error.entry.service, spot), _brought(scene, spot)
    if not found and not brought:
        if above := changed_on_the_way(scene, error):
            return (_above(scene, spot, *above),)
        if links := changed_beneath(scene, error, spot):
            return links
        if _of_the_state(scene, error):
            return (_as_it_was(scene, error, spot),)
    question = f"Why does {spot.function} raise {short(error.exception)}?"
    return (_defect(scene, spot, found, question, 0.9 if found else 0.6), *brought)


def _of_the_state(scene: Scene, error: Error) -> bool:
    """Tell whether an exception complains of what a store holds, while all changes since all was well are known."""
    raised = error.entry.raised
    known = scene.manifest.good_commit and scene.bundle.covers(Hunk, "*")
    return bool(raised and known and scene.knowledge.exception_is(raised.exception, raised.message, "state"))


def _as_it_was(scene: Scene, error: Error, spot: Spot) -> Link:
    """Return the honest end at a line that worked in the last good commit, and that no change has to do with."""
    service = error.entry.service
    root = scene.root(service)
    since = list(dict.fromkeys(h.commit for h in scene.hunks if root and h.path.startswith(root)))
    others = ", ".join(f"{sha[:12]} ({scene.commits[sha].subject})" for sha in since[:3])
    missing = (
        f"what the store of {service} held before this test and before it when all was well",
        *((f"whether {others} has to do with it",) if others else ()),
    )
    answer = (
        f"{spot.path}:{spot.line} in {spot.function} raises it: {spot.source}. That line, and what it calls, is as it "
        f"was in the last good commit; what the store holds may not be. This would decide: {'; '.join(missing)}."
    )
    question = f"Why does {spot.function} raise {short(error.exception)}?"
    return Link(Unknown(missing=missing), question, answer, (), 0.4)


def _above(scene: Scene, spot: Spot, passed: Spot, hunk: Hunk) -> Link:
    """Return the link to the change in a function that the exception came through."""
    question = f"What changed on the way to {spot.path}:{spot.line}, which is as it was?"
    if passed.function == spot.function:
        question = f"What changed around {spot.path}:{spot.line}?"
    return regressed(scene, hunk, question, f"changed {passed.function}", strength=0.7)


def _defect(scene: Scene, spot: Spot, found: Deviance | None, question: str, strength: float) -> Link:
    """Return the link to a wrong line, with the class of lines that are wrong in the same way."""
    others = tuple(place for place in found.others if place != f"{spot.path}:{spot.line}") if found else ()
    canonical = found.canonical if found else ""
    claim = CodeDefect(path=spot.path, line=spot.line, symbol=spot.function, canonical=canonical, siblings=others)
    answer = f"{spot.path}:{spot.line} in {spot.function} raises it: {spot.source}"
    evidence = cite(scene.by_path.get(spot.path), spot.source)
    if found:
        these = f"this line and {len(others)} more use" if others else "this line uses"
        bypassed = found.bypassed or "none"
        answer = (
            f"{spot.path}:{spot.line} in {spot.function}: {spot.source}. {found.custom} of {found.total} sibling call "
            f"sites use {canonical}; {these} {bypassed}."
        )
        evidence = (*evidence, *_custom(scene, found))
    return Link(claim, question, answer[:1000], evidence, strength)


def _coroutine(scene: Scene, found: Unawaited) -> Link:
    """Return the link to a call that nobody awaits; whatever complains of the coroutine is its victim."""
    spot = found.spot
    canonical = f"await {found.name}" if found.kept else ""
    claim = CodeDefect(path=spot.path, line=spot.line, symbol=spot.function, canonical=canonical, siblings=found.others)
    custom = f" Elsewhere it is awaited, as at {found.kept[0].path}:{found.kept[0].line}." if found.kept else ""
    answer = (
        f"{spot.path}:{spot.line} in {spot.function}: {spot.source}. {found.name} is async, and this line does not "
        f"await it: it gets a coroutine instead of a result.{custom}"
    )
    spots = dict.fromkeys((spot, *found.kept[:1]))
    evidence = tuple(c for s in spots for c in cite(scene.by_path.get(s.path), s.source))
    return Link(claim, "Where does the coroutine come from?", answer, evidence, 0.9)


def _custom(scene: Scene, found: Deviance) -> tuple[Citation, ...]:
    """Cite the canonical function's definition and a sibling that uses it."""
    where: Definition | Site = found.definition or found.example
    sibling = _spot(scene, found.example.path, found.example.line)
    defined = _spot(scene, where.path, where.line)
    spots = dict.fromkeys(s for s in (defined, sibling) if s.source)
    return tuple(c for s in spots for c in cite(scene.by_path.get(s.path), s.source))


def _brought(scene: Scene, spot: Spot) -> Chain:
    """Return the change that brought the wrong line, when one since the last good commit did."""
    hunk = bringing_line(scene, spot)
    return (regressed(scene, hunk, "Since when is that so?", "brought this line", spot.source),) if hunk else ()


def _spot(scene: Scene, path: str, line: int) -> Spot:
    lines = scene.lines(path)
    source = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return Spot(path, line, function_at(scene, path, line), source)


def _unknown(error: Error) -> Link:
    missing = (f"a line of {error.entry.service}'s own source in the traceback of {short(error.exception)}",)
    answer = "The logged exception shows no line of the tested commit."
    return Link(Unknown(missing=missing), "Which line is wrong?", answer, (), 0.3)
