"""What a log entry's payload says, as text: of JSON and of audit logs too, not only of plain lines."""

from __future__ import annotations

import json
from typing import Any

_MESSAGES = ("message", "msg", "event")
_STACKS = ("stack_trace", "exception", "exc_info", "traceback", "stack")
"""Where the usual JSON formatters put the text of an exception."""


def json_message(payload: dict[str, Any]) -> str:
    """Return the message, then the other fields as JSON, then the text of an exception, line by line."""
    rest = dict(payload)
    said = next((rest.pop(key) for key in _MESSAGES if isinstance(rest.get(key), str)), "")
    stacks = [rest.pop(key) for key in _STACKS if isinstance(rest.get(key), str) and "\n" in rest[key]]
    others = json.dumps(rest, sort_keys=True, ensure_ascii=False) if rest else ""
    return "\n".join([" ".join(part for part in (said, others) if part), *stacks])


def audit_message(method: str, resource: str, status: str) -> str:
    """Return what an audit log says: what was done to what, and how that ended."""
    return f"{method} {resource} {status}".strip()
