"""The words by which a Prefect server knows its users and its database: from the environment, and shown nowhere."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping

import httpx

from untilgreen.errors import ConfigError, ServerUnavailable

OURS, SERVERS = "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING"
"""What whoever asks says, and what the server wants to hear."""

SERVERS_ONLY = frozenset(
    {
        SERVERS,
        "PREFECT_SERVER_DATABASE_CONNECTION_URL",
        "PREFECT_API_DATABASE_CONNECTION_URL",
        "PREFECT_SERVER_DATABASE_PASSWORD",
        "PREFECT_API_DATABASE_PASSWORD",
    }
)
"""A worker needs none of these."""


def ours(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variable that Prefect's clients read; who starts the server need not set it twice."""
    word = environment.get(OURS) or environment.get(SERVERS, "")
    return {OURS: word} if word else {}


def headers(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what goes with each request; nothing where no word was set."""
    word = ours(environment).get(OURS, "")
    return {"Authorization": f"Basic {base64.b64encode(word.encode()).decode()}"} if word else {}


def of_client(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that only asks the server: with the word, without what the server keeps."""
    kept = {name: value for name, value in environment.items() if name not in SERVERS_ONLY}
    return {**kept, **ours(environment)}


def admitted(api: str, environment: Mapping[str, str] = os.environ) -> None:
    """Ask a server whether it lets us in, before a loop begins under it.

    Raises:
        ConfigError: it wants another word, or any at all.
        ServerUnavailable: it does not answer.
    """
    try:
        answer = httpx.get(f"{api}/admin/version", headers=headers(environment), timeout=60)
    except httpx.HTTPError as error:
        raise ServerUnavailable(f"{api}: {type(error).__name__}: {error}") from None
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise ConfigError(refused(api, environment))


def refused(url: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return what to do when a server does not let us in."""
    known = "is not what it wants" if headers(environment) else "is not set"
    return f"{url}: the Prefect server asks who we are, and {OURS} {known}. Set it to user:password of this server."
