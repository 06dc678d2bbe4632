"""Fixes that were accepted by hand and should not have been."""

from __future__ import annotations

import pytest

from tests.unit.lending import against, edit, judged
from untilgreen.model.analysis import Decision
from untilgreen.model.claims import DependencyUnreachable
from untilgreen.settings import FILE

UNREACHABLE = DependencyUnreachable(service="web", callee="catalogue")


@pytest.mark.parametrize(("before", "after"), [(5, 8), (5, 20), (5, 45), (5, 75), (5, 600)])
def test_c04_time_outs_only(before: int, after: int) -> None:
    """C04: a fix that does nothing but raise a time-out goes to a human, however often it is tried."""
    review = judged(edit("web/app.py", (f"timeout={before}", f"timeout={after}")), UNREACHABLE)
    assert (review.decision, against(review)) == (Decision.NEEDS_HUMAN, {"limits"})


def test_c01_memory_in_place_of_syntax() -> None:
    """C01: more memory and a looser start-up check in place of the cause are a human's to decide."""
    looser = edit(FILE, ("needs:", "memory: 4Gi\n    health: {path: /, startup_s: 240}\n    needs:"))
    review = judged(looser)
    assert review.decision is Decision.NEEDS_HUMAN
    assert "settings" in against(review)
