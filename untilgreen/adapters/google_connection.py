"""How Google's clients reach Google, or an emulator that speaks the same protocol.

With an endpoint there is one plain channel for all clients; without one, Google's default credentials apply.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import grpc
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import DefaultCredentialsError

from untilgreen.errors import ConfigError

Client = TypeVar("Client")

TRANSIENT = (
    exceptions.ServiceUnavailable,
    exceptions.ResourceExhausted,
    exceptions.DeadlineExceeded,
)
"""What may be gone when the same is asked again. ABORTED is not here: it wants to be read again first."""

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
)
"""A page of 1,000 log entries passes gRPC's default of 4 MB easily; no proxy leads to an emulator."""


def connect(client: Callable[..., Client], transport: Callable[..., Any], endpoint: str) -> Client:
    """Return one of Google's clients.

    Args:
        client: its class.
        transport: its gRPC transport's class.
        endpoint: host:port of an emulator, or empty for Google Cloud.

    Raises:
        ConfigError: there are no credentials, or the client library would write secrets into its log.
    """
    if os.environ.get("GOOGLE_SDK_PYTHON_LOGGING_SCOPE"):
        raise ConfigError(
            "GOOGLE_SDK_PYTHON_LOGGING_SCOPE is set: Google's clients would log payloads, secrets among them. Unset it."
        )
    if endpoint:
        return client(transport=transport(channel=_channel(endpoint)))
    try:
        return client()
    except DefaultCredentialsError as error:
        raise ConfigError(
            f"Google Cloud: {error} Run `gcloud auth application-default login`, or set cloud.target to emulator."
        ) from None


def patient(seconds: float, *more: type[exceptions.GoogleAPICallError]) -> Retry:
    """Return a policy that asks again, ever more slowly, for so many seconds.

    Each pause is drawn at random up to its limit, so that many who were refused at once do not come back at once.

    Args:
        seconds: until it gives up.
        more: what is asked again besides `TRANSIENT`.
    """
    wanted = if_exception_type(*TRANSIENT, *more)
    return Retry(predicate=wanted, initial=0.2, maximum=20, multiplier=2, timeout=seconds)


@cache
def _channel(endpoint: str) -> grpc.Channel:
    return grpc.insecure_channel(endpoint, options=_OPTIONS)
