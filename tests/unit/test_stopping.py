"""Stop rules: each ends the loop for its own reason, and only for that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from untilgreen.model.analysis import (
    AppliedFix,
    Approval,
    CauseChange,
    CauseState,
    Comparison,
    Decision,
    Fixes,
    FixReview,
    Review,
    Reviews,
)
from untilgreen.model.cycle import Color, Cycle, Stop, Verdict
from untilgreen.model.fix_verdict import RevertedFix, Undone
from untilgreen.stopping import AFTER_FIXING, BEFORE_FIXING, Standing, ending

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
YES = Approval(decision=Decision.APPROVED, approver="ann")
NO = Approval(decision=Decision.REJECTED, approver="ann", reason="not tonight")
APPLIED = AppliedFix(fix="f", title="t", analysis="a", breaks="b", commit="c", branch="x", files=())


def judged(decision: Decision) -> FixReview:
    """Return a fix's review with this decision."""
    return FixReview(fix="f", title="t", analysis="a", decision=decision, findings=())


def cycle(color: Color = Color.RED, number: int = 1, decision: Decision | None = None) -> Cycle:
    """Return a cycle with this verdict and, if asked for, one analysis judged like this."""
    reviews = (Review(analysis="a", author="x", decision=decision, findings=()),) if decision else ()
    return Cycle(
        number=number,
        commit="c",
        started=NOON,
        finished=NOON,
        verdict=Verdict(color=color, lines=()),
        reviews=Reviews(reviews=reviews),
    )


def standing(**more: object) -> Standing:
    """Return where a loop of at most three cycles stands."""
    return Standing.model_validate({"cycle": cycle(), "max_cycles": 3, **more})


@pytest.mark.parametrize(
    ("where", "stop"),
    [
        (standing(cycle=cycle(Color.GREEN)), Stop.GREEN),
        (standing(cycle=cycle(number=3)), Stop.MAX_CYCLES),
        (standing(cycle=cycle(number=2)), None),
        (standing(cycle=cycle(Color.UNPROVEN)), None),
    ],
)
def test_before_fixing(where: Standing, stop: Stop | None) -> None:
    """Green ends a loop, and so does the last allowed cycle; unproven is not green."""
    found = ending(BEFORE_FIXING, where)
    assert (found and found.stop) == stop


@pytest.mark.parametrize(
    ("where", "stop"),
    [
        (standing(cycle=cycle(decision=Decision.REJECTED)), Stop.ALL_REJECTED),
        (standing(fixes=Fixes(reviews=(judged(Decision.REJECTED),), applied=(), commit="c")), Stop.ALL_REJECTED),
        (
            standing(fixes=Fixes(reviews=(judged(Decision.APPROVED),), applied=(), commit="c"), approval=NO),
            Stop.NOT_APPROVED,
        ),
        (standing(fixes=Fixes(reviews=(judged(Decision.APPROVED),), applied=(), commit="c")), Stop.WAITING),
        (standing(fixes=Fixes(reviews=(), applied=(), commit="c")), Stop.NO_FIX),
        (standing(fixes=Fixes(reviews=(), applied=(APPLIED,), commit="d"), approval=YES), None),
    ],
)
def test_after_fixing(where: Standing, stop: Stop | None) -> None:
    """A loop goes round again only when a fix was approved and applied; otherwise the reason is the true one."""
    found = ending(AFTER_FIXING, where)
    assert (found and found.stop) == stop


def changed(*states: CauseState, color: Color = Color.RED, number: int = 4) -> Cycle:
    """Return a cycle in which causes became this."""
    changes = tuple(CauseChange(group="g", key="k", state=state, before=2, now=1) for state in states)
    comparison = Comparison(against=1, changes=changes, pass_rate_before=0.5, pass_rate=0.5)
    return cycle(color, number).model_copy(update={"comparison": comparison})


@pytest.mark.parametrize(
    ("last", "stop"),
    [
        ([CauseState.PERSISTENT] * 3, Stop.NO_PROGRESS),
        ([CauseState.RESOLVED, CauseState.PERSISTENT, CauseState.MASKED], None),
        ([CauseState.PERSISTENT, CauseState.REVEALED, CauseState.RECURRED], None),
        ([CauseState.PERSISTENT] * 2, None),
    ],
)
def test_no_progress(last: list[CauseState], stop: Stop | None) -> None:
    """As many cycles as the settings say without anything resolved, improved or newly seen end a loop; fewer do not."""
    cycles = [changed(CauseState.NEW, number=1), *(changed(state, number=n) for n, state in enumerate(last, 2))]
    found = ending(BEFORE_FIXING, standing(cycle=cycles[-1], earlier=cycles[:-1], max_cycles=9))
    assert (found and found.stop) == stop


@pytest.mark.parametrize(
    ("limits", "stop"),
    [
        ({"minutes": 30}, Stop.TIME),
        ({"minutes": 31}, None),
        ({"budget": 5, "price_per_hour": 10}, Stop.COST),
        ({"budget": 5, "price_per_hour": 9}, None),
    ],
)
def test_time_and_money(limits: dict[str, float], stop: Stop | None) -> None:
    """Half an hour of a loop uses up thirty minutes, and half of what an hour costs."""
    found = ending(BEFORE_FIXING, standing(begun=NOON - timedelta(minutes=30), limits=limits))
    assert (found and found.stop) == stop


def test_what_cannot_be_tested_again_and_again() -> None:
    """Two broken cycles in a row end a loop; one does not, nor do two with a tested one between them."""
    broken, red = cycle(Color.BROKEN), cycle()
    assert ending(BEFORE_FIXING, standing(cycle=broken)) is None
    assert ending(BEFORE_FIXING, standing(cycle=broken, earlier=[broken, red])) is None
    found = ending(BEFORE_FIXING, standing(cycle=broken, earlier=[broken]))
    assert (found and found.stop) == Stop.BREAKER


def test_a_fix_that_cannot_be_taken_back() -> None:
    """A loop does not go on with a fix that made it worse."""
    stuck = RevertedFix(fix="f", title="t", reverts="c", commit="", reason="it conflicts")
    worse = cycle().model_copy(update={"undone": Undone(reverted=(stuck,), commit="c")})
    found = ending(BEFORE_FIXING, standing(cycle=worse))
    assert (found and found.stop) == Stop.REGRESSION
