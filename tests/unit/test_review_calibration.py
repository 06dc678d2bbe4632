"""Claims are trusted as far as claims of their type were right before, and few cases bind little."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.review_scene import START
from tests.unit.test_review_gate import SCENE, sound
from untilgreen.ledger import Ledger
from untilgreen.model.analysis import Decision
from untilgreen.model.calibration import Calibration, Record
from untilgreen.model.cycle import Loop
from untilgreen.model.fix_verdict import Effect, FixVerdict, FixVerdicts
from untilgreen.review.calibration import calibrate, experience
from untilgreen.review.gate import review

COUNT = st.integers(0, 200)


def verdict(fix: str, effect: Effect, cycle: int = 2, claim: str = "code_defect") -> FixVerdict:
    """Return what a cycle says of a fix."""
    return FixVerdict(
        fix=fix,
        title="t",
        analysis="a",
        claim=claim,
        breaks=f"{claim} x",
        group="g",
        commit="c" * 40,
        applied_in=1,
        judged_in=cycle,
        effect=effect,
        reason="because",
    )


def test_what_counts() -> None:
    """Confirmed is right, ineffective is wrong, and what regressed or was not exercised says nothing of the cause."""
    said = [verdict(effect.value, effect) for effect in Effect] + [verdict("x", Effect.CONFIRMED, claim="flaky")]
    assert calibrate(said).records == (
        Record(claim="code_defect", right=1, wrong=1),
        Record(claim="flaky", right=1),
    )


def test_the_newest_verdict_counts() -> None:
    """A cause that was confirmed and came back was not right."""
    said = [verdict("f", Effect.INEFFECTIVE, 5), verdict("f", Effect.CONFIRMED, 3)]
    assert calibrate(said).of("code_defect") == Record(claim="code_defect", wrong=1)


@pytest.mark.parametrize(
    ("record", "cap"),
    [
        (Record(claim="x"), 1.0),
        (Record(claim="x", right=5), 1.0),
        (Record(claim="x", wrong=1), 0.793),
        (Record(claim="x", right=1, wrong=3), 0.699),
        (Record(claim="x", right=10, wrong=30), 0.402),
    ],
)
def test_few_cases_bind_little(record: Record, cap: float) -> None:
    """The cap is what the record still allows: one failure lowers it a little, thirty of forty a lot."""
    assert record.cap == pytest.approx(cap, abs=0.001)


@given(right=COUNT, wrong=COUNT)
def test_the_cap_leaves_room(right: int, wrong: int) -> None:
    """The cap is never below the estimate's own share, never above 1, and more failures never raise it."""
    record = Record(claim="x", right=right, wrong=wrong)
    share = right / (right + wrong) if right + wrong else 0.0
    assert share <= record.cap <= 1
    assert 0 < record.estimate < 1
    assert Record(claim="x", right=right, wrong=wrong + 1).cap <= record.cap + 1e-12


@given(one=st.lists(COUNT, min_size=2, max_size=2), two=st.lists(COUNT, min_size=2, max_size=2))
def test_records_add_up(one: list[int], two: list[int]) -> None:
    """Two loops together know what each knows, in either order."""
    first = Calibration(records=(Record(claim="a", right=one[0], wrong=one[1]),))
    second = Calibration(records=(Record(claim="a", right=two[0], wrong=two[1]), Record(claim="b", right=1)))
    assert first.plus(second) == second.plus(first)
    assert first.plus(second).of("a").right == one[0] + two[0]
    assert first.plus(Calibration()) == first


def test_it_caps_and_decides_nothing() -> None:
    """A bad record lowers how sure the author may be, and leaves the decision to the evidence."""
    bad = Calibration(records=(Record(claim="code_defect", right=1, wrong=3),))
    judged = review(sound(), SCENE, bad)
    assert (judged.decision, judged.confidence) == (Decision.APPROVED, 0.699)
    assert review(sound(), SCENE, Calibration(records=(Record(claim="flaky", wrong=9),))) == review(sound(), SCENE)


def test_all_loops_are_remembered(tmp_path: Path) -> None:
    """What every loop in the folder learned is known, of this one only the cycles before."""
    for name in ("one", "two"):
        ledger = Ledger(tmp_path, name)
        ledger.open(Loop(id=name, started=START))
        for number, effect in ((1, Effect.CONFIRMED), (2, Effect.INEFFECTIVE)):
            ledger.open_cycle(number, "c")
            said = FixVerdicts(verdicts=(verdict(f"{name}-{number}", effect, number),))
            ledger.once(number, "judge", (), lambda said=said: said)
    assert experience(tmp_path, "two", 2).records == (Record(claim="code_defect", right=2, wrong=1),)
    assert experience(tmp_path / "empty", "two", 2).records == ()
