"""Claims that a limit was hit: the platform says so itself, or measured it while things failed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import ResourceExhausted
from untilgreen.model.document import Window
from untilgreen.model.evidence import AT_LIMIT, Case, Coverage, Entry, Item, Request, Secret, Usage
from untilgreen.model.suite import Outcome
from untilgreen.review.judgement import Check
from untilgreen.review.routes import masked
from untilgreen.review.scene import (
    application_says,
    current,
    exchanges,
    gate_saw,
    of_failures,
    platform_says,
    revision_under_test,
)

_FLAT = 0.8
"""Below this share of its limit nothing was exhausted while samples were taken; a kill between two of them is in the
platform's log."""
_SERVER, _TOO_MANY = 500, 429

_PLATFORM = {
    "memory": re.compile(r"Memory limit of .+ exceeded|exit\w*(?: with)?(?: code| status)?[ :(=]*137\b|OOM ?Killed"),
    "quota": re.compile(r"RESOURCE_EXHAUSTED|quota.{0,40}exceeded|no available instance", re.IGNORECASE),
    "disk": re.compile(r"No space left on device", re.IGNORECASE),
}
_FRONT = {resource: re.compile(r"no available instance", re.IGNORECASE) for resource in ("quota", "instances")}
"""What the platform writes beside a request that no instance took."""
_APPLICATION = {
    "connections": re.compile(r"too many (?:connections|clients)|connection slots|QueuePool limit", re.IGNORECASE),
    "disk": re.compile(r"No space left on device", re.IGNORECASE),
    "quota": re.compile(r"RESOURCE_EXHAUSTED|quota.{0,40}exceeded", re.IGNORECASE),
}
"""What a third party refuses is known to the application only; there an exception must carry the words."""


def _exhausted(claim: ResourceExhausted, bundle: Bundle) -> list[Item]:
    reached = [usage for usage in _usage(claim, bundle) if _reached(usage) >= AT_LIMIT]
    failures = _failures(claim, bundle) if reached else []
    return [*refusals(claim, bundle), *(usage for usage in reached if _then(usage, failures))]


def refusals(claim: ResourceExhausted, bundle: Bundle) -> list[Entry | Request]:
    """Find who said that a limit was hit: the platform, or an exception about what only the application can know."""
    platform, application = _PLATFORM.get(claim.resource), _APPLICATION.get(claim.resource)
    said = [e for e in platform_says(bundle, claim.service) if platform and platform.search(e.message)]
    raised = [e for e in application_says(bundle, claim.service) if application and e.raised]
    front = _FRONT.get(claim.resource)
    turned_away = [row for row in current(bundle, Request, claim.service) if front and front.search(row.said)]
    found = [e for e in raised if application and e.raised and application.search(e.raised.message)]
    return [*said, *found, *turned_away]


def _usage(claim: ResourceExhausted, bundle: Bundle) -> list[Usage]:
    revision = bundle.manifest.revisions.get(claim.service, "")
    return [u for u in bundle.find(Usage, service=claim.service, revision=revision) if u.resource == claim.resource]


def _failures(claim: ResourceExhausted, bundle: Bundle) -> list[Window]:
    """Return when something failed at the service: its own 5xx, and failed tests that called it."""
    rows = of_failures(bundle, current(bundle, Request, claim.service))
    spans = [(row.at, row.latency_s) for row in rows if _broken(row)]
    cases = dict.fromkeys(case for case, _ in exchanges(bundle, claim.service) if case.outcome.bad)
    spans += [(case.at, case.duration_s) for case in cases]
    return [Window(start=at, end=at + timedelta(seconds=lasted)) for at, lasted in spans if at]


def _broken(row: Request) -> bool:
    return row.status >= _SERVER or row.status == _TOO_MANY


def _reached(usage: Usage) -> float:
    return (usage.utilisation if usage.least is None else usage.least) or 0.0


