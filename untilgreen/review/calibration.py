"""Counts what the cycles after say of the causes that were fixed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from untilgreen.ledger import loops
from untilgreen.model.calibration import Calibration, Record
from untilgreen.model.fix_verdict import Effect, FixVerdict, FixVerdicts


def calibrate(verdicts: Iterable[FixVerdict]) -> Calibration:
    """Return how often each type of claim was right in one loop.

    A confirmed fix shows that its analysis was right, an ineffective one speaks against it: whether the cause or the
    fix was wrong nobody can tell, and to whoever trusted it that is the same. What regressed says nothing of the
    cause; what was not exercised says nothing, and takes nothing back. The newest other verdict counts: what recurs
    was not right.
    """
    told = [verdict for verdict in verdicts if verdict.effect is not Effect.UNPROVEN]
    newest = {verdict.fix: verdict for verdict in sorted(told, key=lambda verdict: verdict.judged_in)}
    effects = [(verdict.claim, verdict.effect) for verdict in newest.values()]
    return Calibration(
        records=tuple(
            Record(
                claim=claim,
                right=effects.count((claim, Effect.CONFIRMED)),
                wrong=effects.count((claim, Effect.INEFFECTIVE)),
            )
            for claim in sorted(
                {claim for claim, effect in effects if effect in (Effect.CONFIRMED, Effect.INEFFECTIVE)}
            )
        )
    )


def experience(state: Path, loop: str, cycle: int) -> Calibration:
    """Return how often each type of claim was right: in all loops of a state folder, in this one before this cycle.

    Args:
        state: where all loops lie.
        loop: the one that runs.
        cycle: its cycle that is judged now.
    """
    known = Calibration()
    for ledger in loops(state):
        numbers = [number for number in ledger.cycles() if ledger.loop_id != loop or number < cycle]
        said = [verdicts for number in numbers if (verdicts := ledger.recall(number, FixVerdicts))]
        known = known.plus(calibrate(verdict for verdicts in said for verdict in verdicts.verdicts))
    return known
