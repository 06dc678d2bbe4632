"""What a bundle holds: any sort of evidence, and how completely each was collected."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from untilgreen.model.document import Document, Window
from untilgreen.model.evidence.delivered import GateSeen, ImageContent, Revision, Secret
from untilgreen.model.evidence.observed import Case, Entry, HealthSeen, HealthSpan, Repeated, Request, Usage
from untilgreen.model.evidence.repository import Blame, Commit, Hunk, SourceFile

Evidence = Annotated[
    Case
    | Entry
    | Request
    | Revision
    | Secret
    | Commit
    | Hunk
    | Blame
    | SourceFile
    | ImageContent
    | GateSeen
    | Usage
    | HealthSeen
    | HealthSpan
    | Repeated,
    Field(discriminator="kind"),
]


class Coverage(Document):
    """How completely one thing was collected. Only a complete one lets anybody cite an absence."""

    kind: str
    """Which evidence: `entry`, `request`, `secret` ..."""
    subject: str
    """A service, `*` for all of them, or for resources `SERVICE RESOURCE`."""
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
    knowledge: str = ""
    """What the team adds to what everybody knows of codes and texts, as TOML."""
    coverage: tuple[Coverage, ...]
    counts: dict[str, int]
    folder: str
    """Relative to the cycle's folder."""
