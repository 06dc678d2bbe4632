"""Whether a change that is blamed has to do with what it is blamed for: a commit is not guilty of being recent."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

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
from untilgreen.model.evidence import Case, Commit, Entry, GateSeen, Hunk, Item, Request, Revision, SourceFile
from untilgreen.model.suite import Frame
from untilgreen.review.dossier import Chain
from untilgreen.review.routes import matches
from untilgreen.review.scene import current, errors, in_file, of_failures, of_passes

_WORD = re.compile(r"[A-Za-z_]\w{3,}")
_NO_WORDS = frozenset({*keyword.kwlist, "self", "line", "file", "File", "Traceback", "most", "recent", "call", "last"})
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
            return hunk.path == path
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
            behind = _errors(chain, effect)
            # What is logged beside these two tells of their consequences; the platform's own words name no code.
            open_ = not behind or isinstance(effect.claim, ResourceExhausted | TimedOut)
            return any(_shares(chain, e, hunk) for e in behind) or (open_ and _only_suspect(chain, effect, hunk))


def _begins_to_ask(chain: Chain, effect: Why, hunk: Hunk) -> bool:
    """Tell whether a change brought the very line that asks for a file which an older rule keeps out."""
    seen = [item.finding for item in chain.judgements[effect.number].for_ if isinstance(item, GateSeen)]
    return any(f.path == hunk.path and hunk.line <= f.line < hunk.line + len(hunk.added) for f in seen)


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


def _shares(chain: Chain, entry: Entry, hunk: Hunk) -> bool:
    """Tell whether an error passed through what was changed, or speaks of what the change speaks of."""
    frames = entry.raised.frames if entry.raised else ()
    if any(_passes(chain, frame, hunk) for frame in frames):
        return True
    said = " ".join([entry.message, entry.raised.message if entry.raised else ""])
    changed = " ".join((*hunk.removed, *hunk.added))
    names = {word for frame in frames for word in (frame.function, *_WORD.findall(frame.path))}
    return bool((set(_WORD.findall(said)) & set(_WORD.findall(changed))) - _NO_WORDS - names)


def _passes(chain: Chain, frame: Frame, hunk: Hunk) -> bool:
    near = hunk.line - _NEAR <= frame.line < hunk.line + max(len(hunk.added), 1) + _NEAR
    return near and in_file(chain.bundle, hunk.path, frame)


def _only_suspect(chain: Chain, effect: Why, hunk: Hunk) -> bool:
    """Tell whether nothing else changed since all was well, in the service or in what is shared with others.

    What fails now and then does not come from what is there all the time.
    """
    manifest, service = chain.bundle.manifest, getattr(effect.claim, "service", "")
    others = tuple(f"{root}/" for name, root in manifest.sources.items() if name != service)
    old = {commit.sha for commit in chain.bundle.find(Commit) if not commit.since_good}
    changed = [h for h in chain.bundle.find(Hunk) if h.commit not in old and not h.path.startswith(others)]
    alone = {h.commit for h in changed} == {hunk.commit} and chain.bundle.covers(Hunk, "*") is not None
    mine = hunk.path.startswith(f"{manifest.sources.get(service, '-')}/")
    return bool(manifest.good_commit) and mine and alone and not _now_and_then(chain, effect)


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
