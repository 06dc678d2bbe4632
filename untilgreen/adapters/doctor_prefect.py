"""What the doctor sees of the Prefect server. Starts none."""

from __future__ import annotations

import os
from importlib import metadata

import httpx

from untilgreen.adapters import prefect_login, prefect_server
from untilgreen.doctor.facts import ServerSeen


def server() -> ServerSeen:
    """Look for a server that answers, and ask for its version."""
    named, api = os.environ.get("PREFECT_API_URL", ""), prefect_server.find()
    return ServerSeen(named=named, api=api, version=_version(api), client=metadata.version("prefect"))


def _version(api: str) -> str:
    if not api:
        return ""
    try:
        answer = httpx.get(f"{api}/admin/version", headers=prefect_login.headers(), timeout=2)
        return str(answer.json()) if answer.is_success else ""
    except (httpx.HTTPError, ValueError):
        return ""
