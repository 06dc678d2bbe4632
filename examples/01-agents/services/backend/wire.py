"""How everything that leaves this service becomes JSON. There is no second way."""

import json
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum

from aiohttp import web


def safe_dumps(message):
    """Return a message as JSON text, whatever sort of value of ours it holds."""

    def plain(value):
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, timedelta):
            return value.total_seconds()
        if isinstance(value, (set, frozenset)):
            return sorted(value)
        if is_dataclass(value):
            return asdict(value)
        raise TypeError(f"{type(value).__name__} has no form on the wire; give it one in wire.py")

    return json.dumps(message, default=plain, ensure_ascii=False, separators=(",", ":"))


def json_answer(body, status=200):
    """Return an HTTP answer with this body."""
    return web.json_response(body, status=status, dumps=safe_dumps)
