"""Stop rules: each ends the loop for its own reason, and only for that."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from untilgreen.model.analysis import AppliedFix, Approval, Decision, Fixes, FixReview, Review, Reviews
from untilgreen.model.cycle import Color, Cycle, Stop, Verdict
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
