"""What every noun shares: it cannot change, it knows all its fields, and its times are UTC."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

Instant = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
"""A moment, always timezone-aware, always UTC. A naive time is refused: zones were mixed once too often."""


class Document(BaseModel):
    """A frozen record that is written as JSON and read back the same."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64")


class Window(Document):
    """A span of time, both ends included."""

    start: Instant
    end: Instant

    def contains(self, at: datetime) -> bool:
        """Tell whether a moment lies inside."""
        return self.start <= at <= self.end


def content_id(prefix: str, text: str) -> str:
    """Return an id that anybody can recompute from the text: `prefix-` and 12 hex digits of SHA-256."""
    return f"{prefix}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
