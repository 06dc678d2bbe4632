"""What was delivered: revisions, their secrets, what their images hold, what the image gate found."""

from __future__ import annotations

from typing import Literal

from untilgreen.model.delivery import Exclusion, GateFinding, SecretStatus, Template, Traffic
from untilgreen.model.evidence.item import Item


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
