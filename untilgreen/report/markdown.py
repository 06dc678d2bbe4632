"""The loop as Markdown: for reviews, issues and step summaries. Strangers' text is escaped or fenced, never markup."""

from __future__ import annotations

from collections.abc import Iterator

from untilgreen.model.cycle import Cycle, Loop
from untilgreen.model.suite import Outcome
from untilgreen.report.details import Details
from untilgreen.report.effects import effects
from untilgreen.report.flakes import MOST, flakes
from untilgreen.report.identity import identities
from untilgreen.report.judgements import FixNote, Judgement, calibration, fix_notes, judgements
from untilgreen.report.rollouts import RolloutNote, cycle_notes, rollout_notes
from untilgreen.report.story import Chain, Thread, changes_of, kind, open_causes, place, threads
from untilgreen.report.summary import WORDS, ended, figures, headline, paragraph, pass_rate, remaining
from untilgreen.report.text import code, duration, fenced, many, markdown, moment, percent, short

_QUOTES = 3
"""Pieces of evidence shown with one why; the bundle has them all."""


def render_markdown(loop: Loop, details: Details = Details()) -> str:  # noqa: B008 - frozen, and holds nothing
    """Return the report of a loop.

    Args:
        loop: as far as it came.
        details: texts of evidence; quotes in the analyses need none.
    """
    sections = (
        _head,
        _green,
        _cycles,
        _causes,
        _flaky,
        _review,
        _fixes,
        _calibration,
        _identity,
        _rollouts,
        _remaining,
    )
    lines = [line for section in sections for line in (*section(loop, details), "")]
    return "\n".join(lines).rstrip() + "\n"


def cycle_table(cycles: tuple[Cycle, ...]) -> Iterator[str]:
    """Return a table of verdicts and counts, one row a cycle."""
    yield "| Cycle | Commit | Verdict | Pass rate | Passed | Failed | Other | Open causes |"
    yield "| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |"
    for cycle in cycles:
        suite = cycle.suite if cycle.suite and cycle.suite.ran else None
        bad = suite.count(*(o for o in Outcome if o.bad)) if suite else "-"
        passed = suite.count(Outcome.PASSED) if suite else "-"
        other = suite.collected - suite.count(Outcome.PASSED, *(o for o in Outcome if o.bad)) if suite else "-"
        causes = open_causes(cycle)
        yield (
            f"| {cycle.number} | {code(short(cycle.commit))} | {WORDS[cycle.verdict.color]} "
            f"| {percent(pass_rate(cycle))} | {passed} | {bad} | {other} | {'-' if causes is None else causes} |"
        )


def verdict_lines(cycle: Cycle) -> Iterator[str]:
    """Return the lines of green, each with its proof."""
    for line in cycle.verdict.lines:
        yield f"{line.number}. {'Holds' if line.holds else 'Does not hold'}: **{line.claim}**  "
        yield f"   {markdown(line.proof)}"


def change_lines(cycle: Cycle) -> Iterator[str]:
    """Return what became of each cause in a cycle."""
    for change in changes_of(cycle):
        now = "not observed" if change.now is None else f"{change.before} → {many(change.now, 'test')}"
        note = f" ({markdown(change.note)})" if change.note else ""
        yield f"- **{change.state}** {code(change.key)}: {now}{note}"


def _head(loop: Loop, _details: Details) -> Iterator[str]:
    yield f"# {headline(loop)}"
    yield ""
    end = f", finished {moment(loop.finished)}" if loop.finished else ""
    where = f"{code(loop.repository)} on {code(loop.branch)}"
    yield f"Loop {code(loop.id)} of {where}, started {moment(loop.started)}{end}."
    yield ""
    yield "## Executive summary"
    yield ""
    yield markdown(paragraph(loop), 2000)
    yield ""
    yield f"| {' | '.join(name for name, _ in figures(loop))} |"
    yield f"| {' | '.join('---:' for _ in figures(loop))} |"
    yield f"| {' | '.join(value for _, value in figures(loop))} |"


def _green(loop: Loop, _details: Details) -> Iterator[str]:
    yield "## Green, line by line"
    yield ""
    if loop.cycles:
        yield from verdict_lines(loop.cycles[-1])
    else:
        yield "No cycle was judged."


def _cycles(loop: Loop, _details: Details) -> Iterator[str]:
    yield "## Cycle by cycle"
    yield ""
    yield from cycle_table(loop.cycles)
    for cycle in loop.cycles:
        yield ""
        took = duration((cycle.finished - cycle.started).total_seconds())
        yield f"### Cycle {cycle.number}: {WORDS[cycle.verdict.color]}, {took}"
        yield ""
        yield from change_lines(cycle)
        yield from (f"- {markdown(note, 400)}" for note in (*effects(cycle), *cycle_notes(cycle)))
        if cycle.approval:
            reason = f": {markdown(cycle.approval.reason)}" if cycle.approval.reason else ""
            yield f"- Fixes {cycle.approval.decision.replace('_', ' ')} by {markdown(cycle.approval.approver)}{reason}"


def _causes(loop: Loop, details: Details) -> Iterator[str]:
    yield "## Causes"
    for thread in threads(loop):
        yield ""
        yield f"### {code(thread.key)}"
        yield ""
        story = "; ".join(f"cycle {n} {change.state}" for n, change in thread.changes)
        yield f"At most {many(thread.tests, 'failing test')}. {story[:1].upper()}{story[1:]}."
        yield ""
        yield from _ladder(thread, details)
    if not threads(loop):
        yield ""
        yield "No test failed, so there was nothing to explain."


