"""Whether a setting or a file that is said to be wrong bears on the failures: a true fact need not be their cause."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Finding, Truth
from untilgreen.model.claims import AuthRejected, Claim, ConfigMismatch, FileExcluded, HttpFailure, SettingChanged
from untilgreen.model.evidence import Entry, Request, SourceFile
from untilgreen.review.claims.templates import HIDDEN, tested
from untilgreen.review.dossier import Chain
from untilgreen.review.scene import current, errors, in_file, of_failures, once, standing
from untilgreen.review.scope import went_wrong

_REFUSED = (401, 403)
_SERVER = 500
_SHORT = 4
"""Shorter values stand in any text."""


def bears(chain: Chain) -> Iterator[Finding]:
    """A setting or a file that is blamed has to do with what failed, not only with what changed."""
    leaf = chain.analysis.leaf
    if not isinstance(leaf.claim, ConfigMismatch | SettingChanged | FileExcluded) or len(chain.analysis.whys) == 1:
        return
    seen = any(went_wrong(item) for item in chain.judgements[leaf.number].for_)
    if seen or _did_not_start(chain) or _refused(chain, leaf.claim):
        return
    if not (_named(chain.bundle, leaf.claim) or _nothing_else_changed(chain.bundle, leaf.claim.service)):
        message = (
            f"nothing that failed speaks of {leaf.claim.type} {leaf.claim.subject}, and it is not all that changed"
        )
        yield Finding(rule="chain.bears", truth=Truth.UNPROVEN, message=message, why=leaf.number)


def _did_not_start(chain: Chain) -> bool:
    return any(why.claim.type == "startup_failed" for why in chain.analysis.whys)


def _refused(chain: Chain, claim: Claim) -> bool:
    """Tell whether a caller was refused, and what is blamed is a secret that a service is given."""
    statuses = [w.claim.status for w in chain.analysis.whys if isinstance(w.claim, HttpFailure | AuthRejected)]
    found = tested(chain.bundle, getattr(claim, "service", ""))
    bound = {binding.env for binding in found[1].secrets} if found else set()
    return any(status in _REFUSED for status in statuses) and getattr(claim, "key", "") in bound


def _named(bundle: Bundle, claim: Claim) -> bool:
    """Tell whether an error of a failing test, or a file that it went through, names what is blamed."""
    words = re.compile("|".join(re.escape(word) for word in sorted(_words(claim))) or r"(?!)")
    return any(words.search(text) for text in _told(bundle))


def _words(claim: Claim) -> set[str]:
    """Return the names and values that only what is blamed has."""
    if isinstance(claim, FileExcluded):
        stem = claim.path.rpartition("/")[2].partition(".")[0]
        return {stem if stem != "__init__" else claim.path.split("/")[-2]} if "/" in claim.path or stem else set()
    values = [getattr(claim, name, "") for name in ("before", "after", "expected", "actual")]
    hosts = [urlsplit(value).netloc for value in values if "://" in value]
    known = {word for word in (*values, *hosts) if len(word) >= _SHORT and word != HIDDEN}
    return known | {getattr(claim, "key", "")} - {""}


@once
def _told(bundle: Bundle) -> list[str]:
    """Return what failing tests left in the logs: messages, and the sources that their tracebacks went through."""
    entries = [*of_failures(bundle, errors(bundle)), *of_failures(bundle, _loud(bundle))]
    frames = {(f.path, f.line): f for e in entries if e.raised for f in e.raised.frames}.values()
    files = [f.content for f in bundle.find(SourceFile) if any(in_file(bundle, f.path, frame) for frame in frames)]
    return [*(entry.message for entry in entries), *files]


def _loud(bundle: Bundle) -> list[Entry]:
    loud = ("WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
    return [entry for entry in bundle.find(Entry, raised=False) if entry.severity in loud]


def _nothing_else_changed(bundle: Bundle, service: str) -> bool:
    """Tell whether the service failed itself, and none of its source changed since all was well."""
    root = f"{bundle.manifest.sources.get(service, '')}/"
    failed = [row for row in of_failures(bundle, current(bundle, Request, service)) if row.status >= _SERVER]
    untouched = not any(hunk.path.startswith(root) for hunk in standing(bundle))
    return bool(bundle.manifest.good_commit and failed) and untouched
