"""Who is told what, and when: on change only, each change once, also after a restart.

    told, sent = tell(standing(loop, None, scope), told_before, courier, link)

Texts of logs are data: they come on one line, bounded, and without what a messenger takes for markup or a mention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from untilgreen.approval.request import ApprovalRequest, asked_about
from untilgreen.model.analysis import CauseState
from untilgreen.model.cycle import Color, Cycle, Loop, Stop
from untilgreen.model.notice import Notice, NoticeKind, Told
from untilgreen.ports import Courier
from untilgreen.report.text import many, one_line

REASON = 300
"""Characters of a reason: what a telephone shows without a tap."""
_CAUSES = 3
"""So many are named; the report names all."""
_BADNESS = {None: 0, Color.GREEN: 0, Color.UNPROVEN: 1, Color.RED: 2, Color.BROKEN: 2}
_MARKUP = str.maketrans({"<": "(", ">": ")", "@": "(at)", "`": "'", "[": "(", "]": ")", "*": "•", "~": "-", "|": "/"})


def plain(text: str, limit: int = REASON) -> str:
    """Return strangers' text so that no messenger makes a link, a mention or markup of it."""
    return one_line(one_line(text, limit).translate(_MARKUP).replace("://", ": //"), limit)


def standing(loop: Loop, request: ApprovalRequest | None, scope: str) -> Told:
    """Return where a loop stands.

    Args:
        loop: as far as it came.
        request: what a person is asked at this moment, if anything.
        scope: project, region and focus.
    """
    cycle = loop.cycles[-1] if loop.cycles else None
    return Told(
        scope=scope,
        color=cycle.verdict.color if cycle else None,
        causes=_causes(cycle),
        asked=f"{request.hash} {request.attempt}" if request else "",
        stop=str(loop.stop or ""),
    )


def notices(before: Told, now: Told, reason: str = "", link: str = "") -> tuple[Notice, ...]:
    """Return what is news between two moments; the same moment twice gives nothing.

    Args:
        before: where things stood when somebody was last told.
        now: where they stand.
        reason: why, in words, for a question or an end.
        link: to the run in the Prefect UI.
    """
    return tuple(
        Notice(kind=kind, title=f"untilgreen {plain(now.scope, 120)}: {kind}", reason=plain(why), link=link)
        for rule in RULES
        for kind, why in rule(before, now, reason)
    )


def after(before: Told, now: Told) -> Told:
    """Return what is remembered: a moment at which nothing was observed changes nothing that is known."""
    known = before if now.color is None else now
    same = (known.color, known.causes) == (before.color, before.causes)
    return now.model_copy(
        update={
            "color": known.color,
            "causes": known.causes,
            "asked": now.asked or before.asked,
            "stop": now.stop or (before.stop if same else ""),
            "undelivered": before.undelivered,
        }
    )


def tell(
    before: Told, now: Told, courier: Courier, say: Callable[[str], None], *, reason: str = "", link: str = ""
) -> Told:
    """Send what is news. A notice that cannot be delivered is said once, and changes nothing else.

    Returns:
        What is to be remembered.
    """
    trouble = [why for notice in notices(before, now, reason, link) for why in courier.deliver(notice)]
    fresh = [why for why in dict.fromkeys(trouble) if why not in before.undelivered]
    for why in fresh:
        say(f"a notice was not delivered: {why}")
    remembered = after(before, now)
    return remembered.model_copy(update={"undelivered": (*before.undelivered, *fresh)})


News = Iterator[tuple[NoticeKind, str]]


def first_red(before: Told, now: Told, _reason: str) -> News:
    """It was green, or nothing was known, and is not green; or what was unproven fails."""
    if _BADNESS[now.color] > _BADNESS[before.color]:
        yield NoticeKind.FIRST_RED, f"{now.color}: {_named(now.causes) or 'the report says why'}"


def new_cause(before: Told, now: Told, _reason: str) -> News:
    """It was not green already, and something else fails as well."""
    fresh = tuple(cause for cause in now.causes if cause not in before.causes)
    if fresh and 0 < _BADNESS[now.color] <= _BADNESS[before.color]:
        yield NoticeKind.NEW_CAUSE, _named(fresh)


def approval_wanted(before: Told, now: Told, reason: str) -> News:
    """A person is asked something that was not asked before."""
    if now.asked and now.asked != before.asked:
        yield NoticeKind.APPROVAL, reason


def green(before: Told, now: Told, _reason: str) -> News:
    """Everything is proven, and was not before."""
    if now.color is Color.GREEN and before.color is not Color.GREEN:
        yield NoticeKind.GREEN, "every test is proven"


def stopped(before: Told, now: Told, reason: str) -> News:
    """The loop ended short of green, and not as it did the last time with the same causes."""
    news = now.stop != before.stop or (now.color is not None and now.causes != before.causes)
    if now.stop not in {"", Stop.GREEN} and news:
        yield NoticeKind.STOPPED, f"{now.stop}: {reason}"


RULES = (first_red, new_cause, approval_wanted, green, stopped)
"""Asked in this order; each gives one notice or none."""


def asks(request: ApprovalRequest) -> str:
    """Return what a person is asked, in words."""
    fixes = asked_about(request.offer)
    titles = "; ".join(fix.title for fix in fixes)
    return f"{many(len(fixes), 'fix')} until {request.until:%Y-%m-%d %H:%M} UTC: {titles}"


def _causes(cycle: Cycle | None) -> tuple[str, ...]:
    changes = cycle.comparison.changes if cycle and cycle.comparison else ()
    return tuple(sorted({change.key for change in changes if change.state is not CauseState.RESOLVED}))


def _named(causes: tuple[str, ...]) -> str:
    shown = "; ".join(plain(cause, REASON // 4) for cause in causes[:_CAUSES])
    more = f"; and {len(causes) - _CAUSES} more" if len(causes) > _CAUSES else ""
    return f"{many(len(causes), 'cause')}: {shown}{more}" if causes else ""