def _ladder(thread: Thread, details: Details) -> Iterator[str]:
    chain = thread.chain
    if chain is None:
        yield "Nobody explained it."
        return
    author = markdown(chain.analysis.author)
    yield f"Explained by {author}, {chain.decision}, confidence {chain.analysis.confidence:.2f}."
    yield ""
    for why in sorted(chain.analysis.whys, key=lambda why: why.number):
        yield f"{why.number}. **{markdown(why.question)}** {markdown(why.answer)}"
        yield ""
        yield f"   *{kind(why.claim)}:* {code(place(why.claim))}{_truths(chain, why.number)}"
        yield ""
        for citation in why.citations[:_QUOTES]:
            text = citation.quote or details.text_of(citation.evidence) or ""
            yield f"   Evidence {code(citation.evidence)}:"
            yield ""
            yield from (f"   {line}" for line in fenced(text[:400]))
            yield ""


def _truths(chain: Chain, why: int) -> str:
    truths = sorted({finding.truth.value for finding in chain.findings(why)})
    return f" ({', '.join(truths)})" if truths else ""


def _flaky(loop: Loop, details: Details) -> Iterator[str]:
    found = flakes(loop, details)
    if not found:
        return
    yield "## Flaky tests"
    yield ""
    for flake in found[:MOST]:
        yield f"- cycle {flake.cycle}, {code(flake.nodeid)}: {' → '.join(markdown(a, 160) for a in flake.attempts)}"
    if len(found) > MOST:
        yield f"- and {len(found) - MOST} more, named in the JSON report"


def _review(loop: Loop, details: Details) -> Iterator[str]:
    yield "## SSOT validation"
    found = judgements(loop, details)
    for title, decision in (
        ("Approved", "approved"),
        ("Rejected", "rejected"),
        ("For a person to decide", "needs human"),
    ):
        chosen = [judgement for judgement in found if judgement.decision == decision]
        yield ""
        yield f"### {title}: {len(chosen)}"
        yield ""
        for judgement in chosen:
            yield from _judgement(judgement)


def _calibration(loop: Loop, _details: Details) -> Iterator[str]:
    records = calibration(loop).records
    if not records:
        return
    yield "## How often such claims were right"
    yield ""
    yield "A later cycle confirmed the fix, or found it without effect. Nobody may be surer than the last column."
    yield ""
    yield "| Claim | Right | Wrong | The next one, by Laplace | At most |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for r in records:
        yield f"| {code(r.claim)} | {r.right} | {r.wrong} | {percent(r.estimate)} | {percent(r.cap)} |"


def _judgement(judgement: Judgement) -> Iterator[str]:
    yield f"- Cycle {judgement.cycle}, {markdown(judgement.author)}: {judgement.kind}, {code(judgement.place)}"
    for reason in judgement.against:
        yield f"  - {code(reason.rule)} {reason.truth}: {markdown(reason.message)}"
        for name, text in reason.evidence:
            yield f"    - {code(name)} {code(text)}".rstrip()


def _fixes(loop: Loop, details: Details) -> Iterator[str]:
    yield "## Technical fixes deployed"
    for note in fix_notes(loop, details):
        yield ""
        yield from _fix(note)
    if not fix_notes(loop, details):
        yield ""
        yield "No fix was offered."


def _fix(note: FixNote) -> Iterator[str]:
    yield f"- **{note.decision}** in cycle {note.cycle}: {markdown(note.title)}"
    if note.commit:
        yield f"  - commit {code(short(note.commit))} on {code(note.branch)}: {', '.join(code(f) for f in note.files)}"
    if note.breaks:
        yield f"  - breaks {code(note.breaks)}"
    if note.effect:
        yield f"  - {markdown(note.effect, 600)}"
    if note.canonical and not note.commit:
        yield f"  - canonical function: {code(note.canonical)}"
    for reason in note.against:
        yield f"  - {code(reason.rule)} {reason.truth}: {markdown(reason.message)}"
        for name, text in reason.evidence:
            yield f"    - {code(name)} {code(text)}".rstrip()


def _identity(loop: Loop, _details: Details) -> Iterator[str]:
    yield "## Deployment identity"
    yield ""
    yield "| Cycle | Service | Status | Revision | Serving | Digest | Commit |"
    yield "| ---: | --- | --- | --- | --- | --- | --- |"
    for row in identities(loop):
        cells = (row.revision, row.serving, row.short_digest, short(row.commit))
        yield f"| {row.cycle} | {code(row.service)} | {row.status} | {' | '.join(code(c) or '-' for c in cells)} |"


def _rollouts(loop: Loop, _details: Details) -> Iterator[str]:
    for note in rollout_notes(loop):
        yield f"### What to know of cycle {note.cycle}'s rollout"
        yield ""
        yield from _rollout(note)
        yield ""


def _rollout(note: RolloutNote) -> Iterator[str]:
    for trouble in note.troubles:
        code_told = f" (exit code {trouble.exit_code})" if trouble.exit_code is not None else ""
        yield f"- {code(trouble.service)} {code(trouble.reason)}{code_told}: {markdown(trouble.message, 600)}"
        if trouble.last_words:
            yield ""
            yield from (f"  {line}" for line in fenced("\n".join(trouble.last_words)))
    yield from (f"- {markdown(text, 600)}" for text in (*note.ways_back, *note.notes))


def _remaining(loop: Loop, _details: Details) -> Iterator[str]:
    yield "## Remaining work"
    yield ""
    left = remaining(loop)
    for number, task in enumerate(left, start=1):
        yield f"{number}. **{markdown(task.subject)}** {f'({task.state})' if task.state else ''}  "
        yield f"   {markdown(task.action, 2000)}"
    if not left:
        yield f"Nothing. {ended(loop)}"
