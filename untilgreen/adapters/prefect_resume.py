"""Hands an approver's answer to a flow run that waits for it, through the Prefect server's API."""

from __future__ import annotations

import time
from typing import Any

import httpx

from untilgreen.adapters import prefect_login
from untilgreen.errors import ConfigError, ServerUnavailable

_PATIENCE_S = 10.0
"""Between the run's pause and its form lies a moment in which the server cannot take an answer."""
_NOT_YET = "schema not found"


def resume(api: str, flow_run: str, answer: dict[str, Any]) -> None:
    """Fill in the form of a run that is paused or suspended.

    Args:
        api: of the server.
        flow_run: its id.
        answer: the fields of the form.

    Raises:
        ServerUnavailable: it does not answer, or not with what the API promises.
        ConfigError: the run does not wait, or the form does not fit.
    """
    until = time.monotonic() + _PATIENCE_S
    while True:
        status, reason = _post(f"{api}/flow_runs/{flow_run}/resume", answer)
        if status == "ACCEPT":
            return
        if _NOT_YET not in reason or time.monotonic() > until:
            raise ConfigError(f"flow run {flow_run}: the answer was not taken: {reason or status}")
        time.sleep(0.5)


def _post(url: str, answer: dict[str, Any]) -> tuple[str, str]:
    try:
        replied = httpx.post(url, json={"run_input": answer}, headers=prefect_login.headers(), timeout=30)
        replied.raise_for_status()
        said = replied.json()
        return str(said["status"]), str((said.get("details") or {}).get("reason") or "")
    except httpx.HTTPStatusError as error:
        if error.response.status_code == httpx.codes.NOT_FOUND:
            raise ConfigError(
                f"{url}: this server does not know the flow run. Set PREFECT_API_URL to its own."
            ) from None
        if error.response.status_code == httpx.codes.UNAUTHORIZED:
            raise ConfigError(prefect_login.refused(url)) from None
        raise ServerUnavailable(f"{url}: {error.response.status_code} {error.response.reason_phrase}") from None
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise ServerUnavailable(f"{url}: {type(error).__name__}: {error}") from None
