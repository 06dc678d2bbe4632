"""What makes a chain of whys sound, apart from the truth of its claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from untilgreen.model.analysis import Finding, Truth, Why
from untilgreen.model.claims import ConfigMismatch
from untilgreen.model.evidence import Case, Commit, Entry, Hunk, Item, Request, Secret, SourceFile
from untilgreen.review.bearing import bears
from untilgreen.review.blame import brought
from untilgreen.review.claims.mismatch import TRAFFIC
from untilgreen.review.dossier import Chain
from untilgreen.review.rivals import rivals, unnamed
from untilgreen.review.scene import failed_cases, trace_id
from untilgreen.review.scope import begins, known, scope, untouched

SKEW = timedelta(seconds=2)
"""Clocks of client, service and platform differ by about this much."""

ACTIONABLE = frozenset(
    {
        "code_defect",
        "config_mismatch",
        "contract_broken",
        "front_refused",
        "setting_changed",
        "secret_apart",
        "secret_missing",
        "file_excluded",
        "regressed_by",
        "endpoint_missing",
        "resource_exhausted",
        "dependency_unreachable",
        "flaky",
        "test_defect",
        "unknown",
    }
)
"""Where a chain may end: something to change, a border of what is ours, or the honest end of the evidence."""


def exists(chain: Chain) -> Iterator[Finding]:
    """Cited evidence exists."""
    for number, citation in chain.citations:
        if chain.bundle.get(citation.evidence) is None:
            message = f"cites {citation.evidence}, which is not in the evidence of this cycle: {citation.quote!r}"
            yield Finding(rule="chain.exists", truth=Truth.REFUTED, message=message, why=number)


def quote(chain: Chain) -> Iterator[Finding]:
    """Quotes stand in the evidence, letter by letter."""
    for number, citation in chain.citations:
        item = chain.bundle.get(citation.evidence)
        if item and not citation.quote.strip():
            message = f"cites {item.id} without a word of it; quote what matters"
            yield Finding(rule="chain.quote", truth=Truth.UNPROVEN, message=message, why=number, evidence=(item.id,))
        elif item and citation.quote not in item.text:
            message = f"{item.id} does not say {citation.quote!r}; it says {item.text[:200]!r}"
            yield Finding(rule="chain.quote", truth=Truth.REFUTED, message=message, why=number, evidence=(item.id,))


def relevant(chain: Chain) -> Iterator[Finding]:
    """What a why cites is what shows its claim, or at least about the same thing."""
    for why in (why for why in chain.analysis.whys if why.claim.type != "unknown"):
        items = chain.cited(why)
        if items and not any(_about(chain, why, item) for item in items):
            message = f"what it cites is not about {why.claim.type} {why.claim.subject}"
            ids = tuple(item.id for item in items[:5])
            yield Finding(rule="chain.relevant", truth=Truth.UNPROVEN, message=message, why=why.number, evidence=ids)


def _about(chain: Chain, why: Why, item: Item) -> bool:
    judgement = chain.judgements[why.number]
    if any(item is other for other in (*judgement.for_, *judgement.against)):
        return True
    if isinstance(item, Case):
        return item.nodeid in chain.analysis.cases
    service, path = getattr(why.claim, "service", ""), getattr(why.claim, "path", "")
    if isinstance(item, Secret):
        return bool(service) and item.status.service == service
    if isinstance(item, Commit):
        return path in item.files
    if isinstance(item, SourceFile | Hunk) and path:
        return item.path == path or getattr(item, "service", "") == service != ""
    return bool(service) and getattr(item, "service", "") == service


def current(chain: Chain) -> Iterator[Finding]:
    """What a why cites was seen on the revision under test, not on an older one alone."""
    revisions = chain.bundle.manifest.revisions
    if any(isinstance(why.claim, ConfigMismatch) and why.claim.key == TRAFFIC for why in chain.analysis.whys):
        return  # that an older one answered is the very claim
    for why in chain.analysis.whys:
        seen = [item for item in chain.cited(why) if isinstance(item, Entry | Request) and item.revision]
        if seen and all(item.revision != revisions.get(item.service, item.revision) for item in seen):
            message = f"everything it cites comes from {seen[0].revision}, which is not under test"
            ids = tuple(item.id for item in seen[:5])
            yield Finding(rule="chain.current", truth=Truth.UNPROVEN, message=message, why=why.number, evidence=ids)


def order(chain: Chain) -> Iterator[Finding]:
    """A cause is not seen after its effect is over."""
    for why in chain.analysis.whys:
        cause = chain.by_number.get(why.because or 0)
        effects = [end for item in chain.cited(why) if (end := _end(item))]
        causes = [item.at for item in (chain.cited(cause) if cause else []) if _timed(item) and item.at]
        if cause and effects and causes and min(causes) > max(effects) + SKEW:
            late = (min(causes) - max(effects)).total_seconds()
            message = f"its cause, why {cause.number}, was first seen {late:.1f} s after it was over"
            ids = tuple(item.id for item in (*chain.cited(cause)[:3], *chain.cited(why)[:3]))
            yield Finding(rule="chain.order", truth=Truth.REFUTED, message=message, why=why.number, evidence=ids)


def _timed(item: Item) -> bool:
    """Tell whether its time is when it happened: a revision's or a file's is when somebody looked."""
    return isinstance(item, Entry | Request | Case)


def _end(item: Item) -> datetime | None:
    """Return when an item was over; a request and a test bear the time they began at."""
    if not _timed(item) or item.at is None:
        return None
    lasted = getattr(item, "latency_s", 0.0) or getattr(item, "duration_s", 0.0)
    return item.at + timedelta(seconds=lasted)


def linked(chain: Chain) -> Iterator[Finding]:
    """Each why has its own number and leads to the leaf, without a gap and without going round."""
    numbers = [why.number for why in chain.analysis.whys]
    for number in sorted({number for number in numbers if numbers.count(number) > 1}):
        message = f"{numbers.count(number)} whys have the number {number}: one of them would not be judged"
        yield Finding(rule="chain.linked", truth=Truth.REFUTED, message=message, why=number)
    for why in chain.analysis.whys:
        problem = _way_to_leaf(chain, why)
        if problem:
            yield Finding(rule="chain.linked", truth=Truth.REFUTED, message=problem, why=why.number)


def _way_to_leaf(chain: Chain, why: Why) -> str:
    """Return why one cannot get from a why to the leaf; an empty string when one can."""
    leaf, seen, cause = chain.analysis.leaf, set[int](), chain.by_number.get(why.because or 0)
    if cause and cause.claim == why.claim:
        return f"why {why.number} is explained by itself in other words"
    while why.number != leaf.number:
        if why.number in seen:
            return f"goes round: why {why.number} explains itself"
        seen.add(why.number)
        if why.because is None:
            return f"why {why.number} is not explained by another one and is not the last"
        if why.because not in chain.by_number:
            return f"why {why.number} is said to be explained by why {why.because}, which does not exist"
        why = chain.by_number[why.because]
    return f"the last why is explained by why {why.because}: it cannot be the cause" if why.because else ""


def actionable(chain: Chain) -> Iterator[Finding]:
    """The chain ends at something that can be changed; the blame of a test goes to a human."""
    leaf = chain.analysis.leaf
    message = ""
    if leaf.claim.type == "test_defect":
        message = f"says that the test is wrong, not the product: a human decides ({leaf.claim.subject})"
    elif leaf.claim.type not in ACTIONABLE:
        message = f"ends at a symptom ({leaf.claim.type} {leaf.claim.subject}); ask why once more"
    if message:
        yield Finding(rule="chain.actionable", truth=Truth.UNPROVEN, message=message, why=leaf.number)


def failed(chain: Chain) -> Iterator[Finding]:
    """Each test that it explains did fail in this cycle."""
    bad = {case.nodeid for case in failed_cases(chain.bundle)}
    others = {case.nodeid: case for case in chain.bundle.find(Case) if case.nodeid not in bad}
    complete = chain.bundle.covers(Case, "*")
    for nodeid in chain.analysis.cases:
        if nodeid in others:
            message = f"{nodeid} did not fail: {others[nodeid].outcome}"
            ids = (others[nodeid].id,)
            yield Finding(rule="chain.failed", truth=Truth.REFUTED, message=message, evidence=ids)
        elif nodeid not in bad:
            truth = Truth.REFUTED if complete else Truth.UNPROVEN
            yield Finding(rule="chain.failed", truth=truth, message=f"no failure of {nodeid} was collected")


def reached(chain: Chain) -> Iterator[Finding]:
    """What it rests on touches a test that it explains: an error in another test's trace explains nothing here."""
    mine = {trace_id(c.trace) for c in chain.bundle.find(Case) if c.nodeid in chain.analysis.cases and c.trace}
    seen = {
        trace_id(trace) for judgement in chain.judgements.values() for item in judgement.for_ if (trace := _trace(item))
    }
    if mine and seen and not mine & seen:
        message = "nothing that it rests on carries the trace of a test that it explains"
        yield Finding(rule="chain.reached", truth=Truth.UNPROVEN, message=message)
    elif mine & seen and (strangers := untouched(chain, seen)):
        message = f"{len(strangers)} of its tests show nothing of what it rests on, for example {strangers[0].nodeid}"
        ids = tuple(case.id for case in strangers[:5])
        yield Finding(rule="chain.reached", truth=Truth.UNPROVEN, message=message, evidence=ids)


def _trace(item: Item) -> str:
    trace: str = getattr(item, "trace", "")
    return trace


Rule = Callable[[Chain], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    known,
    exists,
    quote,
    relevant,
    current,
    order,
    linked,
    begins,
    brought,
    bears,
    actionable,
    failed,
    reached,
    scope,
    rivals,
    unnamed,
)
