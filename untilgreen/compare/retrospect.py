"""What compare tells of a cycle over all cycles and over earlier loops."""

from __future__ import annotations

from pathlib import Path

from untilgreen.compare.ages import trace
from untilgreen.compare.condition import condition
from untilgreen.compare.jumps import jumps
from untilgreen.compare.memory import Memory, measure, observe, remember, sight
from untilgreen.compare.observed import Observed
from untilgreen.ledger import Ledger
from untilgreen.model.delivery import Health
from untilgreen.model.retrospect import Jump, Retrospect, Sight, Value
from untilgreen.model.suite import ProofSummary, Reality
from untilgreen.settings import SuiteSettings, ValueSettings
from untilgreen.value.account import account


def look_back(state: Path, ledger: Ledger, now: Observed, suite: SuiteSettings, value: ValueSettings) -> Retrospect:
    """Hold a cycle against all before it, of this loop and of earlier ones.

    Args:
        state: the folder that holds all loops.
        ledger: of this loop; the cycle's steps up to compare are in it.
        now: what the cycle saw.
        suite: settings of the tested commit: what is expected.
        value: settings of the tested commit: what it is worth.
    """
    seen = sight(ledger, now.number)
    if seen is None:
        raise AssertionError("a cycle that is compared was opened")
    memory = remember(state, seen)
    last = memory.last()
    causes, closed = trace(memory.known(), now, [last] if last else [], seen)
    real = _real(ledger, now.number)
    return Retrospect(
        causes=causes,
        closed=closed,
        jumps=_jumps(memory, ledger, now.number),
        value=account(
            value,
            now.results if now.ran else (),
            real or {},
            seen,
            _first(ledger, now.number),
            features=suite.features,
        ),
        health=condition(
            now.by_test if now.ran else None,
            real,
            ledger.recall(now.number, Health),
            causes,
            suite.minimum,
        ),
        notes=tuple(memory.notes),
    )


def _real(ledger: Ledger, number: int) -> dict[str, tuple[str, ...]] | None:
    """Return the tests that are proven real; None when the proof could not read what it needs."""
    summary = ledger.recall(number, ProofSummary)
    if summary is None or not summary.log_complete:
        return None
    return {proof.nodeid: proof.revisions for proof in ledger.proofs(number) if proof.reality is Reality.REAL}


def _jumps(memory: Memory, ledger: Ledger, number: int) -> tuple[Jump, ...]:
    measured = measure(ledger, number)
    return jumps(measured, memory.figures()) if measured else ()


def _first(ledger: Ledger, number: int) -> Value | None:
    """Return the value ledger of this loop's first cycle that has one."""
    kept = (ledger.recall(earlier, Retrospect) for earlier in range(1, number))
    return next((told.value for told in kept if told and told.value), None)


def retrospect_of(ledger: Ledger, number: int) -> tuple[Retrospect, Sight] | None:
    """Return what a cycle tells, made anew for a ledger of an older version; None when it did not come so far."""
    seen = sight(ledger, number)
    told = ledger.recall(number, Retrospect)
    if told is None and seen and (now := observe(ledger, number)):
        told = look_back(ledger.folder.parents[1], ledger, now, *_settings(ledger))
    return (told, seen) if told and seen else None


def _settings(ledger: Ledger) -> tuple[SuiteSettings, ValueSettings]:
    """Return what a loop began with, as far as it is needed here: older versions knew other settings."""
    loop = ledger.asked()
    kept = loop.settings if loop else {}
    return SuiteSettings.model_validate(kept.get("suite", {})), ValueSettings.model_validate(kept.get("value", {}))
