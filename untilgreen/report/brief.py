"""One cycle in few words: for a terminal, and for a Prefect artifact."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.model.analysis import Decision
from untilgreen.model.cycle import Cycle
from untilgreen.model.suite import Outcome
from untilgreen.report.effects import effects
from untilgreen.report.markdown import change_lines, cycle_table, verdict_lines
from untilgreen.report.story import Chain, chains_of, changes_of, kind, place
from untilgreen.report.summary import WORDS, against
from untilgreen.report.text import code, many, markdown, one_line, short


def render_cycle(cycle: Cycle) -> str:
    """Return a short Markdown text about one cycle."""
    lines = [f"# Cycle {cycle.number}: {WORDS[cycle.verdict.color]}", "", *cycle_table((cycle,)), ""]
    lines += [*verdict_lines(cycle), ""]
    if changes := list(change_lines(cycle)):
        lines += ["## Causes", "", *changes, ""]
    if rejected := [f"- {markdown(text, 1000)}" for text in _rejected(cycle)]:
        lines += ["## Rejected", "", *rejected, ""]
    if told := [f"- {markdown(text, 600)}" for text in effects(cycle)]:
        lines += ["## Fixes of earlier cycles", "", *told, ""]
    if cycle.fixes and cycle.fixes.applied:
        lines += ["## Applied", "", *(f"- {markdown(f.title)} {code(short(f.commit))}" for f in cycle.fixes.applied)]
    return "\n".join(lines).rstrip() + "\n"


def summary_lines(cycle: Cycle) -> list[str]:
    """Return plain lines for a terminal: counts, causes, what was rejected and why, the verdict."""
    lines = [_counts(cycle), *_causes(cycle), *_rejected(cycle), *effects(cycle)]
    applied = cycle.fixes.applied if cycle.fixes else ()
    lines += [f"fix applied: {fix.title} (commit {short(fix.commit)}: {', '.join(fix.files)})" for fix in applied]
    missing = [f"line {line.number} does not hold: {line.proof}" for line in cycle.verdict.lines if not line.holds]
    return [one_line(line, 500) for line in (*lines, f"verdict: {cycle.verdict.color}", *missing)]


def _counts(cycle: Cycle) -> str:
    suite = cycle.suite
    if suite is None or not suite.ran:
        return f"cycle {cycle.number}, commit {short(cycle.commit)}: the suite did not run"
    counts = [f"{suite.count(o):,} {o.replace('_', ' ')}" for o in Outcome if suite.count(o)]
    return f"cycle {cycle.number}, commit {short(cycle.commit)}: {many(suite.collected, 'test')}, {', '.join(counts)}"


def _causes(cycle: Cycle) -> Iterator[str]:
    chains = {chain.analysis.group: chain for chain in reversed([*chains_of(cycle)])}
    chains |= {chain.analysis.group: chain for chain in chains_of(cycle) if chain.approved}
    for change in changes_of(cycle):
        now = "not observed" if change.now is None else str(change.now)
        yield f"{change.state}: {change.key} ({change.before} -> {now}){_leaf(chains.get(change.group))}"


def _leaf(chain: Chain | None) -> str:
    if chain is None:
        return ""
    leaf = chain.analysis.leaf.claim
    return f": {kind(leaf)}, {place(leaf)} ({chain.decision})"


def _rejected(cycle: Cycle) -> Iterator[str]:
    for chain in chains_of(cycle):
        if chain.review and chain.review.decision is Decision.REJECTED:
            leaf, why = chain.analysis.leaf.claim, "; ".join(f"{f.rule}: {f.message}" for f in against(chain.review))
            yield f"analysis rejected: {kind(leaf)}, {place(leaf)}, by {chain.analysis.author}: {why}"
    for review in cycle.fixes.reviews if cycle.fixes else ():
        if review.decision is Decision.REJECTED:
            yield f"fix rejected: {review.title}: {'; '.join(f'{f.rule}: {f.message}' for f in against(review))}"
