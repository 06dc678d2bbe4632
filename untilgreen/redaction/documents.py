"""Masks secrets in text whose form must stay: a JSON document stays one, and so does one within another."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Mask = Callable[[str], str]


def masked(text: str, mask: Mask) -> str:
    """Return text without secrets.

    A mask in the middle of an escape sequence would leave a document that nobody can read, so the strings of a
    document are masked one by one.

    Args:
        text: anything; taken apart only where it is JSON and holds a secret.
        mask: takes secrets out of a string.
    """
    flat = mask(text)
    if flat == text or text.lstrip()[:1] not in {"{", "["}:
        return flat
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return flat
    lines = 1 if "\n" in text.strip() else None
    return json.dumps(_value(document, mask), ensure_ascii=False, indent=lines)


def _value(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return masked(value, mask)
    if isinstance(value, list):
        return [_value(item, mask) for item in value]
    if isinstance(value, dict):
        return {mask(key): _value(item, mask) for key, item in value.items()}
    return value
