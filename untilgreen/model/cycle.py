"""The whole: one cycle, the verdict on it, and the loop that they make."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from untilgreen.model.analysis import Approval, Comparison, Fixes, Reviews, Triage
from untilgreen.model.delivery import Health, Images, Rollback, Rollout
from untilgreen.model.document import Document, Instant
from untilgreen.model.evidence import Manifest
from untilgreen.model.fix_verdict import FixVerdicts, Undone
from untilgreen.model.retrospect import Retrospect
from untilgreen.model.suite import ProofSummary, SuiteRun


class Color(StrEnum):
    """The verdict on a cycle."""

    GREEN = "green"  # every line of green is proven
    RED = "red"  # a test fails
    BROKEN = "broken"  # deploy or health failed: nothing could be tested
    UNPROVEN = "unproven"  # nothing fails, and something that would prove it is missing


class Line(Document):
    """One line of what green means, with its proof."""

    number: int
    claim: str
    holds: bool
    proof: str


class Verdict(Document):
    """Green or not, line by line."""

    color: Color
    lines: tuple[Line, ...]


class Cycle(Document):
    """Everything that one cycle left behind. A step that was not reached is None."""

    number: int
    commit: str
    started: Instant
    finished: Instant
    images: Images | None = None
    rollout: Rollout | None = None
    health: Health | None = None
    rollback: Rollback | None = None
    suite: SuiteRun | None = None
    proof: ProofSummary | None = None
    manifest: Manifest | None = None
    triage: Triage | None = None
    reviews: Reviews | None = None
    comparison: Comparison | None = None
    retrospect: Retrospect | None = None
    fix_verdicts: FixVerdicts | None = None
    verdict: Verdict
    approval: Approval | None = None
    fixes: Fixes | None = None
    undone: Undone | None = None
    seconds: dict[str, float] = {}
    """Wall time of each step."""


class Stop(StrEnum):
    """Why a loop ended."""

    GREEN = "green"
    MAX_CYCLES = "max_cycles"
    TIME = "time"  # the minutes that the settings allow are over
    COST = "cost"  # so is the money
    NO_PROGRESS = "no_progress"  # nothing got better for some cycles
    BREAKER = "breaker"  # some cycles in a row could not even be tested
    REGRESSION = "regression"  # a fix made it worse and could not be taken back
    NO_FIX = "no_fix"  # nothing approved is left to try
    ALL_REJECTED = "all_rejected"  # every analysis or every fix was rejected
    NOT_APPROVED = "not_approved"
    WAITING = "waiting"  # a human has not answered yet
    INTERRUPTED = "interrupted"
    ERROR = "error"


class Loop(Document):
    """A loop, finished or not."""

    id: str
    started: Instant
    finished: Instant | None = None
    stop: Stop | None = None
    reason: str = ""
    repository: str = ""
    branch: str = ""
    cycles: tuple[Cycle, ...] = ()
    settings: dict[str, Any] = {}
    request: dict[str, Any] = {}
    """What it was asked for, so that it can go on."""


class Run(Document):
    """Where a step works: which loop, which cycle, which commit. Small enough for a Prefect parameter."""

    loop: str
    cycle: int
    commit: str
    root: str
    """The user's repository."""
    state: str
    """Where ledgers live."""
    endpoint: str = ""
    """host:port of the emulator; empty means Google Cloud."""
