"""Claims about requests. The platform's request log decides; what a service prints about itself does not."""

from __future__ import annotations

import re

from untilgreen.collect.bundle import Bundle
from untilgreen.model.claims import (
    AuthRejected,
    DependencyUnreachable,
    EndpointMissing,
    HttpFailure,
    ServiceDown,
    SocketClosed,
    TimedOut,
)
from untilgreen.model.evidence import Case, Coverage, Entry, HealthSeen, Item, Request, SourceFile
from untilgreen.review.judgement import Check
from untilgreen.review.routes import masked, matches
from untilgreen.review.scene import (
    current,
    errors,
    exchanges,
    host_of,
    of_failures,
    platform_says,
    revision_under_test,
    saying,
    trace_id,
)

_NO_ROUTE = (404, 405)
_HANDLED = (101, 409, 422)
_REFUSED = (401, 403)
_GATEWAY = (502, 503, 504)
_ENDED = re.compile(r"called exit\(|terminated|crash|probe failed", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"refused|unreachable|timed? ?out|getaddrinfo|name or service not known|UNAVAILABLE|all connection attempts failed"
    r"|cannot connect|connect call failed|connection reset|no route to host",
    re.IGNORECASE,
)


def _ok(status: int | None) -> bool:
    return status is not None and 200 <= status < 300  # noqa: PLR2004 - HTTP's own numbers


def _routed(rows: list[Request], method: str, path: str) -> list[Request]:
    """Keep the rows of one route. A WebSocket begins as a GET."""
    wanted = "GET" if method.upper() == "WS" else method.upper()
    return [row for row in rows if row.method.upper() == wanted and matches(path, row.path)]


def _failed_with(claim: HttpFailure, bundle: Bundle) -> list[Request]:
    """Find the rows, whichever revision answered: what a test saw is what it saw."""
    rows = of_failures(bundle, bundle.find(Request, service=claim.service))
    return [row for row in _routed(rows, claim.method, claim.path) if row.status == claim.status]


def _request_log(claim: EndpointMissing | AuthRejected | TimedOut, bundle: Bundle) -> Coverage | None:
    return bundle.covers(Request, claim.service)


def _unseen(claim: HttpFailure, bundle: Bundle) -> Coverage | None:
    """A complete request log refutes, but not what a client of ours saw: then the two sides disagree."""
    seen = [e for _, e in exchanges(bundle, claim.service) if e.status == claim.status and matches(claim.path, e.path)]
    return None if seen else bundle.covers(Request, claim.service)


def _not_found(claim: EndpointMissing, bundle: Bundle) -> list[Request]:
    rows = of_failures(bundle, current(bundle, Request, claim.service))
    return [row for row in _routed(rows, claim.method, claim.path) if row.status in _NO_ROUTE]


def _answered(claim: EndpointMissing, bundle: Bundle) -> list[Request]:
    """Find answers that only a handler gives. What stands before the routes may redirect, refuse or fail."""
    rows = _routed(current(bundle, Request, claim.service), claim.method, claim.path)
    return [row for row in rows if _ok(row.status) or row.status in _HANDLED]


def _answered_alike(claim: EndpointMissing, bundle: Bundle) -> list[Request]:
    """Find answers of the very route: `/orders/mine` may be another one than `/orders/{}`, `/orders/18` is not."""
    shapes = {masked(row.path) for row in _not_found(claim, bundle)}
    return [row for row in _answered(claim, bundle) if masked(row.path) in shapes]


def _rejected(claim: AuthRejected, bundle: Bundle) -> list[Request]:
    rows = of_failures(bundle, current(bundle, Request, claim.service))
    return [r for r in rows if r.status == claim.status and r.status in _REFUSED and matches(claim.path, r.path)]


def _same_caller_accepted(claim: AuthRejected, bundle: Bundle) -> list[Case]:
    """Find a test whose credentials were refused here in one test and accepted in another."""
    here = [(case, e) for case, e in exchanges(bundle, claim.service) if matches(claim.path, e.path)]
    refused = {(e.method, e.principal) for case, e in here if case.outcome.bad and e.status == claim.status}
    return [case for case, e in here if e.principal and (e.method, e.principal) in refused and _ok(e.status)]


def _closed(claim: SocketClosed, bundle: Bundle) -> list[Case]:
    return [
        case
        for case, e in exchanges(bundle, claim.service)
        if case.outcome.bad and e.close_code == claim.close_code and matches(claim.path, e.path)
    ]


def _all_cases(_claim: SocketClosed, bundle: Bundle) -> Coverage | None:
    return bundle.covers(Case, "*")


def _down(claim: ServiceDown, bundle: Bundle) -> list[Item]:
    rows = [row for row in current(bundle, Request, claim.service) if row.status in _GATEWAY]
    probes = [seen for seen in bundle.find(HealthSeen, service=claim.service) if not seen.ok]
    revision = revision_under_test(bundle, claim.service)
    unanswered = [case for case, e in exchanges(bundle, claim.service) if case.outcome.bad and e.status is None]
    ended = [entry for entry in platform_says(bundle, claim.service) if _ENDED.search(entry.message)]
    return [*([revision] if revision and not revision.ready else []), *ended, *probes, *rows, *unanswered]


