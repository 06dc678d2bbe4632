"""Many failures, few causes: first by what cannot be observed, then by fingerprint, then by the cause itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from untilgreen.model.claims import (
    AuthRejected,
    CodeDefect,
    ConfigMismatch,
    DependencyUnreachable,
    EndpointMissing,
    ErrorRaised,
    FileExcluded,
    HttpFailure,
    RegressedBy,
    ResourceExhausted,
    SecretMissing,
    ServiceDown,
    TimedOut,
    Unknown,
)
from untilgreen.model.evidence import Case
from untilgreen.triage.descent import Descent
from untilgreen.triage.frames import short
from untilgreen.triage.naming import called
from untilgreen.triage.walk import Walk
from untilgreen.triage.whys import MOST, Chain, Link

_SETTLED = (SecretMissing, ConfigMismatch, FileExcluded, ResourceExhausted)
_BETWEEN = (DependencyUnreachable, TimedOut, ServiceDown)
_NOT_FOUND, _SERVER = 404, 500


@dataclass(frozen=True, slots=True)
class Cluster:
    """Failures with one cause.

    Args:
        key: what they share, in words.
        cases: in the order of their node ids.
        chain: one chain for all of them.
    """

    key: str
    cases: tuple[Case, ...]
    chain: Chain


@dataclass(frozen=True, slots=True)
class Cause:
    """What makes two fingerprints one group.

    Args:
        identity: equal for equal causes, within one bundle.
        words: for people and for other cycles: no commit, no line.
    """

    identity: str
    words: str


def clusters(walk: Walk, descents: Iterable[Descent]) -> list[Cluster]:
    """Group failing tests by their cause, in the order of their keys."""
    by_key: dict[str, list[Descent]] = defaultdict(list)
    for descent in descents:
        by_key[descent.key].append(descent)
    by_cause: dict[str, list[tuple[Cause, Cluster]]] = defaultdict(list)
    for key, found in sorted(by_key.items()):
        best = min(found, key=_poverty)
        chain = walk.chain(best)
        cases = tuple(descent.case for descent in found)
        cause = _cause(walk, best, chain, key)
        by_cause[cause.identity].append((cause, Cluster(key, cases, chain)))
    return _distinct([_merged(same) for _, same in sorted(by_cause.items())])


def _poverty(descent: Descent) -> tuple[bool, bool, str]:
    """Order by how much evidence a test has: the richest speaks for its group."""
    traced = any(hop.error for hop in descent.hops)
    return not traced, descent.symptom.row is None, descent.case.nodeid


def _merged(same: list[tuple[Cause, Cluster]]) -> Cluster:
    """Let the largest of them speak for all."""
    same = sorted(same, key=lambda found: (-len(found[1].cases), found[1].key))
    cases = sorted((case for _, cluster in same for case in cluster.cases), key=lambda case: case.nodeid)
    first, *others = (cluster.chain for _, cluster in same)
    return Cluster(same[0][0].words, tuple(cases), _with_siblings(first, others))


def _with_siblings(chain: Chain, others: list[Chain]) -> Chain:
    """Put the other routes that the same change removed beside the first, as far as there is room."""
    said = {link.claim.subject for link in chain}
    routes = [link for other in others for link in other if isinstance(link.claim, EndpointMissing)]
    fresh = [link for link in routes if link.claim.subject not in said][: MOST - len(chain)]
    at = next((n for n, link in enumerate(chain, start=1) if isinstance(link.claim, EndpointMissing)), 0)
    beside = (Link(x.claim, "And the others?", x.answer, x.citations, x.strength, beside=True) for x in fresh)
    return (*chain[:at], *beside, *chain[at:]) if at else chain


def _cause(walk: Walk, descent: Descent, chain: Chain, key: str) -> Cause:
    """Return what makes this chain and another one cause; the fingerprint when nothing better is known."""
    claims = [link.claim for link in chain]
    leaf = claims[-1]
    for claim in claims:
        if isinstance(claim, _SETTLED):
            return _same(called(claim))
        if isinstance(claim, CodeDefect) and claim.canonical:
            return _of_class(claim, chain)
    if isinstance(leaf, RegressedBy):
        return _of_change(leaf, chain, key)
    if isinstance(leaf, Unknown):
        return _of_unknown(walk, descent, chain, key)
    return _same(key)


def _same(words: str) -> Cause:
    return Cause(words, words)


def _of_class(claim: CodeDefect, chain: Chain) -> Cause:
    """One custom that is broken in several places is one cause, also when some of the places are already mended."""
    raised = next((short(link.claim.exception) for link in chain if isinstance(link.claim, ErrorRaised)), "defect")
    folder = claim.path.rsplit("/", 1)[0] if "/" in claim.path else "."
    return _same(f"{raised} in {folder} where {claim.canonical} is bypassed")


def _of_change(leaf: RegressedBy, chain: Chain, key: str) -> Cause:
    """Routes dropped by one commit from one file are one cause; other changes only when they are the same place."""
    if any(isinstance(link.claim, EndpointMissing) for link in chain):
        status = next((link.claim.status for link in chain if isinstance(link.claim, HttpFailure)), _NOT_FOUND)
        return Cause(f"routes {leaf.commit} {leaf.path} {status}", f"{status} since routes left {leaf.path}")
    if defect := next((link.claim for link in chain if isinstance(link.claim, CodeDefect)), None):
        return Cause(f"defect {defect.path} {defect.symbol}", key)
    place = chain[-1].citations[0].evidence if chain[-1].citations else leaf.commit
    return Cause(f"change {place}", f"{key}, since {leaf.path} changed")


def _of_unknown(walk: Walk, descent: Descent, chain: Chain, key: str) -> Cause:
    """Without a cause, failures share at most where the walk ended."""
    for link in reversed(chain):
        if isinstance(link.claim, (*_BETWEEN, AuthRejected)):
            return _same(called(link.claim))
    hop = descent.hops[-1] if descent.hops else None
    if hop and hop.row and not hop.error and hop.row.status >= _SERVER and walk.intermittent(descent, hop.row):
        return _same(f"{hop.row.status} now and then at {hop.service}")
    return _same(key)


def _distinct(found: list[Cluster]) -> list[Cluster]:
    """Give causes that would have the same words different ones: a group is known by its key."""
    seen: dict[str, int] = defaultdict(int)
    named = []
    for cluster in found:
        seen[cluster.key] += 1
        number = seen[cluster.key]
        named.append(Cluster(f"{cluster.key} ({number})" if number > 1 else cluster.key, cluster.cases, cluster.chain))
    return named
