"""Claims about revisions and what they run into."""

from __future__ import annotations

import re
from datetime import datetime

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import ErrorRaised, ResourceExhausted, StartupFailed
from untilgreen.model.evidence import Case, Coverage, Entry, Item, Request, Revision, Usage
from untilgreen.model.suite import Outcome
from untilgreen.review.judgement import Check
from untilgreen.review.routes import masked
from untilgreen.review.scene import (
    application_says,
    current,
    exchanges,
    platform_says,
    revision_under_test,
)

_FULL = 0.95
_FLAT = 0.8
"""Below this share of its limit nothing was exhausted, even between two samples a minute apart."""

_PLATFORM = {
    "memory": re.compile(r"Memory limit of .+ exceeded|exit\w*(?: with)?(?: code| status)?[ :(=]*137\b|OOM ?Killed"),
    "quota": re.compile(r"RESOURCE_EXHAUSTED|quota.{0,40}exceeded|no available instance", re.IGNORECASE),
    "disk": re.compile(r"No space left on device", re.IGNORECASE),
}
_APPLICATION = {
    "connections": re.compile(r"too many (?:connections|clients)|connection slots|QueuePool limit", re.IGNORECASE),
    "disk": re.compile(r"No space left on device", re.IGNORECASE),
    "quota": re.compile(r"RESOURCE_EXHAUSTED|quota.{0,40}exceeded", re.IGNORECASE),
}
"""What a third party refuses is known to the application only; there an exception must carry the words."""


def _raised(claim: ErrorRaised, bundle: Bundle) -> list[Entry]:
    return [entry for entry in current(bundle, Entry, claim.service) if _is(claim.exception, entry)]


def _is(exception: str, entry: Entry) -> bool:
    if entry.raised:
        return entry.raised.exception.rpartition(".")[2] == exception.rpartition(".")[2]
    return entry.message.startswith((f"{exception}:", f"{exception.rpartition('.')[2]}:"))


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


def _exhausted(claim: ResourceExhausted, bundle: Bundle) -> list[Item]:
    full = [u for u in _usage(claim, bundle) if u.utilisation >= _FULL]
    return [*_refusals(claim, bundle), *full]


def _refusals(claim: ResourceExhausted, bundle: Bundle) -> list[Entry]:
    platform, application = _PLATFORM.get(claim.resource), _APPLICATION.get(claim.resource)
    said = [e for e in platform_says(bundle, claim.service) if platform and platform.search(e.message)]
    raised = [e for e in application_says(bundle, claim.service) if application and e.raised]
    return said + [e for e in raised if application and e.raised and application.search(e.raised.message)]


def _usage(claim: ResourceExhausted, bundle: Bundle) -> list[Usage]:
    revision = bundle.manifest.revisions.get(claim.service, "")
    return [u for u in bundle.find(Usage, service=claim.service, revision=revision) if u.resource == claim.resource]


def _went_on(claim: ResourceExhausted, bundle: Bundle) -> list[Item]:
    """Find what cannot well be if the limit blocked it: flat usage, or the blocked operation succeeding afterwards."""
    refusals = _refusals(claim, bundle)
    flat = [] if refusals else [u for u in _usage(claim, bundle) if u.utilisation < _FLAT]
    last = max((e.at for e in refusals if e.at), default=None)
    return [*flat, *_SUCCESSES[claim.blocked](claim, bundle, last)]


def _later_answers(claim: ResourceExhausted, bundle: Bundle, last: datetime | None) -> list[Item]:
    """Find 2xx answers after the exhaustion, of the routes that it is said to have blocked."""
    rows = current(bundle, Request, claim.service)
    blocked = [row for row in rows if row.status >= 500]  # noqa: PLR2004 - HTTP's own numbers
    routes = {(row.method, masked(row.path)) for row in blocked}
    since = last or min((row.at for row in blocked if row.at), default=None)
    answered = [row for row in rows if 200 <= row.status < 300]  # noqa: PLR2004 - HTTP's own numbers
    if last:
        answered = [row for row in answered if (row.method, masked(row.path)) in routes]
    return [row for row in answered if since is None or (row.at and row.at > since)]


def _deployed(claim: ResourceExhausted, bundle: Bundle, _last: datetime | None) -> list[Item]:
    revision = revision_under_test(bundle, claim.service)
    return [revision] if revision and revision.ready else []


def _later_passes(claim: ResourceExhausted, bundle: Bundle, last: datetime | None) -> list[Item]:
    passed: list[Case] = [c for c, _ in exchanges(bundle, claim.service) if c.outcome is Outcome.PASSED]
    return [case for case in dict.fromkeys(passed) if last is None or (case.at and case.at > last)]


_SUCCESSES = {"request": _later_answers, "test": _later_passes, "build": _deployed, "deploy": _deployed}


def _looked(claim: ResourceExhausted, bundle: Bundle) -> Coverage | None:
    return bundle.covers(Usage if claim.resource == "cpu" else Entry, claim.service)


ERROR_RAISED = Check(_raised, absence=_log)
STARTUP_FAILED = Check(_not_ready, rebuttal=_ready, absence=_revisions)
RESOURCE_EXHAUSTED = Check(_exhausted, counter=_went_on, absence=_looked)
