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
    RegressedBy,
    SecretMissing,
)
from untilgreen.model.evidence import Entry, Hunk, Revision
from untilgreen.review.dossier import Chain
from untilgreen.review.scene import current, in_file

_WORD = re.compile(r"[A-Za-z_]\w{3,}")
_NO_WORDS = frozenset({*keyword.kwlist, "self", "else", "line", "file", "Traceback", "recent", "call", "last", "most"})


def brought(chain: Chain) -> Iterator[Finding]:
    """What a blamed change touches has to do with what it is said to explain."""
    for why in chain.analysis.whys:
        hunks = [item for item in chain.judgements[why.number].for_ if isinstance(item, Hunk)]
        if not isinstance(why.claim, RegressedBy) or not hunks:
            continue
        for effect in (w for w in chain.analysis.whys if w.because == why.number):
            if not any(_touches(chain, effect, hunk) for hunk in hunks):
                name = f"{effect.claim.type} {effect.claim.subject}"
                message = f"nothing that {why.claim.commit[:12]} changed in {why.claim.path} has to do with {name}"
                ids = tuple(hunk.id for hunk in hunks[:5])
                yield Finding(rule="chain.brought", truth=Truth.UNPROVEN, message=message, why=why.number, evidence=ids)


def _touches(chain: Chain, effect: Why, hunk: Hunk) -> bool:
    match effect.claim:
        case CodeDefect(path=path):
            return hunk.path == path
        case FileExcluded(rule_file=path):
            return hunk.path == path
        case SecretMissing(env=name):
            return name in hunk.text
        case ConfigMismatch(key=key, actual=actual):
            return key in hunk.text or bool(actual and actual in hunk.text)
        case EndpointMissing(service=service):
            root = chain.bundle.manifest.sources.get(service, "")
            return bool(hunk.removed) and hunk.path.startswith(f"{root}/")
        case _:
            return any(_shares(chain, entry, hunk) for entry in _errors(chain, effect))


def _errors(chain: Chain, effect: Why) -> Iterator[Entry]:
    """Go through the logged errors behind a why: those that show it, and those of a revision that shows it."""
    for item in (*chain.judgements[effect.number].for_, *chain.cited(effect)):
        if isinstance(item, Entry):
            yield item
        elif isinstance(item, Revision):
            yield from (entry for entry in current(chain.bundle, Entry, item.service) if entry.raised)


def _shares(chain: Chain, entry: Entry, hunk: Hunk) -> bool:
    """Tell whether an error passed through the changed file, or speaks of what the change speaks of."""
    frames = entry.raised.frames if entry.raised else ()
    if any(in_file(chain.bundle, hunk.path, frame) for frame in frames):
        return True
    said = " ".join([entry.message, entry.raised.message if entry.raised else "", *(f.source for f in frames)])
    changed = " ".join((*hunk.removed, *hunk.added))
    return bool((set(_WORD.findall(said)) & set(_WORD.findall(changed))) - _NO_WORDS)
