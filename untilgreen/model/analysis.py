"""Why tests fail: groups, chains of whys, what the review thinks of them, and causes over time."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from untilgreen.model.calibration import Calibration
from untilgreen.model.claims import Claim
from untilgreen.model.document import Document

MOST = 100
"""Citations of one why, and rivals of one analysis: each is looked up or judged, and nobody reads more."""


class Group(Document):
    """Failures that share one fingerprint."""

    id: str
    """From the key: stable across cycles."""
    key: str
    """What they share, in words."""
    cases: tuple[str, ...]
    """Node ids."""
    masked_by: str = ""
    """The incident's group id when these were not observable in this cycle."""


class Citation(Document):
    """A piece of evidence and the words in it that matter."""

    evidence: str
    quote: str = Field(max_length=400)
    """Verbatim from the item's text."""


class Why(Document):
    """One step towards the cause: a question, its answer, and a claim that can be checked."""

    number: int = Field(ge=1, le=9)
    question: str
    answer: str
    """Plain words; shown, never judged."""
    claim: Claim
    citations: tuple[Citation, ...] = Field(default=(), max_length=MOST)
    because: int | None = None
    """The number of the why that explains this one; None at the leaf."""


class Rival(Document):
    """Another explanation that was considered, and what speaks against it."""

    claim: Claim
    citations: tuple[Citation, ...] = Field(default=(), max_length=MOST)


class Analysis(Document):
    """One analyst's chain for one group."""

    id: str
    author: str
    group: str
    cases: tuple[str, ...]
    whys: tuple[Why, ...] = Field(min_length=1, max_length=9)
    rivals: tuple[Rival, ...] = Field(default=(), max_length=MOST)
    confidence: float = Field(default=0.5, ge=0, le=1)

    @property
    def leaf(self) -> Why:
        """Return the last why: the cause, or where the evidence stops."""
        return max(self.whys, key=lambda why: why.number)


class Triage(Document):
    """What step triage leaves behind."""

    groups: tuple[Group, ...]
    analyses: tuple[Analysis, ...]
    """From all analysts. One group may have several that disagree."""
    notes: tuple[str, ...] = ()
    """Which analyst failed, and why: the others were heard all the same."""


class Truth(StrEnum):
    """What the evidence says of a claim."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    CONTESTED = "contested"  # evidence on both sides
    UNPROVEN = "unproven"  # neither


class Decision(StrEnum):
    """What the review decides."""

    APPROVED = "approved"
    REJECTED = "rejected"
    NEEDS_HUMAN = "needs_human"


class Finding(Document):
    """One rule's result."""

    rule: str
    """For example `claim.resource_exhausted` or `fix.duplicate`."""
    truth: Truth
    message: str
    """Where, what, and what would help."""
    why: int | None = None
    evidence: tuple[str, ...] = ()
    """Ids of what was found; `path:line` for findings about code."""


class Review(Document):
    """The judgement on one analysis."""

    analysis: str
    author: str
    decision: Decision
    findings: tuple[Finding, ...]
    confidence: float = 0.0

    @property
    def against(self) -> tuple[Finding, ...]:
        """Return what speaks against it."""
        return tuple(f for f in self.findings if f.truth is not Truth.SUPPORTED)


class Reviews(Document):
    """What step review leaves behind."""

    reviews: tuple[Review, ...]
    calibration: Calibration = Calibration()
    """What was known when it judged: a replay must know the same."""

    def of(self, analysis: str) -> Review:
        """Return the review of an analysis.

        Raises:
            KeyError: nobody reviewed it.
        """
        for review in self.reviews:
            if review.analysis == analysis:
                return review
        raise KeyError(analysis)


class Fix(Document):
    """A change that somebody offers for one cause."""

    id: str
    """From the diff."""
    author: str
    title: str
    analysis: str
    """Which analysis it wants to make untrue."""
    breaks: str
    """`claim_type subject`: the why that it breaks."""
    diff: str
    """Unified, relative to the repository's root."""
    doubts: tuple[Finding, ...] = ()
    """What was noticed while it was made; the review adds its own."""


class FixReview(Document):
    """The judgement on one fix."""

    fix: str
    title: str
    analysis: str
    decision: Decision
    findings: tuple[Finding, ...]


class Offer(Document):
    """What the fixers offered and what the gate let through. Nothing is committed yet."""

    reviews: tuple[FixReview, ...] = ()
    fixes: tuple[Fix, ...] = ()
    """Approved, in the order of their commits; each was judged on the tree that those before it make."""
    undecided: tuple[Fix, ...] = ()
    """The gate asks a human about these; judged on the tree that `fixes` make. One at most for a cause."""
    passed_over: tuple[FixReview, ...] = ()
    """These do not apply to the tree as it is. That says nothing against them: they may be offered again."""
    evidence: dict[str, tuple[str, ...]] = {}
    """Fix id -> ids of the evidence that its analysis cites."""


class AppliedFix(Document):
    """A fix that became a commit."""

    fix: str
    title: str
    analysis: str
    breaks: str
    commit: str
    branch: str
    files: tuple[str, ...]


class Publication(Document):
    """One configured command after the commits were made: a push, a pull request."""

    what: Literal["push", "pull_request"]
    ok: bool
    said: str = ""
    """Its last words."""


class Fixes(Document):
    """What step fix leaves behind."""

    reviews: tuple[FixReview, ...]
    applied: tuple[AppliedFix, ...]
    commit: str
    """What the next cycle tests; the same as before when nothing was applied."""
    passed_over: tuple[FixReview, ...] = ()
    """Fixers that made nothing, and fixes that do not apply to the tree as it is."""
    published: tuple[Publication, ...] = ()


class Approval(Document):
    """Who said that the fixes of one cycle may be applied."""

    decision: Decision
    approver: str
    reason: str = ""
    way: str = ""
    """policy, settings, form, command or terminal."""
    hash: str = ""
    """Of the base and the diffs that were approved: nothing else may be applied."""
    base: str = ""
    """Full sha of the commit that they go on."""
    commit: str = ""
    """A commit that was used instead of what was offered."""
    signature: str = ""
    record: str = ""
    """Seal of its record in the audit log."""


class CauseState(StrEnum):
    """What became of a cause since the last cycle."""

    NEW = "new"
    PERSISTENT = "persistent"
    IMPROVED = "improved"  # fewer tests fail for it, and what no longer fails was executed
    RESOLVED = "resolved"  # gone, and its tests were executed and passed
    MASKED = "masked"  # could not be observed in this cycle
    REVEALED = "revealed"  # first seen now because something hid it before
    RECURRED = "recurred"  # was resolved, is back


class CauseChange(Document):
    """One cause across two cycles."""

    group: str
    key: str
    state: CauseState
    before: int
    """Failing tests in the cycle it was last observed in."""
    now: int | None
    """Failing tests now; None when masked."""
    note: str = ""
    was: str = ""
    """The group's id in the cycle before, when its fingerprint changed."""


class Comparison(Document):
    """What step compare leaves behind."""

    against: int | None
    """The cycle that it was compared with; None for the first."""
    changes: tuple[CauseChange, ...]
    pass_rate_before: float | None = None
    pass_rate: float | None = None
    """None when nothing was run: unobserved is not zero."""
