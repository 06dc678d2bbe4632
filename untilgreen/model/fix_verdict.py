"""What the next cycle says of a fix, and what was taken back because of it."""

from __future__ import annotations

from enum import StrEnum

from untilgreen.model.analysis import AppliedFix
from untilgreen.model.document import Document


class Effect(StrEnum):
    """What a fix turned out to do."""

    CONFIRMED = "confirmed"  # its signature is gone, and its tests passed on a revision that contains it
    INEFFECTIVE = "ineffective"  # its signature is still there, or has come back
    REGRESSED = "regressed"  # what passed before it fails with it, in every attempt
    UNPROVEN = "unproven"  # its signature is not seen, and the path was not exercised either


class FixVerdict(Document):
    """One applied fix, judged by one cycle. The newest verdict counts that is not unproven, if there is one."""

    fix: str
    title: str
    analysis: str
    claim: str
    """Type of the analysis' leaf: by it calibration counts."""
    breaks: str
    group: str
    """The group as it was called when the fix was made."""
    commit: str
    applied_in: int
    """Cycle after which it was committed."""
    judged_in: int
    effect: Effect
    reason: str
    evidence: tuple[str, ...] = ()
    """Node ids of the tests that decided, at most a few; then revisions that answered them."""


class FixVerdicts(Document):
    """What a cycle says of every fix that its commit should hold."""

    verdicts: tuple[FixVerdict, ...] = ()

    def of(self, effect: Effect) -> tuple[FixVerdict, ...]:
        """Return those with one effect."""
        return tuple(verdict for verdict in self.verdicts if verdict.effect is effect)


class RevertedFix(Document):
    """A fix that was taken back."""

    fix: str
    title: str
    reverts: str
    """The fix's commit."""
    commit: str
    """The commit that takes it back; empty when it could not be, and `reason` says why."""
    reason: str


class Undone(Document):
    """What was taken back after a cycle, and which subset of the suspects is tried next."""

    reverted: tuple[RevertedFix, ...] = ()
    reapplied: tuple[AppliedFix, ...] = ()
    """Suspects that are tried without the others."""
    quarantined: tuple[str, ...] = ()
    """Fixes that are never tried again."""
    waiting: tuple[tuple[AppliedFix, ...], ...] = ()
    """Subsets of the suspects that still have to be tried, taken back for now."""
    notes: tuple[str, ...] = ()
    commit: str
    """What the next cycle tests; the same as before when nothing was taken back."""
