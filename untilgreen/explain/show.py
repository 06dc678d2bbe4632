"""An explanation as plain lines for a terminal or a pipe. Whatever was logged is data: nothing in it acts on either."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from untilgreen.explain.explanation import Account, Change, Explanation, Line, Reason
from untilgreen.model.claims import CodeDefect
from untilgreen.model.evidence import Case
from untilgreen.model.suite import Outcome
from untilgreen.report.text import legible, many, one_line, short

_LONGEST = 12
"""Lines shown of one log entry: the first ones say what it is, the last ones how it ended."""
_HEAD = 3
_MARKS = re.compile(r"\s*[\^~][\s^~]*")
"""What Python draws under a line of a traceback: it tells nothing beside the line number."""
_DIFF = 24
_SIBLINGS = 10


def lines(found: Explanation) -> list[str]:
    """Return the explanation, one line each."""
    parts = (_head(found), _whys(found), _logged(found), _changed(found), _beside(found), _missing(found))
    return [line for part in parts for line in (*part, "")][:-1]


def _head(found: Explanation) -> Iterator[str]:
    case = found.case
    yield f"{one_line(case.nodeid, 300)}  {case.outcome}"
    where = f"cycle {found.cycle} of {found.loop}, commit {short(found.commit)}" if found.loop else ""
    yield from (f"  {text}" for text in (where, *_saw(case)) if text)
    if found.incident:
        yield f"  not observed in this cycle, because of: {one_line(found.incident.key)}"
    elif found.group:
        yield f"  cause: {one_line(found.group.key)}"


def _saw(case: Case) -> Iterator[str]:
    for before in case.earlier:
        why = f": {before.failure.exception}: {one_line(before.failure.message)}" if before.failure else ""
        yield f"attempt {before.number} before it {before.outcome}{why}"
    if case.failure:
        yield f"{case.failure.exception} in {case.failure.phase}: {one_line(case.failure.message, 300)}"
        for frame in case.failure.frames[-1:]:
            yield one_line(f"at {frame.path}:{frame.line}  {frame.source}", 300)
    for exchange in case.exchanges:
        closed = f", closed with {exchange.close_code}" if exchange.close_code else ""
        answer = exchange.status or "no answer"
        yield one_line(f"{exchange.method} {exchange.host}{exchange.path} -> {answer}{closed}", 300)


def _whys(found: Explanation) -> Iterator[str]:
    if not found.accounts:
        yield (
            "Why: nothing is explained." if found.case.outcome.bad else "It did not fail: there is nothing to explain."
        )
    for account in found.accounts:
        yield f"Why, by {one_line(account.author)} ({account.decision}, confidence {account.confidence:.2f})"
        yield from _chain(account)


def _chain(account: Account) -> Iterator[str]:
    for reason in account.reasons:
        why = reason.why
        yield f"  {why.number}. {one_line(why.question, 300)}  [{reason.truth}]"
        yield f"     {one_line(why.answer, 600)}"
        yield from (f"     {text}" for text in _grounds(reason))


def _grounds(reason: Reason) -> Iterator[str]:
    claim = reason.why.claim
    if isinstance(claim, CodeDefect) and claim.siblings:
        yield one_line(f"the same at {', '.join(claim.siblings)}", 600)
    for citation in reason.why.citations:
        yield f'{citation.evidence}  "{one_line(citation.quote, 300)}"'


def _logged(found: Explanation) -> Iterator[str]:
    if not found.case.trace:
        ran = found.case.outcome is not Outcome.NOT_RUN
        yield "Logged: nobody knows; the test sent no trace." if ran else "Logged: nothing, for it did not run."
        return
    services = len({line.service for line in found.lines})
    yield f"Logged on trace {found.case.trace}: {many(len(found.lines), 'line')} of {many(services, 'service')}"
    width = max((len(line.service) for line in found.lines), default=0)
    for line in found.lines:
        yield from _entry(line, width)
    if any(line.only_failing for line in found.lines):
        yield "  ! no passing test has a line like this"


def _entry(line: Line, width: int) -> Iterator[str]:
    at = f"{line.at:%H:%M:%S.%f}"[:-3] if line.at else "no time     "
    what = f"{line.source} {line.severity}".replace("DEFAULT", "").strip()
    text = _cut(
        [row for row in legible(line.text).rstrip("\n").split("\n") if not _MARKS.fullmatch(row)] or [""], _LONGEST
    )
    mark = "!" if line.only_failing else " "
    yield f"{mark} {at}  {one_line(line.service):<{width}}  {what:<14}  {text[0][:500]}"
    yield from (f"{'':{width + 34}}{more[:500]}" for more in text[1:])


def _cut(text: list[str], most: int) -> list[str]:
    """Leave out the middle of what is too long, and say how much."""
    if len(text) <= most:
        return text
    tail = most - _HEAD - 1
    return [*text[:_HEAD], f"... {many(len(text) - _HEAD - tail, 'line')} left out ...", *text[-tail:]]


def _changed(found: Explanation) -> Iterator[str]:
    if found.accounts and not found.changes:
        yield "Changed: nothing that the chain rests on."
    for change in found.changes:
        yield f"Changed by {short(change.commit)} {one_line(change.subject)} ({one_line(change.author)})"
        yield f"  {one_line(change.path)}:{change.line}"
        yield from (f"  {text}" for text in _cut(list(_diff(change)), _DIFF))


def _diff(change: Change) -> Iterable[str]:
    yield from (f"-{_code(text)}" for text in change.removed)
    yield from (f"+{_code(text)}" for text in change.added)


def _code(text: str) -> str:
    """Keep the indentation of a line of source."""
    return legible(text).replace("\n", " ")[:500]


def _beside(found: Explanation) -> Iterator[str]:
    if not found.siblings:
        yield "No other test fails for it."
        return
    yield f"{many(len(found.siblings), 'other test')} of the same cause"
    yield from (f"  {one_line(nodeid, 300)}" for nodeid in found.siblings[:_SIBLINGS])
    if len(found.siblings) > _SIBLINGS:
        yield f"  and {len(found.siblings) - _SIBLINGS} more"


def _missing(found: Explanation) -> Iterator[str]:
    for gap in found.gaps:
        yield f"Not collected completely: {one_line(gap, 300)}"
