"""Settings: who proposes, who offers, who says yes, and when services go back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from untilgreen.settings.part import Part


class RecordedAnalyst(Part):
    """An analyst whose analyses lie in a file: another team's, an agent's, yesterday's."""

    kind: Literal["file"] = "file"
    """So far the only kind."""
    file: str
    """JSON, relative to the repository's root; its form stands in the demo's README."""


class PatchQueue(Part):
    """Fixes that lie in a folder as patches, tried in the order of their names."""

    kind: Literal["patch_queue"] = "patch_queue"
    """So far the only kind."""
    folder: str
    """Relative to the repository's root. A patch names the cause that it removes in its header."""


class Approve(Part):
    """Who says yes before a fix is committed."""

    mode: Literal["policy", "ask", "never"] = "ask"
    """policy: what the review approves is applied. ask: a human decides. never: only report."""
    timeout_s: int = Field(default=86_400, ge=1)
    """How long a human may take; then nothing is changed. A day covers a night and a morning."""


class RollbackSettings(Part):
    """When services go back to the revision that was good before."""

    on_failure: bool = True
    """When a service cannot be deployed or is not healthy: half a rollout is worse than none."""
    when_worse: bool = False
    """When a cycle's tests pass less often than the one's before. Off: a loop wants to see and mend what fails."""