def _up(claim: ServiceDown, bundle: Bundle) -> list[Item]:
    return [row for row in current(bundle, Request, claim.service) if _ok(row.status)]


def _answered_meanwhile(claim: ServiceDown, bundle: Bundle) -> list[Item]:
    """Find that it was never down: ready, no word of the platform, each test answered, and 2xx between the failures."""
    rows = [row for row in current(bundle, Request, claim.service) if row.at]
    bad = [row.at for row in rows if row.status in _GATEWAY and row.at]
    broken = [item for item in _down(claim, bundle) if not isinstance(item, Request)]
    if broken or any(row.said for row in rows if row.status in _GATEWAY):
        return []
    # One revision answers well before, between and after what it is said to have been down for.
    well = [row for row in rows if _ok(row.status) and row.at and (not bad or min(bad) <= row.at <= max(bad))]
    return [*well] if well and revision_under_test(bundle, claim.service) else []


def _looked_up(claim: ServiceDown, bundle: Bundle) -> Coverage | None:
    return bundle.covers(Request, claim.service) if bundle.find(HealthSeen, service=claim.service) else None


def _names(claim: DependencyUnreachable, bundle: Bundle, entry: Entry) -> bool:
    text = f"{entry.message} {entry.raised.message if entry.raised else ''}"
    named = re.search(rf"(?<![\w-]){re.escape(claim.callee)}(?![\w-])", text, re.IGNORECASE)
    host = host_of(bundle, claim.callee)
    return bool(_UNREACHABLE.search(text) and (named or (host and host in text)))


def _unreachable(claim: DependencyUnreachable, bundle: Bundle) -> list[Entry]:
    host = host_of(bundle, claim.callee)
    told = [entry for words in (claim.callee, host) if words for entry in saying(bundle, claim.service, words)]
    named = [e for e in (*errors(bundle, claim.service), *told) if _names(claim, bundle, e)]
    return sorted({entry.id: entry for entry in named}.values(), key=lambda e: e.at.timestamp() if e.at else 0.0)


def _reached(claim: DependencyUnreachable, bundle: Bundle) -> list[Request]:
    """Find answered calls of the callee that only this caller can have made: the test itself did not call it."""
    direct = {trace_id(case.trace) for case, _ in exchanges(bundle, claim.callee)}
    known = {trace_id(case.trace) for case in bundle.find(Case) if case.exchanges} - direct
    called = {trace_id(row.trace) for row in current(bundle, Request, claim.service) if row.trace} & known
    rows = current(bundle, Request, claim.callee) if host_of(bundle, claim.callee) else []
    return [row for row in rows if trace_id(row.trace) in called and row.status < 500]  # noqa: PLR2004 - HTTP's own numbers


def _unheard_of(claim: DependencyUnreachable, bundle: Bundle) -> Coverage | None:
    """Return the sources of the caller when nothing there, in its template or in its log names the callee."""
    if not bundle.covers(Entry, claim.service):
        return None
    revision, host = revision_under_test(bundle, claim.service), host_of(bundle, claim.callee)
    told = [file.content for file in bundle.find(SourceFile, service=claim.service)]
    told += [revision.template.model_dump_json()] if revision and revision.template else []
    names = [name for name in (claim.callee.casefold(), host) if name]
    if any(n in text.casefold() for text in told for n in names) or any(
        saying(bundle, claim.service, n) for n in names
    ):
        return None
    return bundle.covers(SourceFile, claim.service) if names else None


def _slow(claim: TimedOut, bundle: Bundle) -> list[Item]:
    rows = of_failures(bundle, current(bundle, Request, claim.service))
    slow: list[Item] = [row for row in rows if row.latency_s >= claim.limit_s and matches(claim.path, row.path)]
    waited = [
        case
        for case, e in exchanges(bundle, claim.service)
        if case.outcome.bad
        and e.status is None
        and e.latency_ms >= claim.limit_s * 1000
        and matches(claim.path, e.path)
    ]
    return slow + list(waited)


def _failed_sooner(claim: TimedOut, bundle: Bundle) -> list[Request]:
    rows = of_failures(bundle, current(bundle, Request, claim.service))
    return [
        row
        for row in rows
        if row.status >= 500 and row.latency_s < claim.limit_s and matches(claim.path, row.path)  # noqa: PLR2004 - HTTP's own numbers
    ]


HTTP_FAILURE = Check(_failed_with, absence=_unseen)
ENDPOINT_MISSING = Check(_not_found, counter=_answered, rebuttal=_answered_alike, absence=_request_log)
AUTH_REJECTED = Check(_rejected, counter=_same_caller_accepted, absence=_request_log)
SOCKET_CLOSED = Check(_closed, absence=_all_cases)
SERVICE_DOWN = Check(_down, counter=_up, rebuttal=_answered_meanwhile, absence=_looked_up)
DEPENDENCY_UNREACHABLE = Check(_unreachable, counter=_reached, absence=_unheard_of)
TIMED_OUT = Check(_slow, counter=_failed_sooner, absence=_request_log)
