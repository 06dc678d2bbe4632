"""The loop in a few sentences and figures, and what is left to do."""

from __future__ import annotations

from dataclasses import dataclass

from untilgreen.model.analysis import CauseState, Decision, Finding, Fixes, FixReview, Review, Truth
from untilgreen.model.claims import CodeDefect, Unknown
from untilgreen.model.cycle import Color, Cycle, Loop, Stop
from untilgreen.model.suite import Outcome
from untilgreen.report.story import Chain, Thread, kind, place, threads
from untilgreen.report.text import listing, many, one_line, percent, short

WORDS = {
    Color.GREEN: "Green",
    Color.RED: "Red",
    Color.BROKEN: "Broken",
    Color.UNPROVEN: "Unproven",
}

_ENDS = {
    Stop.GREEN: "Every line of green is proven.",
    Stop.MAX_CYCLES: "The allowed number of cycles is used up.",
    Stop.TIME: "The allowed time is used up.",
    Stop.COST: "The allowed money is used up.",
    Stop.NO_PROGRESS: "Nothing got better any more.",
    Stop.BREAKER: "The services could not be tested, again and again.",
    Stop.REGRESSION: "A fix made it worse and could not be taken back.",
    Stop.NO_FIX: "No approved fix is left to try.",
    Stop.ALL_REJECTED: "The review rejected everything that was offered.",
    Stop.NOT_APPROVED: "The fixes were not approved.",
    Stop.WAITING: "Fixes wait for somebody's approval.",
    Stop.INTERRUPTED: "The loop was interrupted.",
    Stop.ERROR: "The loop could not go on.",
    None: "The loop has not ended.",
}

_PROVE = {
    1: "Make every expected test run to its end, and write down a reason for each that is skipped.",
    2: "Make the tests that are not real reach the deployed service, and read its request log to the end.",
    3: "Roll out again until what serves is the image of the tested commit.",
    4: "Find out why the tests are flaky; a rerun that passes repairs nothing.",
    5: "Provide what is missing, then run again.",
}


@dataclass(frozen=True)
class Remaining:
    """One thing that is left, and what to do about it."""

    subject: str
    action: str
    state: str = ""


def headline(loop: Loop) -> str:
    """Return the outcome in one sentence."""
    if not loop.cycles:
        return "Nothing was tested"
    cycle = loop.cycles[-1]
    after = many(len(loop.cycles), "cycle")
    match cycle.verdict.color:
        case Color.GREEN:
            return f"Green after {after}"
        case Color.RED:
            return f"Red after {after}: {failing(cycle)}"
        case Color.BROKEN:
            return f"Broken after {after}: nothing could be tested"
    lines = [line.number for line in cycle.verdict.lines if not line.holds]
    return f"Unproven after {after}: {'line' if len(lines) == 1 else 'lines'} {listing([str(n) for n in lines])} open"


def failing(cycle: Cycle) -> str:
    """Return how many tests fail, of how many."""
    if cycle.suite is None or not cycle.suite.ran:
        return "the suite did not run"
    bad = cycle.suite.count(*(outcome for outcome in Outcome if outcome.bad))
    return f"{bad:,} of {many(cycle.suite.collected, 'test')} failing"


def ended(loop: Loop) -> str:
    """Return why the loop ended, in its own words where it has any."""
    if loop.stop is Stop.GREEN and not (loop.cycles and loop.cycles[-1].verdict.color is Color.GREEN):
        return "The loop was ended as green, and its last cycle does not prove it."
    said = one_line(loop.reason, 300)
    return f"{_ENDS[loop.stop][:-1]}: {said.rstrip('.')}." if said and loop.stop is not Stop.GREEN else _ENDS[loop.stop]


def paragraph(loop: Loop) -> str:
    """Return the story in a few sentences."""
    if not loop.cycles:
        return ended(loop)
    found = threads(loop)
    gone = sum(not thread.open for thread in found)
    first, last = loop.cycles[0], loop.cycles[-1]
    sentences = [f"It began on {short(first.commit)}: {failing(first)}."]
    if found:
        left = f"{len(found) - gone} not" if gone < len(found) else "none left"
        sentences.append(f"{many(len(found), 'cause').capitalize()} came to light: {gone} resolved, {left}.")
    applied, refused = _fixes(loop)
    if applied or refused:
        sentences.append(f"{many(applied, 'fix').capitalize()} applied, {refused} rejected.")
    if hidden := [str(c.number) for c in loop.cycles if c.verdict.color is Color.BROKEN]:
        cycles = f"cycle{'s' if len(hidden) > 1 else ''} {listing(hidden)}"
        sentences.append(f"In {cycles} nothing could be observed; what vanished there is not called resolved.")
    if len(loop.cycles) > 1:
        sentences.append(f"It ended on {short(last.commit)}: {failing(last)}.")
    return " ".join([*sentences, ended(loop)])


