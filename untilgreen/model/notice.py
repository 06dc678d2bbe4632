"""What a team is told while nobody watches."""

from __future__ import annotations

from enum import StrEnum

from untilgreen.model.cycle import Color
from untilgreen.model.document import Document


class NoticeKind(StrEnum):
    """Why somebody is told something."""

    FIRST_RED = "first red"  # it was green, or nothing was known
    NEW_CAUSE = "new cause"  # it was not green already, and fails for something else as well
    APPROVAL = "approval wanted"
    GREEN = "green"
    STOPPED = "stopped"


class Notice(Document):
    """One message; its texts are plain, on one line, and bounded."""

    kind: NoticeKind
    title: str
    reason: str
    link: str = ""
    """The run in the Prefect UI; empty when there is none."""


class Told(Document):
    """Where a loop stood when notices were last sent: only what differs from it is news."""

    scope: str = ""
    """Project, region and focus: loops of another scope tell other stories."""
    color: Color | None = None
    causes: tuple[str, ...] = ()
    """Keys of the causes that stand, sorted."""
    asked: str = ""
    """Hash and attempt of the last question to a person."""
    stop: str = ""
    """Why it ended: a `Stop`, or an error's name; empty while it goes on."""
    undelivered: tuple[str, ...] = ()
    """Failures of sending that were said already."""
