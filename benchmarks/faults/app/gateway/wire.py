"""What leaves this service leaves it as JSON, made here."""

import json
from datetime import datetime
from enum import Enum

from aiohttp import web


def to_json(message):
    """Return a message as text, whatever values of ours are in it."""

    def plain(value):
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, (set, frozenset)):
            return sorted(value)
        raise TypeError(f"{type(value).__name__} has no form on the wire")

    return json.dumps(message, default=plain)


def answer(body, status=200):
    return web.json_response(body, status=status, dumps=to_json)
