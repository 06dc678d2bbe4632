"""Whether a change that is blamed has to do with what it is blamed for: a commit is not guilty of being recent."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Finding, Truth, Why
from untilgreen.model.claims import (
    CodeDefect,
    ConfigMismatch,
    EndpointMissing,
    FileExcluded,
    HttpFailure,
    RegressedBy,
    ResourceExhausted,
    SecretMissing,
    TimedOut,
)
from untilgreen.model.evidence import Case, Entry, GateSeen, Hunk, Item, Raised, Request, Revision, SourceFile
from untilgreen.model.suite import Frame
from untilgreen.review.dossier import Chain
from untilgreen.review.routes import matches
from untilgreen.review.scene import current, errors, in_file, of_failures, of_passes, once, standing, trace_id

_WORD = re.compile(r"[A-Za-z_]\w{3,}")
_NO_WORDS = frozenset({*keyword.kwlist, "self", "line", "file", "File", "Traceback", "most", "recent", "call", "last"})
_REQUIRES = re.compile(r"requirements[\w.-]*\.txt$|pyproject\.toml$|Pipfile$|setup\.(?:py|cfg)$")
_BAD = 400
_NEAR = 3
"""Lines between a change and a frame that it may have broken."""


def brought(chain: Chain) -> Iterator[Finding]:
    """What a blamed change touches has to do with what it is said to explain."""
    for why in chain.analysis.whys:
        hunks = _blamed(why, chain.judgements[why.number].for_)
        for effect in (w for w in chain.analysis.whys if w.because == why.number and hunks):
            if not any(_touches(chain, effect, hunk) for hunk in hunks):
                name = f"{effect.claim.type} {effect.claim.subject}"
                message = f"nothing that {hunks[0].commit[:12]} changed in {hunks[0].path} has to do with {name}"
                ids = tuple(hunk.id for hunk in hunks[:5])
                yield Finding(rule="chain.brought", truth=Truth.UNPROVEN, message=message, why=why.number, evidence=ids)


def _blamed(why: Why, shown: tuple[Item, ...]) -> list[Hunk]:
    """Return the changes that a why rests on alone; a line with a traceback or a custom behind it needs none."""
    hunks = [item for item in shown if isinstance(item, Hunk)]
    if isinstance(why.claim, CodeDefect):
        sources = {item.path for item in shown if isinstance(item, SourceFile)} - {why.claim.path}
        return [] if sources or any(isinstance(item, Entry | Case) for item in shown) else hunks
    return hunks if isinstance(why.claim, RegressedBy) else []


def _touches(chain: Chain, effect: Why, hunk: Hunk) -> bool:
    match effect.claim:
        case CodeDefect(path=path):
            return hunk.path == path or (_REQUIRES.search(hunk.path) is not None and hunk in _explaining(chain, effect))
        case FileExcluded(rule_file=path):
            return hunk.path == path or _begins_to_ask(chain, effect, hunk)
        case SecretMissing(env=name):
            return name in hunk.text
        case ConfigMismatch(key=key, actual=actual):
            return key in hunk.text or bool(actual and actual in hunk.text)
        case EndpointMissing(service=service):
            root = chain.bundle.manifest.sources.get(service, "")
            return bool(hunk.removed) and hunk.path.startswith(f"{root}/")
        case _:
            suspects = _explaining(chain, effect)
            # What is logged beside these two tells of their consequences; the platform's own words name no code.
            open_ = not suspects or isinstance(effect.claim, ResourceExhausted | TimedOut)
            return hunk in suspects or (open_ and _only_suspect(chain, effect, hunk))


def _begins_to_ask(chain: Chain, effect: Why, hunk: Hunk) -> bool:
    """Tell whether a change brought the very line that asks for a file which an older rule keeps out."""
    seen = [item.finding for item in chain.judgements[effect.number].for_ if isinstance(item, GateSeen)]
    return any(f.path == hunk.path and hunk.line <= f.line < hunk.line + len(hunk.added) for f in seen)


def _explaining(chain: Chain, effect: Why) -> list[Hunk]:
    """Return the changes that the logged errors point at; nearer the place where they were raised, others are out.

    A change right under a frame beats one that is near, and one that is near beats one that shares words: what was
    tidied up beside it shares words with everything. What the same commit changed elsewhere may share words, too.
    """
    behind, changed = _errors(chain, effect), standing(chain.bundle)
    for ways in ((_broke, _near, _speaks_of), (_near, _speaks_of), (_speaks_of,)):
        guilty = {hunk.commit for hunk in changed if any(ways[0](chain, entry, hunk) for entry in behind)}
        if guilty:
            mine = [hunk for hunk in changed if hunk.commit in guilty]
            return [h for h in mine if any(points_at(chain, entry, h) for entry in behind for points_at in ways)]
    return []


def _errors(chain: Chain, effect: Why) -> list[Entry]:
    """Return the logged errors behind a why: those that show it, or else those of the failures of its service."""
    shown = (*chain.judgements[effect.number].for_, *chain.cited(effect))
    entries = [item for item in shown if isinstance(item, Entry)]
    if any(isinstance(item, Revision) for item in shown) or not entries:
        logged = errors(chain.bundle, getattr(effect.claim, "service", "") or "-")
        usual = {_signature(entry) for entry in of_passes(chain.bundle, logged)}
        failures = of_failures(chain.bundle, logged)
        entries += [entry for entry in failures if _signature(entry) not in usual]
    return entries


def _signature(entry: Entry) -> tuple[str, str, str]:
    """Return what an error shares with others of its sort; what passing tests log, too, explains no failure."""
    deepest = entry.raised.frames[-1:] if entry.raised else ()
    place = (deepest[0].path, deepest[0].function) if deepest else ("", "")
    return (entry.raised.exception if entry.raised else "", *place)


def _broke(chain: Chain, entry: Entry, hunk: Hunk) -> bool:
    """Tell whether a change stands under the lowest frame that passes through any change."""
    frames = entry.raised.frames if entry.raised else ()
    changed = standing(chain.bundle)
    lowest = next((f for f in reversed(frames) if any(_under(chain, f, h) for h in changed)), None)
    return lowest is not None and _under(chain, lowest, hunk)


def _under(chain: Chain, frame: Frame, hunk: Hunk) -> bool:
    return hunk.line <= frame.line < hunk.line + len(hunk.added) and in_file(chain.bundle, hunk.path, frame)


def _near(chain: Chain, entry: Entry, hunk: Hunk) -> bool:
    frames = entry.raised.frames if entry.raised else ()
    lines = range(hunk.line - _NEAR, hunk.line + max(len(hunk.added), 1) + _NEAR)
    return any(frame.line in lines and in_file(chain.bundle, hunk.path, frame) for frame in frames)


def _speaks_of(chain: Chain, entry: Entry, hunk: Hunk) -> bool:
    """Tell whether an error, or the line of ours that it broke, names what the change names.

    Not the whole traceback: its outer lines, which every request goes through, name almost everything.
    """
    said = _said(chain.bundle, entry.id)
    return not said.isdisjoint(_WORD.findall(" ".join((*hunk.removed, *hunk.added))))


@once
def _said(bundle: Bundle, identity: str) -> frozenset[str]:
    """Return the words of an error and of the lowest line of its traceback that is the team's own."""
    entry = bundle.get(identity)
    if not isinstance(entry, Entry):
        return frozenset()
    raised = entry.raised
    text = f"{raised.message} {_own_line(bundle, raised)}" if raised else entry.message
    return frozenset(_WORD.findall(text)) - _NO_WORDS


