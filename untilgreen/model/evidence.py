"""Evidence: facts with an address, where they came from, and how completely they were collected.

An id is made from the content. Whoever holds an item can recompute it; an invented one does not exist.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field

from untilgreen.model.delivery import Exclusion, GateFinding, SecretStatus, Template, Traffic
from untilgreen.model.document import Document, Instant, Window, content_id
from untilgreen.model.suite import Exchange, Failure, Frame, Outcome


class Stream(StrEnum):
    """Which log an entry came from. Only the platform writes `SYSTEM`: an application can forge its text."""

    STDOUT = "stdout"
    STDERR = "stderr"
    SYSTEM = "system"
    OTHER = "other"


class Item(Document):
    """What all evidence shares."""

    at: Instant | None = None
    """When it happened; None for things without a time, such as source lines."""

    @property
    def text(self) -> str:
        """Return what may be quoted."""
        raise NotImplementedError

    @cached_property
    def id(self) -> str:
        """Return the content address, for example `entry-1f0c8a9b2d3e`."""
        return content_id(kind_of(type(self)), self.model_dump_json())


class Case(Item):
    """A test that did not pass, or a passing one that something cites."""

    kind: Literal["case"] = "case"
    nodeid: str
    outcome: Outcome
    duration_s: float = 0.0
    trace: str = ""
    failure: Failure | None = None
    exchanges: tuple[Exchange, ...] = ()

    @property
    def text(self) -> str:
        """Return the node id, the outcome and the failure."""
        why = f": {self.failure.exception}: {self.failure.message}" if self.failure else ""
        return f"{self.nodeid} {self.outcome}{why}"


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

    @property
    def text(self) -> str:
        """Return `METHOD path -> status`."""
        return f"{self.method} {self.path} -> {self.status} by {self.revision}"


class Revision(Item):
    """A revision as the platform reported it when the evidence was collected."""

    kind: Literal["revision"] = "revision"
    service: str
    name: str
    ready: bool
    reason: str = ""
    message: str = ""
    digest: str = ""
    commit: str = ""
    template: Template | None = None
    traffic: tuple[Traffic, ...] = ()
    current: bool = True
    """False for the last good one that it is compared with."""

    @property
    def text(self) -> str:
        """Return name, readiness and the platform's text."""
        return f"{self.name} {'ready' if self.ready else 'not ready'} {self.reason} {self.message}".strip()


class Secret(Item):
    """A secret binding as the check before the rollout saw it, or an env name that nothing binds."""

    kind: Literal["secret"] = "secret"
    status: SecretStatus

    @property
    def text(self) -> str:
        """Return the binding and its problem, never a value."""
        s = self.status
        bound = f"{s.service} {s.binding.env} <- {s.binding.secret}:{s.binding.version}"
        how = f"usable ({s.problem})" if s.usable and s.problem else s.problem or "usable"
        return f"{bound} {how} {s.message}".strip()


class Commit(Item):
    """A commit between the last good one and the tested one, or older."""

    kind: Literal["commit"] = "commit"
    sha: str
    subject: str
    author: str
    files: tuple[str, ...]
    since_good: bool = True
    """Whether it came after the last commit that was good."""
    depth: int = 0
    """How many commits came after it, up to the tested one: of two in one second the times do not tell."""

    @property
    def text(self) -> str:
        """Return short sha, subject and files."""
        return f"{self.sha[:12]} {self.subject} ({', '.join(self.files[:20])})"


class Hunk(Item):
    """What one commit changed in one place."""

    kind: Literal["hunk"] = "hunk"
    commit: str
    path: str
    line: int
    """First line in the file after the change."""
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the changed lines in diff form."""
        return "\n".join(
            [
                f"{self.commit[:12]} {self.path}:{self.line}",
                *(f"-{x}" for x in self.removed),
                *(f"+{x}" for x in self.added),
            ]
        )


class SourceFile(Item):
    """A text file of the tested commit: a service's source, an ignore file, the settings."""

    kind: Literal["file"] = "file"
    commit: str
    path: str
    """Relative to the repository's root."""
    service: str = ""
    """Whose build context it lies in, if any."""
    content: str

    @property
    def text(self) -> str:
        """Return the whole content, so that any line of it can be quoted."""
        return self.content


class ImageContent(Item):
    """What went into a service's image and what was kept out."""

    kind: Literal["image"] = "image"
    service: str
    digest: str
    commit: str
    files: tuple[str, ...]
    excluded: tuple[Exclusion, ...]

    @property
    def text(self) -> str:
        """Return the exclusions, one a line."""
        lines = [f"{e.path} excluded by {e.rule_file}:{e.line} {e.rule}" for e in self.excluded]
        return "\n".join([f"{self.service} {self.digest} {len(self.files)} files", *lines])


class GateSeen(Item):
    """What the image gate found before the rollout."""

    kind: Literal["gate"] = "gate"
    finding: GateFinding

    @property
    def text(self) -> str:
        """Return rule, place and message."""
        f = self.finding
        return f"{f.service} {f.rule} {f.path}:{f.line} {f.message}"


class Usage(Item):
    """How much of a resource a revision used."""

    kind: Literal["usage"] = "usage"
    service: str
    revision: str
    resource: str
    """memory, cpu or instances."""
    utilisation: float
    """Highest share of the limit in the window, 0 to 1."""

    @property
    def text(self) -> str:
        """Return the figure in words."""
        return f"{self.revision} {self.resource} at most {self.utilisation:.0%} of its limit"


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


Evidence = Annotated[
    Case
    | Entry
    | Request
    | Revision
    | Secret
    | Commit
    | Hunk
    | SourceFile
    | ImageContent
    | GateSeen
    | Usage
    | HealthSeen,
    Field(discriminator="kind"),
]


def kind_of(evidence: type[Item]) -> str:
    """Return the word that names a sort of evidence in ids, files and coverage."""
    kind: str = evidence.model_fields["kind"].default
    return kind


class Coverage(Document):
    """How completely one thing was collected. Only a complete one lets anybody cite an absence."""

    kind: str
    """Which evidence: `entry`, `request`, `secret` ..."""
    subject: str
    """A service, or `*`."""
    window: Window
    query: str
    rows: int
    complete: bool
    gap: str = ""
    """Why it is not complete."""


class Manifest(Document):
    """What step collect leaves behind: the bundle's table of contents."""

    loop: str
    cycle: int
    commit: str
    good_commit: str = ""
    """The last commit that was good, or empty."""
    window: Window
    revisions: dict[str, str]
    """Service -> the revision under test."""
    urls: dict[str, str] = {}
    """Service -> where the tests found it."""
    sources: dict[str, str] = {}
    """Service -> its build context, relative to the repository's root."""
    coverage: tuple[Coverage, ...]
    counts: dict[str, int]
    folder: str
    """Relative to the cycle's folder."""
