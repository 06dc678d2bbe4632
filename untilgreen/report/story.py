"""What happened to each cause over the whole loop: the thread that every report follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from untilgreen.compare.step import ORDER
from untilgreen.model.analysis import (
    Analysis,
    AppliedFix,
    CauseChange,
    CauseState,
    Decision,
    Finding,
    FixReview,
    Group,
    Review,
)
from untilgreen.model.claims import Claim, CodeDefect, ConfigMismatch, FileExcluded, RegressedBy, Unknown
from untilgreen.model.cycle import Cycle, Loop

_PREFERENCE = (Decision.APPROVED, Decision.NEEDS_HUMAN, Decision.REJECTED)


@dataclass(frozen=True)
class Chain:
    """An analysis with what the review said of it."""

    cycle: int
    analysis: Analysis
    review: Review | None

    @property
    def approved(self) -> bool:
        """Tell whether the review let it through."""
        return self.review is not None and self.review.decision is Decision.APPROVED

    @property
    def decision(self) -> str:
        """Return the decision in words."""
        return self.review.decision.replace("_", " ") if self.review else "not reviewed"

    def findings(self, why: int) -> tuple[Finding, ...]:
        """Return what the review found about one why."""
        return tuple(f for f in self.review.findings if f.why == why) if self.review else ()


@dataclass
class Thread:
    """One cause from the cycle that first saw it to the last one."""

    group: str
    key: str
    changes: list[tuple[int, CauseChange]] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    groups: list[tuple[int, Group]] = field(default_factory=list)
    fixes: list[tuple[int, AppliedFix]] = field(default_factory=list)
    refused: list[tuple[int, FixReview]] = field(default_factory=list)

    @property
    def last(self) -> CauseChange:
        """Return the newest change."""
        return self.changes[-1][1]

    @property
    def open(self) -> bool:
        """Tell whether it is not shown to be gone."""
        return self.last.state is not CauseState.RESOLVED

    @property
    def tests(self) -> int:
        """Return how many tests failed for it at most."""
        return max(max(change.before, change.now or 0) for _, change in self.changes)

    @property
    def chain(self) -> Chain | None:
        """Return the explanation to show: an approved one before any other, the newest first."""
        ranked = sorted(self.chains, key=lambda c: (_rank(c), -c.cycle))
        return ranked[0] if ranked else None


def threads(loop: Loop) -> list[Thread]:
    """Follow each cause through the loop: open ones first, then in the order they came to light."""
    known: dict[str, Thread] = {}
    for cycle in loop.cycles:
        for change in changes_of(cycle):
            thread = known.get(change.group) or known.get(change.was) or Thread(change.group, change.key)
            known[change.group] = thread
            thread.group, thread.key = change.group, change.key
            thread.changes.append((cycle.number, change))
        _attach(cycle, known)
    unique = list({id(thread): thread for thread in known.values()}.values())
    return sorted(unique, key=lambda t: (not t.open, ORDER.index(t.last.state), t.changes[0][0], -t.tests, t.key))


def changes_of(cycle: Cycle) -> tuple[CauseChange, ...]:
    """Return what became of each cause; a cycle that was not compared says what it saw."""
    if cycle.comparison:
        return cycle.comparison.changes
    groups = cycle.triage.groups if cycle.triage else ()
    state = {True: CauseState.MASKED, False: CauseState.NEW}
    return tuple(
        CauseChange(
            group=g.id,
            key=g.key,
            state=state[bool(g.masked_by)],
            before=0,
            now=None if g.masked_by else len(g.cases),
            note="not compared with earlier cycles",
        )
        for g in groups
    )


def chains_of(cycle: Cycle) -> Iterator[Chain]:
    """Go through a cycle's analyses with their reviews."""
    reviews = {review.analysis: review for review in cycle.reviews.reviews} if cycle.reviews else {}
    for analysis in cycle.triage.analyses if cycle.triage else ():
        yield Chain(cycle.number, analysis, reviews.get(analysis.id))


def state_of(cycle: Cycle, group: str) -> str:
    """Return what became of a group in a cycle; empty when nobody said."""
    return next((change.state.value for change in changes_of(cycle) if change.group == group), "")


def open_causes(cycle: Cycle) -> int | None:
    """Count the causes that are not shown to be gone; None when nobody looked for causes."""
    if cycle.comparison is None and cycle.triage is None:
        return None
    return sum(change.state is not CauseState.RESOLVED for change in changes_of(cycle))


def place(claim: Claim) -> str:
    """Return what a claim is about, with the line where it names one."""
    match claim:
        case CodeDefect():
            return f"{claim.path}:{claim.line} {claim.symbol}"
        case FileExcluded():
            return f"{claim.rule_file}:{claim.line} keeps {claim.path} out of {claim.service}"
        case ConfigMismatch():
            return f"{claim.service} {claim.key} is {claim.actual}, must be {claim.expected}"
        case RegressedBy():
            return f"{claim.path} by commit {claim.commit[:12]}"
        case Unknown():
            return f"missing: {claim.subject}"
    return claim.subject


def kind(claim: Claim) -> str:
    """Return a claim's type in words."""
    return claim.type.replace("_", " ")


def _attach(cycle: Cycle, known: dict[str, Thread]) -> None:
    """Hang a cycle's groups, analyses and fixes on the threads they belong to."""
    for group in cycle.triage.groups if cycle.triage else ():
        if thread := known.get(group.id):
            thread.groups.append((cycle.number, group))
    owner: dict[str, Thread] = {}
    for chain in chains_of(cycle):
        if thread := known.get(chain.analysis.group):
            thread.chains.append(chain)
            owner[chain.analysis.id] = thread
    for fix in cycle.fixes.applied if cycle.fixes else ():
        if thread := owner.get(fix.analysis):
            thread.fixes.append((cycle.number, fix))
    for review in cycle.fixes.reviews if cycle.fixes else ():
        if review.decision is not Decision.APPROVED and (thread := owner.get(review.analysis)):
            thread.refused.append((cycle.number, review))


def _rank(chain: Chain) -> int:
    return _PREFERENCE.index(chain.review.decision) if chain.review else len(_PREFERENCE)
