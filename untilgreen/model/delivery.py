"""From a commit to a revision that serves: the nouns of build, deploy and wait."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from untilgreen.model.document import Document, Instant
from untilgreen.model.secrets import SecretBinding as SecretBinding  # noqa: PLC0414 - a noun of delivery too: mypy wants re-exports said
from untilgreen.model.secrets import SecretProblem as SecretProblem  # noqa: PLC0414 - a noun of delivery too: mypy wants re-exports said
from untilgreen.model.secrets import SecretStatus as SecretStatus  # noqa: PLC0414 - a noun of delivery too: mypy wants re-exports said


class Image(Document):
    """One service's image, named by what is in it."""

    service: str
    reference: str
    """`registry/name@sha256:...`; what the template will name. Empty when the gate refused to build it."""
    digest: str
    """`sha256:` and 64 hex digits; empty likewise."""
    commit: str
    files: tuple[str, ...]
    """Paths in the image, relative to the build context."""
    excluded: tuple[Exclusion, ...] = ()
    source: str = ""
    """Content hash of the build context; empty when the builder does not know it."""


class Exclusion(Document):
    """A file of the commit that an ignore rule kept out of the image."""

    path: str
    """Relative to the build context."""
    rule: str
    rule_file: str
    """Relative to the repository's root."""
    line: int


class GateFinding(Document):
    """Something that the image gate saw before any rollout."""

    service: str
    rule: str
    """For example `image.syntax` or `image.import`."""
    message: str
    """Where, what, and what to do."""
    path: str = ""
    """Relative to the repository's root; empty when it is not about a file."""
    line: int = 0
    blocking: bool = True
    """Whether the image cannot start or serve like this; otherwise it is a warning."""
    exclusion: Exclusion | None = None
    """The rule that kept the needed file out, if that is what is wrong."""
    key: str = ""
    """The setting that is wrong, if one is: `port`, or the name of an environment variable."""
    actual: str = ""
    """What that setting is."""
    expected: str = ""
    """What it has to be; empty when it has to be absent."""


class Images(Document):
    """What step build leaves behind."""

    commit: str
    images: tuple[Image, ...]
    findings: tuple[GateFinding, ...] = ()
    """Any blocking one refuses the whole rollout."""

    @property
    def refused(self) -> bool:
        """Tell whether the gate found something with which an image cannot start or serve."""
        return any(finding.blocking for finding in self.findings)

    def of(self, service: str) -> Image:
        """Return one service's image.

        Raises:
            KeyError: no image was built for it.
        """
        for image in self.images:
            if image.service == service:
                return image
        raise KeyError(service)


class Template(Document):
    """What a revision is made of, without any secret's value."""

    service: str
    image: str
    port: int = 8080
    env: dict[str, str] = {}
    secrets: tuple[SecretBinding, ...] = ()
    account: str = ""
    memory: str = "512Mi"
    health_path: str = "/health"
    startup_seconds: int = 30
    """How long a container may take until its startup probe answers."""
    labels: dict[str, str] = {}
    limits: dict[str, str] = {}
    """What the platform reports and nobody here sets: egress, network, timeout, concurrency, max_instances, cpu."""


class Traffic(Document):
    """A share of the traffic, as the platform reports it."""

    revision: str
    percent: int
    tag: str = ""
    latest: bool = False
    """Whether the share follows the latest ready revision; a share that does not is a pin."""
    url: str = ""
    """Where the tag alone answers; empty without a tag."""


class RevisionState(Document):
    """A revision as the platform reports it."""

    name: str
    service: str
    ready: bool
    reason: str = ""
    message: str = ""
    image: str = ""
    digest: str = ""
    created: Instant | None = None
    template: Template | None = None


class ServiceState(Document):
    """A service as the platform reports it."""

    service: str
    url: str
    etag: str
    generation: int
    observed_generation: int
    reconciling: bool
    ready: bool
    reason: str = ""
    message: str = ""
    latest_created: str = ""
    latest_ready: str = ""
    traffic: tuple[Traffic, ...] = ()
    template: Template | None = None


class ServingStatus(StrEnum):
    """How the rollout of one service ended."""

    SERVING = "serving"  # the new revision is ready and has all the traffic
    FAILED = "failed"  # the new revision never became ready; the old one, if any, keeps serving
    REFUSED = "refused"  # not tried: a check before the rollout said no
    SKIPPED = "skipped"  # not tried: another service failed first
    ROLLED_BACK = "rolled_back"  # the new revision served, and an earlier one was given its traffic back


class Served(Document):
    """One service's rollout."""

    service: str
    status: ServingStatus
    url: str = ""
    revision: str = ""
    """The revision made by this rollout, ready or not."""
    serving_revision: str = ""
    """Who has the traffic now."""
    previous_revision: str = ""
    digest: str = ""
    commit: str = ""
    reason: str = ""
    message: str = ""
    last_words: tuple[str, ...] = ()
    """What the platform logged of the failed container's end, then the last lines of the container itself."""
    exit_code: int | None = None
    """What the failed container ended with, as the platform says; below zero a signal."""


class RolledBack(Document):
    """One service that was sent back to an earlier revision."""

    service: str
    from_revision: str
    to_revision: str
    """Empty when there is none."""
    serving_revision: str
    """Who has the traffic after that."""
    verified: bool
    """Whether the platform shows the earlier revision ready and with all the traffic."""
    reason: str
    """Why it had to go back."""
    message: str = ""
    """What kept it from going back; empty when verified."""


class Rollback(Document):
    """What going back after step deploy leaves behind. The rollout itself stays on record as it was."""

    reason: str = ""
    """Empty when there was no reason to go back."""
    services: tuple[RolledBack, ...] = ()


class Rollout(Document):
    """What step deploy leaves behind."""

    commit: str
    started: Instant
    finished: Instant
    services: tuple[Served, ...]
    secrets: tuple[SecretStatus, ...] = ()
    rolled_back: tuple[RolledBack, ...] = ()
    """Services that served the new revision until another one failed."""
    notes: tuple[str, ...] = ()
    """What a reader should know about it, for example a pin that was undone."""

    @property
    def serving(self) -> bool:
        """Tell whether every service serves what this rollout brought."""
        return bool(self.services) and all(s.status is ServingStatus.SERVING for s in self.services)

    def of(self, service: str) -> Served:
        """Return one service's part.

        Raises:
            KeyError: the service was not part of this rollout.
        """
        for served in self.services:
            if served.service == service:
                return served
        raise KeyError(service)


class HealthCheck(Document):
    """One look at one health path."""

    service: str
    url: str
    at: Instant
    status: int | None
    """None when nothing answered."""
    latency_s: float
    detail: str = ""
    kind: Literal["health", "ready"] = "health"
    """Whether it is alive, or whether it says that it can work."""
    trace: str = ""
    """32 hex digits that went with the request; the request log must show them."""

    @property
    def ok(self) -> bool:
        """Tell whether it answered 2xx."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own numbers


class Identity(Document):
    """Who answered a probe, as the platform's request log has it."""

    service: str
    trace: str
    expected: str
    """The revision that this rollout brought."""
    answered: str = ""
    """The revision in the request log; empty when the log does not show the probe."""

    @property
    def proven(self) -> bool:
        """Tell whether the expected revision answered."""
        return bool(self.expected) and self.answered == self.expected


class Health(Document):
    """What step wait leaves behind: the last checks of each service, and whether all may be tested."""

    healthy: bool
    checks: tuple[HealthCheck, ...]
    reason: str = ""
    """Empty when healthy; else which service and why."""
    identities: tuple[Identity, ...] = ()
    """One for each service that answered: who it was."""
