"""Judges what was said of a fault by what is true of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.faults import peers, truth
from benchmarks.faults.fault import Cause, Fault
from benchmarks.faults.outcome import Outcome
from benchmarks.faults.score import Candidate, Labelled, rank
from untilgreen.model.analysis import Analysis, Decision
from untilgreen.model.claims import Claim
from untilgreen.triage.step import AUTHOR

_ABSTAINS = ("unknown", "flaky")


@dataclass(frozen=True)
class CauseJudged:
    """What was said of one true cause.

    Args:
        fault: its fault's id.
        cause: its name.
        said: where the best analysis of its tests ends, in words.
        rank: of the right candidate; None when there is none.
        service_rank: the same if the right service is enough.
        loud_rank: of the right service by the number of errors.
        loud_file_rank: of the right file likewise.
        path: whether the best analysis takes the right path.
        supported: whether each of its whys has evidence that exists.
        relevant: citations of it that are about this cause.
        cited: all its citations.
        rejected: whether the review rejects it although it is right.
    """

    fault: str
    cause: str
    said: str
    rank: int | None
    service_rank: int | None
    loud_rank: int | None
    loud_file_rank: int | None
    path: bool
    supported: bool
    relevant: int
    cited: int
    rejected: bool

    @property
    def grounded(self) -> bool:
        """Tell whether the cause is right, for the right reasons."""
        return self.rank == 1 and self.path and self.supported


@dataclass
class FaultJudged:
    """What was said of a fault.

    Args:
        fault: its id.
        title: its title.
        failed: how many tests failed, or could not run.
        groups: how many groups were made of them.
        surprises: how it did not break what it should.
        causes: one for each true cause.
        tests: the failing tests with cause and group, by us.
        peer: the same by type and message.
        abstained: of a fault without a cause, whether each analysis names none.
        planted: of each planted analysis, whether it is true and what the review decided.
        states: of causes with a history, whether step compare tells it.
        blamed: how many analyses end at a commit.
        false_blame: those of them that blame an innocent one.
        seconds: how long it took.
    """

    fault: str
    title: str
    failed: int
    groups: int
    surprises: list[str]
    causes: list[CauseJudged]
    tests: list[Labelled]
    peer: list[Labelled]
    abstained: list[bool]
    planted: list[tuple[bool, Decision]]
    states: dict[str, bool]
    blamed: int = 0
    false_blame: list[str] = field(default_factory=list)
    seconds: float = 0.0


def judge(outcome: Outcome) -> FaultJudged:
    """Judge the last cycle of a fault."""
    stage, own = outcome.fault.last, _own(outcome)
    labelled = truth.labels(stage, outcome.stages[-1])
    grouped = _grouped(outcome)
    message = peers.by_message(outcome.bundle)
    ran = {test: cause for test, cause in labelled.items() if stage.runs and stage.causes}
    name = outcome.fault.id
    return FaultJudged(
        fault=name,
        title=outcome.fault.title,
        failed=len(labelled),
        groups=len({grouped.get(test, test) for test in labelled}),
        surprises=_surprises(outcome),
        causes=[_cause(outcome, cause, own, labelled) for cause in stage.causes],
        tests=[Labelled(name, cause, grouped.get(test, test)) for test, cause in ran.items()],
        peer=[Labelled(name, cause, message.get(test, test)) for test, cause in ran.items()],
        abstained=[] if stage.causes else [a.leaf.claim.type in _ABSTAINS for a in own] or [True],
        planted=_planted(outcome),
        states=_states(outcome, labelled),
        blamed=sum(a.leaf.claim.type == "regressed_by" for a in own),
        false_blame=_false_blame(outcome, own),
        seconds=outcome.happened.seconds,
    )


def crashed(fault: Fault) -> FaultJudged:
    """Return what stands for a fault in whose cycle a step broke: nothing was said of it."""
    causes = [
        CauseJudged(fault.id, cause.name, "a step broke", None, None, None, None, False, False, 0, 0, False)
        for cause in fault.last.causes
    ]
    abstained = [] if causes else [False]
    return FaultJudged(fault.id, fault.title, 0, 0, ["a step broke"], causes, [], [], abstained, [], {})


def _own(outcome: Outcome) -> list[Analysis]:
    return [analysis for analysis in outcome.triage.analyses if analysis.author == AUTHOR]


def _surprises(outcome: Outcome) -> list[str]:
    stages = zip(outcome.fault.stages, outcome.stages, strict=True)
    return [said for stage, results in stages for said in truth.surprises(stage, results)]


def _grouped(outcome: Outcome) -> dict[str, str]:
    """Return test -> its group; of tests that could not run, the incident that hides them."""
    return {test: group.masked_by or group.id for group in outcome.triage.groups for test in group.cases}


def _cause(outcome: Outcome, cause: Cause, own: list[Analysis], labelled: dict[str, str]) -> CauseJudged:
    tests = {test for test, name in labelled.items() if name == cause.name}
    grouped, commits = _grouped(outcome), outcome.happened.commits
    weights = {a.id: sum(grouped.get(test) == a.group for test in tests) for a in own}
    speaking = [a for a in own if weights[a.id]]
    best = max(speaking, key=lambda a: weights[a.id], default=None)
    offered = [(claim, (-depth, weights[a.id])) for a in speaking for depth, claim in enumerate(_offered(a))]
    right = [Candidate(merit, truth.names(claim, cause, commits)) for claim, merit in offered]
    placed = [(name, (-depth, weights[a.id])) for a in speaking for depth, name in enumerate(_services(outcome, a))]
    service = [Candidate(merit, name == cause.services[0]) for name, merit in placed]
    cited = [citation for why in best.whys for citation in why.citations] if best else []
    found = rank(right)
    return CauseJudged(
        fault=outcome.fault.id,
        cause=cause.name,
        said=f"{best.leaf.claim.type} {best.leaf.claim.subject}" if best else "nothing",
        rank=found,
        service_rank=rank(service),
        loud_rank=_loud(peers.loudest_services(outcome.bundle), cause.services[:1]),
        loud_file_rank=_loud(peers.loudest_files(outcome.bundle), cause.files[:1]),
        path=best is not None and truth.goes_through(best, cause, commits),
        supported=best is not None and truth.supported(best, outcome.bundle),
        relevant=sum(truth.relevant(c, outcome.bundle, cause, tests, commits) for c in cited),
        cited=len(cited),
        rejected=found == 1 and any(_decision(outcome, a) is Decision.REJECTED for a in speaking if a is best),
    )


def _offered(analysis: Analysis) -> list[Claim]:
    """Return what an analysis offers as a cause: where it ends, then what stands before that, then its rivals."""
    return [*(why.claim for why in reversed(analysis.whys)), *(rival.claim for rival in analysis.rivals)]


def _services(outcome: Outcome, analysis: Analysis) -> list[str]:
    """Return the services that an analysis is about, from where it ends; a path belongs to a build context."""
    found = []
    for claim in _offered(analysis):
        path = getattr(claim, "path", "") if claim.type in {"regressed_by", "code_defect"} else ""
        sources = outcome.bundle.manifest.sources
        owner = next((name for name, root in sources.items() if path.startswith(f"{root}/")), "")
        found += filter(None, [owner or str(getattr(claim, "service", ""))])
    return found


def _loud(counts: dict[str, int], wanted: tuple[str, ...]) -> int | None:
    return rank(Candidate((count,), name in wanted) for name, count in counts.items())


def _decision(outcome: Outcome, analysis: Analysis) -> Decision:
    return next(r.decision for r in outcome.reviews if r.analysis == analysis.id)


def _planted(outcome: Outcome) -> list[tuple[bool, Decision]]:
    """Pair what was planted with the decisions; both keep their order."""
    planted = [a for a in outcome.triage.analyses if a.author != AUTHOR]
    decisions = [_decision(outcome, analysis) for analysis in planted]
    return [(p.true, decision) for p, decision in zip(outcome.fault.planted, decisions, strict=False)]


def _states(outcome: Outcome, labelled: dict[str, str]) -> dict[str, bool]:
    """Tell for each cause with a history whether the group of most of its tests has one of the accepted states."""
    changes = {change.group: change.state for change in outcome.comparison.changes}
    grouped, found = _grouped(outcome), {}
    for name, accepted in outcome.fault.last.states.items():
        groups = [grouped.get(test, "") for test, cause in labelled.items() if cause == name]
        most = max(set(groups), key=groups.count, default="")
        found[name] = changes.get(most, "") in accepted
    return found


def _false_blame(outcome: Outcome, own: list[Analysis]) -> list[str]:
    """Return what is blamed and innocent: commits that no cause of this stage names."""
    commits = outcome.happened.commits
    signs = [s.fields.get("commit", "") for cause in outcome.fault.last.causes for s in cause.right]
    guilty = {commits[name[1:]] for name in signs if name}
    blamed = [a.leaf.claim for a in own if a.leaf.claim.type == "regressed_by"]
    known = {sha: name for name, sha in commits.items()}
    return [f"{known.get(c.commit, c.commit[:12])} {c.path}" for c in blamed if c.commit not in guilty]
