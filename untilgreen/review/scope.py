"""Whether a chain speaks of what there is, begins where something was seen, and leaves passing tests their pass."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.model.analysis import Finding, Truth, Why
from untilgreen.model.claims import HttpFailure, ServiceDown
from untilgreen.model.evidence import Case, Entry, GateSeen, HealthSeen, Item, Request, Revision, Secret, Usage
from untilgreen.model.suite import Exchange, Outcome
from untilgreen.review.dossier import Chain
from untilgreen.review.routes import masked
from untilgreen.review.scene import failed_cases, host_of, services, trace_id

TOTAL = frozenset(
    {
        "service_down",
        "startup_failed",
        "secret_missing",
        "secret_apart",
        "file_excluded",
        "config_mismatch",
        "setting_changed",
        "endpoint_missing",
        "dependency_unreachable",
        "front_refused",
    }
)
"""What is there all the time: it cannot spare a test that goes the same way."""

_ROLES = ("service", "producer", "consumer")
_BAD, _NORMAL = 400, 1000


def known(chain: Chain) -> Iterator[Finding]:
    """Each service that it speaks of is one that this cycle knows, letter by letter."""
    names = services(chain.bundle)
    for why in chain.analysis.whys:
        for name in sorted({getattr(why.claim, role, "") for role in _ROLES} - names - {""} if names else ()):
            near = name.casefold() in {known.casefold() for known in names}
            truth = Truth.UNPROVEN if near else Truth.REFUTED
            message = f"speaks of {name!a}, which is no service of this cycle: {', '.join(sorted(names)[:20])}"
            yield Finding(rule="chain.known", truth=truth, message=message, why=why.number)


def begins(chain: Chain) -> Iterator[Finding]:
    """It begins at what was seen to go wrong: a line, a change or a setting alone explains nothing."""
    shown = [item for judgement in chain.judgements.values() for item in judgement.for_]
    if shown and not any(went_wrong(item) for item in shown):
        first = chain.analysis.whys[0].number
        message = "nothing that it rests on went wrong; begin with what a test, a log or the platform saw"
        yield Finding(rule="chain.begins", truth=Truth.UNPROVEN, message=message, why=first)


def went_wrong(item: Item) -> bool:
    """Tell whether a piece of evidence shows something going wrong, and not only how something is."""
    match item:
        case Case() | Entry() | Request() | GateSeen() | Usage():
            return True
        case Revision(ready=ready) | HealthSeen(ok=ready):
            return not ready
        case Secret(status=status):
            return status.problem is not None
    return False


def scope(chain: Chain) -> Iterator[Finding]:
    """What is wrong all the time spares no passing test that went the same way."""
    leaf = chain.analysis.leaf
    if leaf.claim.type not in TOTAL:
        return
    explained = [case for case in failed_cases(chain.bundle) if case.nodeid in chain.analysis.cases]
    ways = {_way(e) for case in explained for e in case.exchanges if _failed(e)}
    spared = [case for case in chain.bundle.find(Case) if case.outcome is Outcome.PASSED and _spared(case, ways)]
    if ways and spared and ways <= {_way(e) for case in spared for e in case.exchanges if not _failed(e)}:
        message = f"{spared[0].nodeid} and {len(spared) - 1} more went the same way, and passed: {_about(leaf)}"
        ids = tuple(case.id for case in spared[:5])
        yield Finding(rule="chain.scope", truth=Truth.CONTESTED, message=message, why=leaf.number, evidence=ids)


def untouched(chain: Chain, traces: set[str]) -> list[Case]:
    """Return the explained tests that neither carry one of these traces nor failed as those do that carry one."""
    explained = [c for c in failed_cases(chain.bundle) if c.nodeid in chain.analysis.cases and c.trace]
    touched = [case for case in explained if trace_id(case.trace) in traces]
    ways = {_end(e) for case in touched for e in case.exchanges if _failed(e)}
    claims = [why.claim for why in chain.analysis.whys]
    ways |= {
        (host_of(chain.bundle, c.service), _NO_GOOD_ANSWER)
        for c in claims
        if isinstance(c, ServiceDown) or (isinstance(c, HttpFailure) and c.status >= _SERVER)
    }
    rest = [case for case in explained if trace_id(case.trace) not in traces]
    return [c for c in rest if (ends := {_end(e) for e in c.exchanges if _failed(e)}) and ends.isdisjoint(ways)]


def _end(seen: Exchange) -> tuple[str, str]:
    """Return how an exchange ended: who answered, and in what way; a service that is ill has several."""
    if seen.close_code in range(*_OWN_CODES) or seen.close_code == _POLICY or seen.status in _REFUSED:
        return seen.host, "refused"
    if seen.method == "WS":
        return seen.host, f"closed {seen.close_code}"
    if seen.status is None or seen.status >= _SERVER:
        return seen.host, _NO_GOOD_ANSWER
    return seen.host, str(seen.status)


_NO_GOOD_ANSWER = "no good answer"
_REFUSED, _SERVER, _POLICY = (401, 403), 500, 1008
_OWN_CODES = (3000, 5000)
"""Close codes that libraries and applications define; most say that a caller may not come in."""


def _about(leaf: Why) -> str:
    return f"{leaf.claim.type} {leaf.claim.subject} would have met them, too"


def _spared(case: Case, ways: set[tuple[str, str, str]]) -> bool:
    return any(_way(e) in ways and not _failed(e) for e in case.exchanges)


def _way(seen: Exchange) -> tuple[str, str, str]:
    return (seen.method, seen.host, masked(seen.path))


def _failed(seen: Exchange) -> bool:
    return seen.status is None or seen.status >= _BAD or (seen.close_code or _NORMAL) != _NORMAL
