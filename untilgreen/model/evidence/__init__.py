"""Evidence: facts with an address, where they came from, and how completely they were collected.

An id is made from the content. Whoever holds an item can recompute it; an invented one does not exist.
"""

from __future__ import annotations

from untilgreen.model.evidence.contents import Coverage, Evidence, Manifest
from untilgreen.model.evidence.delivered import GateSeen, ImageContent, Revision, Secret
from untilgreen.model.evidence.item import Item, kind_of
from untilgreen.model.evidence.observed import (
    AT_LIMIT,
    Case,
    Earlier,
    Entry,
    HealthSeen,
    HealthSpan,
    Raised,
    Repeated,
    Request,
    Stream,
    Usage,
)
from untilgreen.model.evidence.repository import Blame, Commit, Hunk, SourceFile

__all__ = [
    "AT_LIMIT",
    "Blame",
    "Case",
    "Commit",
    "Coverage",
    "Earlier",
    "Entry",
    "Evidence",
    "GateSeen",
    "HealthSeen",
    "HealthSpan",
    "Hunk",
    "ImageContent",
    "Item",
    "Manifest",
    "Raised",
    "Repeated",
    "Request",
    "Revision",
    "Secret",
    "SourceFile",
    "Stream",
    "Usage",
    "kind_of",
]
