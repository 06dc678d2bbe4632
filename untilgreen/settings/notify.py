"""Settings: who is told what changes."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import field_validator
from pydantic_core import PydanticCustomError

from untilgreen.settings.part import Part

FROM_ENVIRONMENT = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_WEBHOOKS = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})
"""Schemes whose address holds no token of its own."""


class NotifySettings(Part):
    """Who is told when something changes: first red, a new cause, approval wanted, green, stopped."""

    urls: tuple[str, ...] = ()
    """Addresses as apprise names them. `env:NAME` stands for an environment variable that holds one: most addresses are
    credentials. Only a plain webhook such as `json://ci.example/hook` may be written here."""

    @field_validator("urls")
    @classmethod
    def _no_credentials(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if not all(FROM_ENVIRONMENT.fullmatch(url) or _harmless(url) for url in urls):
            # A type of its own: the message of such an error never shows what was written.
            raise PydanticCustomError(
                "unshown", "such an address may hold a credential; write env:NAME and put it into that variable"
            )
        return urls


def _harmless(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in _WEBHOOKS and bool(parts.hostname) and "@" not in parts.netloc and not parts.query