def _own_line(bundle: Bundle, raised: Raised) -> str:
    files = bundle.find(SourceFile)
    for frame in reversed(raised.frames):
        for file in files:
            if in_file(bundle, file.path, frame) and 0 < frame.line <= len(lines := file.content.splitlines()):
                return lines[frame.line - 1]
    return ""


def _only_suspect(chain: Chain, effect: Why, hunk: Hunk) -> bool:
    """Tell whether nothing else changed since all was well, in the service, in what it asked, or in what is shared.

    What fails now and then does not come from what is there all the time.
    """
    manifest, service = chain.bundle.manifest, getattr(effect.claim, "service", "")
    asked = {service, *_beneath(chain, service)}
    others = tuple(f"{root}/" for name, root in manifest.sources.items() if name not in asked)
    changed = [h for h in standing(chain.bundle) if not h.path.startswith(others)]
    alone = {h.commit for h in changed} == {hunk.commit} and chain.bundle.covers(Hunk, "*") is not None
    mine = hunk.path.startswith(f"{manifest.sources.get(service, '-')}/")
    return bool(manifest.good_commit) and mine and alone and not _now_and_then(chain, effect)


def _beneath(chain: Chain, service: str) -> set[str]:
    """Return the services that were asked while a service worked on requests of failing tests."""
    rows = of_failures(chain.bundle, chain.bundle.find(Request))
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for row in rows:
        if row.service == service and row.trace and row.at:
            span = (row.at, row.at + timedelta(seconds=row.latency_s))
            spans.setdefault(trace_id(row.trace), []).append(span)
    return {
        row.service
        for row in rows
        if row.service != service and row.trace and row.at
        if any(start <= row.at <= end for start, end in spans.get(trace_id(row.trace), ()))
    }


def _now_and_then(chain: Chain, effect: Why) -> bool:
    """Tell whether the same route of the same revision answered well, too; or, of a wrong answer, failed at times.

    That a passing test is refused what it may not have says nothing of an answer that is wrong.
    """
    claim = effect.claim
    if not isinstance(claim, HttpFailure):
        return False
    rows = [row for row in current(chain.bundle, Request, claim.service) if matches(claim.path, row.path)]
    if claim.status < _BAD:
        rows = of_failures(chain.bundle, rows)
    return any(row.method == claim.method and (row.status < _BAD) != (claim.status < _BAD) for row in rows)
