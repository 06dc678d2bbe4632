"""Requests that would decide where the evidence ends, and that anybody may make: no credentials, nothing changed."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Analysis, Triage
from untilgreen.model.claims import HttpFailure, Unknown
from untilgreen.model.document import Document
from untilgreen.model.evidence import Case, Repeated
from untilgreen.triage.scene import hosts_of

_MOST = 5
_BAD = 400


class Inquiry(Document):
    """A request to make again."""

    service: str
    url: str
    path: str
    """Without the query."""


def inquiries(bundle: Bundle, found: Triage) -> tuple[Inquiry, ...]:
    """Plan which requests of failing tests to make again: one for each open end, five at most.

    Only a GET without credentials can be repeated as it was; what was asked already is not asked twice.
    """
    known = {(item.service, item.path) for item in bundle.find(Repeated)}
    cases = {case.nodeid: case for case in bundle.find(Case)}
    open_ends = [a for a in found.analyses if isinstance(a.leaf.claim, Unknown)]
    planned = (next(_repeatable(bundle, analysis, cases), None) for analysis in open_ends)
    fresh = {(i.service, i.path): i for i in planned if i and (i.service, i.path) not in known}
    return tuple(fresh.values())[:_MOST]


def _repeatable(bundle: Bundle, analysis: Analysis, cases: dict[str, Case]) -> Iterator[Inquiry]:
    """Go through the requests that the first why is about, in the order of the tests."""
    seen = analysis.whys[0].claim
    if not isinstance(seen, HttpFailure) or seen.method != "GET" or seen.status < _BAD:
        return
    url = bundle.manifest.urls.get(seen.service, "")
    for case in (cases[nodeid] for nodeid in analysis.cases if nodeid in cases):
        for x in case.exchanges:
            same = (x.method, x.status) == ("GET", seen.status) and x.host in hosts_of(url)
            if same and not x.principal:
                yield Inquiry(service=seen.service, url=f"{url.rstrip('/')}{x.path}", path=x.path.partition("?")[0])