def figures(loop: Loop) -> list[tuple[str, str]]:
    """Return the few numbers that matter, each with its name."""
    found = threads(loop)
    reviews = [review for cycle in loop.cycles if cycle.reviews for review in cycle.reviews.reviews]
    rejected = sum(review.decision is Decision.REJECTED for review in reviews)
    applied, refused = _fixes(loop)
    ran = [cycle for cycle in loop.cycles if cycle.suite and cycle.suite.ran]
    tests = f"{ran[-1].suite.collected:,}" if ran and ran[-1].suite else "none"
    return [
        ("Cycles", str(len(loop.cycles))),
        ("Tests", tests),
        ("Pass rate", percent(pass_rate(loop.cycles[-1]) if loop.cycles else None)),
        ("Causes resolved", f"{sum(not t.open for t in found)} of {len(found)}"),
        ("Analyses rejected", f"{rejected} of {len(reviews)}"),
        ("Fixes rejected", f"{refused} of {applied + refused}"),
    ]


def pass_rate(cycle: Cycle) -> float | None:
    """Return passed tests by tests that were asked; None when none was run."""
    if cycle.comparison:
        return cycle.comparison.pass_rate
    if cycle.suite is None or not cycle.suite.ran:
        return None
    asked = cycle.suite.collected - cycle.suite.count(Outcome.SKIPPED, Outcome.XFAILED)
    return cycle.suite.count(Outcome.PASSED, Outcome.XPASSED) / asked if asked else None


def remaining(loop: Loop) -> list[Remaining]:
    """Return what is left to do, most pressing first; empty when the loop is green."""
    if not loop.cycles:
        return [Remaining("Nothing was tested", one_line(loop.reason) or "Run the loop.")]
    cycle = loop.cycles[-1]
    if cycle.verdict.color is Color.GREEN:
        return []
    waiting = [Remaining("The offered fixes", "Read the diffs; approve or reject them.", "waiting")]
    causes = [_cause(thread, cycle) for thread in threads(loop) if thread.open]
    lines = [
        Remaining(f"Line {line.number} of green: {line.proof}", _PROVE.get(line.number, ""), "open")
        for line in cycle.verdict.lines
        if not line.holds and not (causes and (line.number == 1 or cycle.verdict.color is Color.BROKEN))
    ]
    return [*(waiting if loop.stop is Stop.WAITING else []), *causes, *lines]


def _cause(thread: Thread, cycle: Cycle) -> Remaining:
    return Remaining(thread.key, _action(thread, cycle), thread.last.state.value)


def _action(thread: Thread, cycle: Cycle) -> str:
    """Recommend the next action for an open cause."""
    if thread.last.state is CauseState.MASKED:
        return f"Repair what hides it, then run again: {thread.last.note}."
    chain = thread.chain
    if chain is None:
        return "Nobody has explained it. Look at the evidence of one of its tests, and propose an analysis."
    if fix := next((fix for number, fix in thread.fixes if number == cycle.number), None):
        return f"Run another cycle: {fix.title} (commit {short(fix.commit)}) is committed and not tested yet."
    return _repair(thread) if chain.approved else _decide(chain)


def _decide(chain: Chain) -> str:
    """Recommend what to do about an explanation that the review did not let through."""
    problems = "; ".join(f.message for f in against(chain.review)) if chain.review else "nobody reviewed it"
    leaf = chain.analysis.leaf.claim
    if isinstance(leaf, Unknown):
        return f"Get what would decide it: {leaf.subject}."
    if chain.review and chain.review.decision is Decision.REJECTED:
        return f"Find another explanation; the review rejected this one: {problems}."
    return f"Let a person decide: {problems}."


def _repair(thread: Thread) -> str:
    chain = thread.chain
    if chain is None:
        raise AssertionError("only an explained cause is repaired")
    leaf = chain.analysis.leaf.claim
    steps = [f"Fix the {kind(leaf)}: {place(leaf)}."]
    if isinstance(leaf, CodeDefect):
        steps += [f"Call {leaf.canonical} as its siblings do."] if leaf.canonical else []
        steps += [f"The same defect is at {listing(list(leaf.siblings))}."] if leaf.siblings else []
    if thread.refused:
        _, refused = thread.refused[-1]
        steps.append(f"A fix was turned down ({refused.title}): {'; '.join(f.message for f in against(refused))}.")
    return " ".join(steps)


def against(review: FixReview | Review) -> list[Finding]:
    """Return the findings that speak against an analysis or a fix."""
    return [finding for finding in review.findings if finding.truth is not Truth.SUPPORTED]


def _fixes(loop: Loop) -> tuple[int, int]:
    """Count applied and rejected fixes."""
    steps: list[Fixes] = [cycle.fixes for cycle in loop.cycles if cycle.fixes]
    refused = sum(review.decision is Decision.REJECTED for fixes in steps for review in fixes.reviews)
    return sum(len(fixes.applied) for fixes in steps), refused
