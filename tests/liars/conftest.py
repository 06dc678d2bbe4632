"""The suite in e2e/ is run by the runner, against a service; collected here, it would find none."""

from __future__ import annotations

collect_ignore = ["e2e"]
