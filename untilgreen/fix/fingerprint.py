"""What makes two fixes the same: what they take away and add, wherever the lines stand by now."""

from __future__ import annotations

import re

from untilgreen.model.document import content_id

_BODY = re.compile(r"^(?:[+-](?!\+\+ |-- )|diff --git |(?:old|new|deleted file|new file) mode |rename |copy |GIT )")


def fix_id(diff: str) -> str:
    """Return a fix's id: the same diff against shifted lines, or with other context, is the same fix."""
    lines = [" ".join(line.split()) for line in diff.splitlines() if _BODY.match(line)]
    return content_id("fix", "\n".join(lines) if lines else diff)
