"""Claims about revisions that do not start, and what services raise."""

from __future__ import annotations

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import ErrorRaised, StartupFailed
from untilgreen.model.evidence import Coverage, Entry, Revision
from untilgreen.review.judgement import Check
from untilgreen.review.scene import errors, saying


def _raised(claim: ErrorRaised, bundle: Bundle) -> list[Entry]:
    told = [entry for entry in saying(bundle, claim.service, _short(claim.exception)) if not entry.raised]
    found = [entry for entry in (*errors(bundle, claim.service), *told) if _is(claim.exception, entry)]
    return sorted(found, key=lambda entry: entry.at.timestamp() if entry.at else 0.0)


def _short(exception: str) -> str:
    return exception.rpartition(".")[2]


def _is(exception: str, entry: Entry) -> bool:
    if entry.raised:
        return _short(entry.raised.exception) == _short(exception)
    return entry.message.startswith((f"{exception}:", f"{_short(exception)}:"))


def _log(claim: ErrorRaised, bundle: Bundle) -> Coverage | None:
    return bundle.covers(Entry, claim.service)


def _named(claim: StartupFailed, bundle: Bundle, *, ready: bool) -> list[Revision]:
    found = bundle.find(Revision, service=claim.service)
    return [revision for revision in found if revision.name == claim.revision and revision.ready is ready]


def _not_ready(claim: StartupFailed, bundle: Bundle) -> list[Revision]:
    return _named(claim, bundle, ready=False)


def _ready(claim: StartupFailed, bundle: Bundle) -> list[Revision]:
    return _named(claim, bundle, ready=True)


def _revisions(claim: StartupFailed, bundle: Bundle) -> Coverage | None:
    return bundle.covers(Revision, claim.service)


ERROR_RAISED = Check(_raised, absence=_log)
STARTUP_FAILED = Check(_not_ready, rebuttal=_ready, absence=_revisions)