def _then(usage: Usage, failures: list[Window]) -> bool:
    """Tell whether a limit was reached while something failed; where no times are known, whenever it was."""
    slack = timedelta(seconds=usage.period_s)
    if not failures or not usage.full:
        return True
    return any(f.start - slack <= full.end and full.start - slack <= f.end for full in usage.full for f in failures)


def _went_on(claim: ResourceExhausted, bundle: Bundle) -> list[Item]:
    """Find what cannot well be if the limit blocked it: flat usage, or the blocked operation succeeding afterwards."""
    refused = refusals(claim, bundle)
    flat = [] if refused else _flat(claim, bundle)
    last = max((e.at for e in refused if e.at), default=None)
    if claim.blocked == "request":
        return [*flat, *_later_answers(claim, bundle, last, anywhere=bool(flat))]
    if claim.blocked == "test":
        return [*flat, *_later_passes(claim, bundle, last)]
    return [*flat, *_deployed(claim, bundle)]


def _flat(claim: ResourceExhausted, bundle: Bundle) -> list[Usage]:
    """Return usage far below the limit, if there was no moment at which nobody looked."""
    if _looked(claim, bundle) is None:
        return []
    return [u for u in _usage(claim, bundle) if u.utilisation is not None and u.utilisation < _FLAT]


def _later_answers(claim: ResourceExhausted, bundle: Bundle, last: datetime | None, *, anywhere: bool) -> list[Request]:
    """Find 2xx answers after the exhaustion, of the routes that it is said to have blocked.

    Args:
        claim: the claim.
        bundle: the evidence.
        last: when a limit was last refused.
        anywhere: whether other routes count, too: they do where usage was flat, and where no route was blocked.
    """
    rows = current(bundle, Request, claim.service)
    blocked = [row for row in rows if _broken(row)]
    routes = {(row.method, masked(row.path)) for row in blocked}
    since = last or min((row.at for row in blocked if row.at), default=None)
    answered = [row for row in rows if 200 <= row.status < 300]  # noqa: PLR2004 - HTTP's own numbers
    if last or (blocked and not anywhere):
        answered = [row for row in answered if (row.method, masked(row.path)) in routes]
    return [row for row in answered if since is None or (row.at and row.at > since)]


def _later_passes(claim: ResourceExhausted, bundle: Bundle, last: datetime | None) -> list[Case]:
    passed = [c for c, _ in exchanges(bundle, claim.service) if c.outcome is Outcome.PASSED]
    return [case for case in dict.fromkeys(passed) if last is None or (case.at and case.at > last)]


def _deployed(claim: ResourceExhausted, bundle: Bundle) -> list[Item]:
    revision = revision_under_test(bundle, claim.service)
    return [revision] if revision and revision.ready else []


def _looked(claim: ResourceExhausted, bundle: Bundle) -> Coverage | None:
    """Return the collection that would hold it: samples without a hole, and where the platform writes it down, that."""
    if claim.resource not in ("memory", "cpu", "instances"):
        return bundle.covers(Entry, claim.service)
    measured = bundle.covers(Usage, f"{claim.service} {claim.resource}")
    if measured is None or claim.resource == "cpu":
        return measured
    return bundle.covers(Entry if claim.resource == "memory" else Request, claim.service)


def _never_ran(claim: ResourceExhausted, bundle: Bundle) -> list[Item]:
    """Find what refused the rollout before anything of the service ran: nothing can have been exhausted there."""
    if claim.service in bundle.manifest.revisions:
        return []
    gate = gate_saw(bundle)
    mine = [seen for seen in gate if seen.finding.service == claim.service]
    refused = [s for s in bundle.find(Secret) if s.status.service == claim.service and not s.status.usable]
    return [*(mine or gate), *refused]


RESOURCE_EXHAUSTED = Check(_exhausted, counter=_went_on, rebuttal=_never_ran, absence=_looked)
