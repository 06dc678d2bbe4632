"""True analyses that somebody spoiled: right about the cause, and not to be believed as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.faults.outcome import Outcome
from benchmarks.review_analyses.sample import Sample, chain, quote
from benchmarks.review_analyses.truths import Known, injected, known, leaves, symptom
from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Analysis, Citation
from untilgreen.model.evidence import Case, Entry, Item, Request
from untilgreen.model.suite import Outcome as Ended

Spoil = Callable[[Known, Analysis, Bundle], Analysis | None]
_LATE_S = 3.0
"""Later than the clocks differ."""


def other_cycle(cause: Known, analysis: Analysis, earlier: Bundle) -> Analysis | None:
    """Cite what the cycle before saw, word for word."""
    rows = [row for row in earlier.find(Request) if cause.outcome.bundle.get(row.id) is None]
    return _cited(analysis, quote(rows[0])) if rows else None


def one_digit_off(_cause: Known, analysis: Analysis, _earlier: Bundle) -> Analysis | None:
    """Cite an id with one digit changed."""
    first = next((c for why in analysis.whys for c in why.citations), None)
    if not first:
        return None
    last = "0" if first.evidence[-1] != "0" else "1"
    return _cited(analysis, first.model_copy(update={"evidence": first.evidence[:-1] + last}))


def on_a_laptop(_cause: Known, analysis: Analysis, _earlier: Bundle) -> Analysis | None:
    """Cite what was seen on somebody's own machine."""
    return _cited(analysis, Citation(evidence="entry-1ap70b000000", quote="1000 passed on my machine"))


def embellished(_cause: Known, analysis: Analysis, _earlier: Bundle) -> Analysis | None:
    """Quote words that the evidence nearly says."""
    first = next((c for why in analysis.whys for c in why.citations), None)
    return _cited(analysis, first.model_copy(update={"quote": first.quote.upper()})) if first else None


def passing_test(cause: Known, analysis: Analysis, _earlier: Bundle) -> Analysis | None:
    """Explain a test that passed along with those that failed."""
    passed = [c for c in cause.outcome.bundle.find(Case) if c.outcome is Ended.PASSED]
    return analysis.model_copy(update={"cases": (*analysis.cases, passed[0].nodeid)}) if passed else None


def goes_round(_cause: Known, analysis: Analysis, _earlier: Bundle) -> Analysis | None:
    """Let the cause be explained by its effect."""
    last = analysis.leaf.model_copy(update={"because": 1})
    return analysis.model_copy(update={"whys": (*analysis.whys[:-1], last)})


def stops_early(cause: Known, analysis: Analysis, _earlier: Bundle) -> Analysis | None:
    """Stop at what the test saw, and call that the cause."""
    first = analysis.whys[0].model_copy(update={"because": None})
    short = len(analysis.whys) < 2 or cause.mentions(first.claim)  # noqa: PLR2004 - one why has nothing to leave out
    return None if short else analysis.model_copy(update={"whys": (first,)})


def cause_too_late(cause: Known, _analysis: Analysis, _earlier: Bundle) -> Analysis | None:
    """Cite for the cause what happened after its effect was over."""
    leaf, seen = next(leaves(cause), None), symptom(cause)
    done = [c for c in cause.cases if c.at]
    items: list[Item] = [*cause.outcome.bundle.find(Entry), *cause.outcome.bundle.find(Request)]
    if not leaf or not seen or not done:
        return None
    over = done[0].at.timestamp() + done[0].duration_s + _LATE_S if done[0].at else 0.0
    late = [item for item in items if item.at and item.at.timestamp() > over and item.text.strip()]
    return chain("liar", (done[0].nodeid,), (seen[0], done[:1]), (leaf[0], late[-1:])) if late else None


SPOILS: tuple[Spoil, ...] = (
    other_cycle,
    one_digit_off,
    on_a_laptop,
    embellished,
    passing_test,
    goes_round,
    stops_early,
    cause_too_late,
)


def tampered(outcome: Outcome, earlier: Bundle) -> Iterator[Sample]:
    """Spoil a true analysis of each cause in each way, and give each cause's tests to the others."""
    causes = known(outcome)
    for cause in causes:
        told = [a for a in outcome.triage.analyses if cause.told(a)] or list(injected(cause))
        for spoil in SPOILS:
            if told and (spoilt := spoil(cause, told[0], earlier)):
                yield _sample(outcome, spoil.__name__, spoilt, "tampered")
        every = tuple(case.nodeid for other in causes for case in other.cases)
        if told and len(causes) > 1:
            claimed = told[0].model_copy(update={"cases": every})
            yield _sample(outcome, "explains_everything", claimed, told[0].leaf.claim.type)
        for other in causes:
            if told and other is not cause and other.named:
                swapped = told[0].model_copy(update={"cases": other.named})
                yield _sample(outcome, "somebody_elses_tests", swapped, told[0].leaf.claim.type)


def _sample(outcome: Outcome, way: str, analysis: Analysis, about: str) -> Sample:
    return Sample(fault=outcome.fault.id, true=False, way=way.replace("_", " "), about=(about,), analysis=analysis)


def _cited(analysis: Analysis, citation: Citation) -> Analysis:
    """Return an analysis that cites this first."""
    first = analysis.whys[0]
    whys = (first.model_copy(update={"citations": (citation, *first.citations)}), *analysis.whys[1:])
    return analysis.model_copy(update={"whys": whys})
