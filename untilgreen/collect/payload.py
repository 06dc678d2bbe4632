"""What a log entry's payload says, as text: of JSON and of audit logs too, not only of plain lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

_MESSAGES = ("message", "msg", "event")
_STACKS = ("stack_trace", "exception", "exc_info", "traceback", "stack")
"""Where the usual JSON formatters put the text of an exception."""

_MARK = "\0"
_JOINT = f"}}, {json.dumps(_MARK)}, {{"
"""Stands between documents that are written together. It cannot overlap itself, so a document that holds it shows."""


def json_message(payload: dict[str, Any]) -> str:
    """Return the message, then the other fields as JSON, then the text of an exception, line by line."""
    return json_messages([dict(payload)])[0]


def json_messages(payloads: Sequence[dict[str, Any]]) -> list[str]:
    """Return many as `json_message` does, in a third of the time; the payloads are taken apart."""
    said = [_taken(payload, _MESSAGES) for payload in payloads]
    stacks = [_stacks(payload) for payload in payloads]
    return [
        "".join((one, " " if one and rest else "", rest, *stack))
        for one, rest, stack in zip(said, _written(payloads), stacks, strict=True)
    ]


def _taken(payload: dict[str, Any], names: Sequence[str]) -> str:
    """Take out the first of these fields that holds text."""
    for name in names:
        if name in payload and isinstance(payload[name], str):
            return str(payload.pop(name))
    return ""


def _stacks(payload: dict[str, Any]) -> list[str]:
    """Take out what is the text of an exception, each to begin on a line of its own."""
    if payload.keys().isdisjoint(_STACKS):
        return []
    named = [name for name in _STACKS if isinstance(payload.get(name), str) and "\n" in payload[name]]
    return [f"\n{payload.pop(name)}" for name in named]


def _written(payloads: Sequence[dict[str, Any]]) -> list[str]:
    """Return each as JSON, and nothing for an empty one: calling the encoder costs more than most of them."""
    together: list[Any] = [_MARK] * (2 * len(payloads) - 1)
    together[::2] = payloads
    parts = _json(together)[2:-2].split(_JOINT)
    if len(parts) == len(payloads):
        return [f"{{{part}}}" if part else "" for part in parts]
    return [_json(payload) if payload else "" for payload in payloads]


_json = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


def audit_message(method: str, resource: str, status: str) -> str:
    """Return what an audit log says: what was done to what, and how that ended."""
    return f"{method} {resource} {status}".strip()
