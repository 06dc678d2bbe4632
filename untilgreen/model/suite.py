"""What the user's tests did: the nouns of suite and prove."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from untilgreen.model.document import Document, Instant


class Outcome(StrEnum):
    """How one test ended. Each collected test has exactly one."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"  # set-up or teardown raised
    SKIPPED = "skipped"
    XFAILED = "xfailed"  # failed as its author expects
    XPASSED = "xpassed"  # passed though its author expects a failure
    NOT_RUN = "not_run"  # the run ended before its turn, and says why
    LOST = "lost"  # it started, and nobody knows how it ended

    @property
    def bad(self) -> bool:
        """Tell whether it asks for a cause."""
        return self in (Outcome.FAILED, Outcome.ERROR, Outcome.LOST)


class Frame(Document):
    """One line of a traceback."""

    path: str
    line: int
    function: str
    source: str = ""


class Failure(Document):
    """Why a test did not pass, as the client saw it."""

    phase: str
    """setup, call or teardown."""
    exception: str
    """The type's name at the root of the explicit `raise ... from` chain."""
    message: str
    """First line of the exception's text, at most 2,000 characters."""
    frames: tuple[Frame, ...] = ()
    """Outermost first; the user's own test code only."""
    text: str = ""
    """The report as pytest prints it, at most 20,000 characters."""


class Exchange(Document):
    """One request or WebSocket conversation that a test had, seen in the client."""

    client: str
    """The library: httpcore, websockets, http.client ..."""
    method: str
    """An HTTP method, or WS."""
    host: str
    """host:port."""
    path: str
    status: int | None
    """None when no answer came."""
    close_code: int | None = None
    latency_ms: float
    principal: str = ""
    """Keyed hash of the credentials; equal means the same caller, within one run."""
    phase: Literal["setup", "call", "teardown"] = "call"
    """Which part of the test had it: fixtures, the test itself, or their end."""
    checks: int = 0
    """Assertions about earlier answers that the test itself had made when it began."""
    received: int | None = None
    """Bytes that came from deployed hosts meanwhile, over any connection; None when nobody counted."""


class Sighting(Document):
    """What the witness saw while one test ran."""

    trace: str
    """32 hex digits, sent with every request of this test."""
    exchanges: tuple[Exchange, ...] = ()
    bytes_sent: int = 0
    """To the deployed hosts, counted by the kernel."""
    bytes_received: int = 0
    assertions: int = 0
    """Passed assertions that compare something that is not a constant."""
    early_assertions: int = 0
    """Those of them that fixtures made, or that passed before any answer came: they are not about what it asked."""
    constant_assertions: int = 0
    swallowed_assertions: int = 0
    """Failed assertions whose exception the test itself caught and let pass."""
    mocks: tuple[str, ...] = ()
    """Patched clients that were active."""


class Attempt(Document):
    """One execution of one test."""

    number: int
    outcome: Outcome
    started: Instant
    duration_s: float
    failure: Failure | None = None
    skip_reason: str = ""
    sighting: Sighting | None = None
    """None when no witness reported: then nothing is proven."""


class Result(Document):
    """One collected test and all its attempts."""

    nodeid: str
    outcome: Outcome
    reason: str = ""
    """Why it was skipped or not run; empty otherwise."""
    attempts: tuple[Attempt, ...] = ()

    @property
    def last(self) -> Attempt | None:
        """Return the attempt that decided."""
        return self.attempts[-1] if self.attempts else None


class SuiteRun(Document):
    """What step suite leaves behind. The results themselves lie beside it, one JSON line a test."""

    started: Instant
    finished: Instant
    ran: bool
    """False when the suite was not started because nothing healthy was there to test."""
    command: tuple[str, ...]
    python: str
    workers: int
    collected: int
    counts: dict[Outcome, int]
    exit_code: int | None
    gaps: tuple[str, ...] = ()
    """Each way in which this run is not complete, in words. Empty means complete."""
    whole: bool = False
    """Whether the run did all that it set out to do, and that was the whole suite, however much more was expected."""
    notes: tuple[str, ...] = ()
    """What a reader should know about how it ran, for example why failures were not run again."""
    results_file: str
    """Relative to the cycle's folder."""

    @property
    def complete(self) -> bool:
        """Tell whether every collected test finished and the runner agrees with itself."""
        return self.ran and not self.gaps

    def count(self, *outcomes: Outcome) -> int:
        """Return how many tests ended in one of these ways."""
        return sum(self.counts.get(outcome, 0) for outcome in outcomes)


class Reality(StrEnum):
    """What a passed test is worth."""

    REAL = "real"  # both sides saw it
    UNPROVEN = "unproven"  # something that would prove it is missing
    MOCKED = "mocked"  # answers came, but not over the network
    VACUOUS = "vacuous"  # it passes whatever the service answers


class Control(StrEnum):
    """What a negative control answers instead of the service."""

    ERROR = "error"  # 500
    EMPTY = "empty"  # 200 without a body
    SILENCE = "silence"  # nothing: the connection ends
    LATER_ERROR = "later_error"  # 500, once the test has logged in
    LATER_EMPTY = "later_empty"  # 200 without a body, once the test has logged in


FROM_THE_START = (Control.ERROR, Control.EMPTY, Control.SILENCE)
"""Controls that every test must fail under; the others are for tests that log in by themselves."""


class Trial(Document):
    """How one passed test behaved while the service was broken on purpose."""

    nodeid: str
    control: Control
    outcome: Outcome
    reached: bool
    """Whether the test met the broken answers and nothing else. When it did not, its outcome says nothing."""
    twin: str = ""
    """Node id of the test that was run in its place: the same function, which did the same with other parameters."""


class Proof(Document):
    """Whether one passed test was real, and every doubt about it."""

    nodeid: str
    reality: Reality
    doubts: tuple[str, ...] = ()
    requests: int = 0
    """Rows in the deployed revisions' own request log that carry this test's trace."""
    revisions: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    """Its negative controls, of this cycle or of an earlier one in which its files were the same."""


class ProofSummary(Document):
    """What step prove leaves behind. The proofs lie beside it, one JSON line a passed test."""

    counts: dict[Reality, int]
    doubts: dict[str, int] = {}
    """How often each doubt was raised."""
    request_rows: int
    """Rows that carry a passed test's trace on an expected revision."""
    log_complete: bool
    """Whether the request log was read to its end; without that nothing is proven."""
    proofs_file: str
    controlled: int = 0
    """Passed tests that every negative control has said something about, now or when their files were the same."""
    control_notes: tuple[str, ...] = ()
    """What a reader should know about the negative controls, for example why tests could not be controlled."""
