"""What was seen while the revisions were at work: tests, logs, requests, resources, health."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from untilgreen.model.document import Document, Instant, Window
from untilgreen.model.evidence.item import Item
from untilgreen.model.suite import Exchange, Failure, Frame, Outcome


class Stream(StrEnum):
    """Which log an entry came from. Only the platform writes `SYSTEM`: an application can forge its text."""

    STDOUT = "stdout"
    STDERR = "stderr"
    SYSTEM = "system"
    OTHER = "other"


class Earlier(Document):
    """An execution of a test before the one that decided."""

    number: int
    outcome: Outcome
    at: Instant
    duration_s: float
    trace: str = ""
    failure: Failure | None = None


class Case(Item):
    """A test that did not pass, or a passing one that something cites."""

    kind: Literal["case"] = "case"
    nodeid: str
    outcome: Outcome
    duration_s: float = 0.0
    trace: str = ""
    failure: Failure | None = None
    exchanges: tuple[Exchange, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    """Its executions on the same revision before this one, the first first."""

    @property
    def text(self) -> str:
        """Return the node id, the outcome and the failure, and how it ended before."""
        why = f": {self.failure.exception}: {self.failure.message}" if self.failure else ""
        before = f" (before: {', '.join(attempt.outcome for attempt in self.earlier)})" if self.earlier else ""
        return f"{self.nodeid} {self.outcome}{why}{before}"


class Raised(Document):
    """An exception found in a log entry."""

    exception: str
    message: str
    frames: tuple[Frame, ...] = ()
    """Outermost first, all of them; library frames too."""


class Entry(Item):
    """A log entry of a service or of the platform."""

    kind: Literal["entry"] = "entry"
    service: str
    revision: str
    stream: Stream
    severity: str
    message: str
    """The entry's payload as text; JSON payloads give their message, then the rest."""
    raised: Raised | None = None
    trace: str = ""
    insert_id: str
    log_name: str

    @property
    def text(self) -> str:
        """Return the message as it was logged."""
        return self.message


class Request(Item):
    """A row of the platform's request log."""

    kind: Literal["request"] = "request"
    service: str
    revision: str
    method: str
    path: str
    status: int
    latency_s: float
    trace: str = ""
    insert_id: str
    said: str = ""
    """What the platform wrote about a request that it answered itself; an application cannot write there."""

    @property
    def text(self) -> str:
        """Return `METHOD path -> status`."""
        return f"{self.method} {self.path} -> {self.status} by {self.revision}"


AT_LIMIT = 0.95
"""Share of a limit from which on it counts as reached."""


class Usage(Item):
    """How much of a resource the instances of a revision used, as the platform measured it."""

    kind: Literal["usage"] = "usage"
    service: str
    revision: str
    resource: str
    """memory, cpu or instances."""
    utilisation: float | None = None
    """Share of the limit, 0 to 1, that no sample was above; None when the limit is not known. Of cpu the mean of a
    period counts: a busy moment exhausts nothing."""
    least: float | None = None
    """Share that was certainly reached: the platform keeps memory in classes. None says nothing more."""
    peak: float | None = None
    """Most of it in its own unit, for those that are counted: instances."""
    samples: int = 0
    """How many were taken."""
    period_s: float = 0.0
    """How far apart the platform takes them; 0 when that is not known."""
    window: Window | None = None
    """From the first to the last sample."""
    full: tuple[Window, ...] = ()
    """When it was certainly at its limit. Empty with a share at the limit: at a time that nobody recorded."""

    @property
    def text(self) -> str:
        """Return the figure in words."""
        most = f"{self.utilisation:.0%} of its limit" if self.utilisation is not None else f"{self.peak or 0:g}"
        return " ".join(filter(None, [f"{self.revision} {self.resource} at most {most}", self._measured()]))

    def _measured(self) -> str:
        if not self.window or not self.samples:
            return ""
        start, end = (f"{at:%H:%M:%S}" for at in (self.window.start, self.window.end))
        return f"in {self.samples} samples from {start} to {end}, one every {self.period_s:g} s"


class HealthSeen(Item):
    """A health check that was made."""

    kind: Literal["health"] = "health"
    service: str
    url: str
    ok: bool
    status: int | None = None
    detail: str = ""

    @property
    def text(self) -> str:
        """Return the url and its answer."""
        return f"{self.url} -> {self.status} {self.detail}".strip()


class HealthSpan(Item):
    """Looks at a service's health, one after the other, that all had the same answer."""

    kind: Literal["health_span"] = "health_span"
    service: str
    url: str
    ok: bool
    status: int | None = None
    detail: str = ""
    """Of the first of them."""
    until: Instant
    """When the last of them was."""
    looks: int

    @property
    def text(self) -> str:
        """Return the url, its answer, and how long that was so."""
        answer = f"{self.url} -> {self.status} {self.detail}".strip()
        start = f"{self.at:%H:%M:%S}" if self.at else "?"
        return f"{answer} ({self.looks} looks from {start} to {self.until:%H:%M:%S})"


class Repeated(Item):
    """A request of a failing test that was made again, because the evidence did not tell why it failed."""

    kind: Literal["repeated"] = "repeated"
    service: str
    path: str
    """Without the query."""
    url: str
    status: int | None
    """None when nothing answered."""
    detail: str = ""
    asked_trace: str
    """What the request was made with; no test has it."""
    lines: tuple[str, ...] = ()
    """What was logged on that trace, each with its service."""

    @property
    def text(self) -> str:
        """Return the answer, and what was logged on its trace."""
        answer = f"GET {self.url} again -> {self.status or 'no answer'} {self.detail}".strip()
        return "\n".join([answer, *self.lines])
