"""Looks at secrets' values, where whoever runs untilgreen may read them, and lets none of them out.

A value exists in one function. What leaves it: names of problems, a digest under a random key that dies with this
process, and a closure that finds the value in texts. Python cannot wipe memory; references are dropped at once, and no
core file is written that could hold what is left.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass, field
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry

from untilgreen.adapters.google_connection import TRANSIENT
from untilgreen.deploy.secrets_content import problems
from untilgreen.errors import CloudUnavailable
from untilgreen.model.secrets import SecretProblem
from untilgreen.redaction.needles import Needles, needles

_CLIENT_LOGGERS = "google.cloud.secretmanager_v1.services.secret_manager_service"
"""Google's clients log whole answers, at level DEBUG, into loggers below this name."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is kept of a value.

    Args:
        problems: what is wrong with it.
        mark: equal for equal values, within one process; tells nothing to anybody else.
        known: finds it in texts.
    """

    problems: tuple[SecretProblem, ...]
    mark: bytes = field(repr=False)
    known: Needles


class Values:
    """Reads each version once.

    Args:
        client: Secret Manager.
        retry: for transient faults.
        shortest: characters below which a value is too short.
    """

    def __init__(self, client: Any, retry: Retry, shortest: int) -> None:
        self._client = client
        self._retry = retry
        self._shortest = shortest
        self._key = secrets.token_bytes(32)
        self._readings: dict[str, Reading | None] = {}

    def read(self, version: str) -> Reading | None:
        """Look at the value of a version, by its full name; None when we may not.

        Raises:
            CloudUnavailable: a transient fault, after retries.
        """
        if version not in self._readings:
            _leave_no_traces()
            self._readings[version] = self._look(version)
        return self._readings[version]

    def _look(self, version: str) -> Reading | None:
        """Ask for a value and forget it. Errors are made anew: nobody knows what their details hold."""
        try:
            answer = self._client.access_secret_version(name=version, retry=self._retry)
        except (exceptions.PermissionDenied, exceptions.NotFound, exceptions.FailedPrecondition):
            return None
        except (exceptions.RetryError, *TRANSIENT) as error:
            raise CloudUnavailable(f"{version}: Secret Manager does not answer: {type(error).__name__}.") from None
        value = bytes(answer.payload.data)
        del answer
        mark = hmac.digest(self._key, value, hashlib.sha256)
        return Reading(problems(value, self._shortest), mark, needles(version.split("/")[-3], value))


def _leave_no_traces() -> None:
    """Write no core file, and keep Google's client from logging what it receives."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - Unix only

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    for name in list(logging.Logger.manager.loggerDict):
        if name.startswith(_CLIENT_LOGGERS):
            logging.getLogger(name).disabled = True
