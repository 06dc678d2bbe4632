"""The platform: services, secrets, logs, and what answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from untilgreen.model.delivery import HealthCheck, RevisionState, SecretBinding, SecretStatus, ServiceState, Template
from untilgreen.model.document import Document, Instant, Window
from untilgreen.model.evidence import Entry, Request


class Services(Protocol):
    """Cloud Run's services and revisions."""

    def get(self, service: str) -> ServiceState | None:
        """Return the service, or None when there is none of that name."""

    def apply(self, template: Template, revision: str, tag: str = "") -> ServiceState:
        """Create or update a service so that it has a revision of this name, and wait until that is decided.

        Args:
            template: what the revision is made of.
            revision: its name.
            tag: empty gives it all the traffic; else it gets none and answers under a URL of its own, as long as
                another revision serves.

        Returns:
            The state after the platform has decided, ready or not.

        Raises:
            CloudUnavailable: a transient fault, after retries.
            RolloutFailed: the platform refuses the request itself.
        """

    def route(self, service: str, revision: str) -> ServiceState:
        """Give all traffic to a revision that is there, and wait until that is decided; no revision is made.

        Returns:
            The state after the platform has decided. Unless it is the newest one, the traffic is pinned to it.

        Raises:
            CloudUnavailable: a transient fault, after retries.
            RolloutFailed: the platform refuses the request itself.
        """

    def revision(self, service: str, name: str) -> RevisionState | None:
        """Return a revision, or None."""


class Redaction(Protocol):
    """Takes secrets out of text. What it knows of their values never leaves it."""

    def scrub(self, text: str) -> str:
        """Return free text without known values and without whatever looks like a credential."""

    def scrub_all(self, texts: Sequence[str]) -> list[str]:
        """Return many texts, each as `scrub` does."""

    def mask(self, text: str) -> str:
        """Return text whose form must stay, such as a name or a document, without known values."""


class Secrets(Protocol):
    """Secret Manager. No value ever comes out of it."""

    def check(self, service: str, binding: SecretBinding, account: str) -> SecretStatus:
        """Tell what is known about a binding: the platform's side always, the value's if it may be read."""

    def alike(self, bindings: Sequence[SecretBinding]) -> bool | None:
        """Tell whether all of these give the same value; None when one cannot be read."""

    def redaction(self, bindings: Sequence[SecretBinding]) -> Redaction:
        """Return what masks the values of these, as far as they can be read."""


class LogQuery(Document):
    """Which part of the log is wanted."""

    services: tuple[str, ...]
    window: Window
    traces: tuple[str, ...] = ()
    """Only rows of these, 32 hex digits each; empty means all. More than 200 do not fit into one question."""
    revisions: tuple[str, ...] = ()
    """Only rows of these; empty means all."""
    part: Literal["all", "requests", "entries"] = "all"
    """The request log, or everything but it, or both."""
    alarming: bool = False
    """Only errors, what went to stderr, and what the platform itself says."""
    most: int = 0
    """Rows after which reading stops and says so; 0 leaves that to the reader."""


class LogPage(Document):
    """Rows and whether there are more of them than came."""

    entries: tuple[Entry, ...]
    requests: tuple[Request, ...]
    complete: bool
    gap: str = ""


class Logs(Protocol):
    """Cloud Logging."""

    def read(self, query: LogQuery) -> LogPage:
        """Read everything that these services and the platform logged about them in the window."""

    def settled(self, query: LogQuery, traces: frozenset[str], patience_s: float) -> bool:
        """Wait until the request log holds a row for each of these traces, or patience ends."""


class UsageSample(Document):
    """What the instances of a revision used of one resource over one period."""

    service: str
    revision: str
    resource: Literal["memory", "cpu", "instances"]
    start: Instant
    at: Instant
    """The period's end."""
    low: float
    """What the highest value in it reached at least: a share of the limit; of instances, how many there were."""
    high: float
    """What no value in it was above: the platform keeps values in classes."""
    mean: float


class UsagePage(Document):
    """Samples, and how they come in."""

    samples: tuple[UsageSample, ...]
    period_s: float
    """How far apart the platform takes them."""
    delay_s: float
    """How much later one is seen, at worst."""
    complete: bool
    gap: str = ""


class Metrics(Protocol):
    """Cloud Monitoring."""

    def usage(self, services: Sequence[str], window: Window) -> UsagePage:
        """Read what every revision of these services used of memory, cpu and instances, as far as it is seen now.

        Raises:
            CloudUnavailable: a transient fault, after retries.
        """


class Probe(Protocol):
    """Asks a service how it is."""

    def check(self, service: str, url: str, trace: str = "") -> HealthCheck:
        """Ask once. Never raises: no answer is an answer.

        Args:
            service: who is asked.
            url: where.
            trace: 32 hex digits under which the platform's request log will have it; empty for none.
        """
