"""What the doctor sees of Google Cloud: whose credentials there are, and whether each API answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import google.auth
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import Request
from google.cloud import run_v2, secretmanager_v1
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.logging_v2.types import ListLogEntriesRequest
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from untilgreen.adapters.google_connection import connect
from untilgreen.doctor.facts import ApiProblem, ApiSeen
from untilgreen.errors import ConfigError

LIMIT_S = 10.0
"""A first call opens a connection and fetches a token; what takes longer than this is not there."""

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def identity() -> str:
    """Return whose default credentials these are, as far as they say.

    Raises:
        ConfigError: there are none, or they are no longer good.
    """
    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
        credentials.refresh(Request())  # type: ignore[no-untyped-call]  # google-auth annotates only a part
    except (DefaultCredentialsError, RefreshError) as error:
        raise ConfigError(f"Google Cloud: no usable credentials: {error}") from None
    except (TransportError, GoogleAuthError) as error:
        raise ConfigError(f"Google Cloud: credentials are there and cannot be tried: {error}") from None
    return str(getattr(credentials, "service_account_email", "") or getattr(credentials, "account", ""))


def apis(project: str, region: str, endpoint: str) -> tuple[ApiSeen, ...]:
    """Ask each API that a loop uses for one thing.

    Args:
        project: Google Cloud project id.
        region: for example `europe-west1`.
        endpoint: host:port of an emulator; empty for Google Cloud.

    Raises:
        ConfigError: there are no credentials at all.
    """
    return tuple(_asked(*call) for call in _calls(project, region, endpoint))


def _calls(project: str, region: str, endpoint: str) -> Iterator[tuple[str, str, bool, Callable[[], object]]]:
    services = connect(run_v2.ServicesClient, ServicesGrpcTransport, endpoint)
    place = f"projects/{project}/locations/{region}"
    yield (
        "run.googleapis.com",
        "roles/run.developer",
        True,
        lambda: services.list_services(request={"parent": place, "page_size": 1}, retry=None, timeout=LIMIT_S),
    )
    log = connect(LoggingServiceV2Client, LoggingServiceV2GrpcTransport, endpoint)
    one = ListLogEntriesRequest(
        resource_names=[f"projects/{project}"], filter='resource.type="cloud_run_revision"', page_size=1
    )
    yield (
        "logging.googleapis.com",
        "roles/logging.viewer",
        True,
        lambda: log.list_log_entries(request=one, retry=None, timeout=LIMIT_S),
    )
    secrets = connect(secretmanager_v1.SecretManagerServiceClient, SecretManagerServiceGrpcTransport, endpoint)
    yield (
        "secretmanager.googleapis.com",
        "roles/secretmanager.viewer (each binding is checked by itself below)",
        False,  # a loop asks for the secrets that it knows by name, never for a list
        lambda: secrets.list_secrets(
            request={"parent": f"projects/{project}", "page_size": 1}, retry=None, timeout=LIMIT_S
        ),
    )


def _asked(api: str, needs: str, needed: bool, call: Callable[[], object]) -> ApiSeen:
    problem, message = _outcome(call)
    return ApiSeen(api=api, needs=needs, needed=needed, problem=problem, message=message)


def _outcome(call: Callable[[], object]) -> tuple[ApiProblem | None, str]:
    try:
        call()
    except (exceptions.PermissionDenied, exceptions.Unauthenticated) as error:
        disabled = _reason(error) == "SERVICE_DISABLED"
        return (ApiProblem.DISABLED if disabled else ApiProblem.PERMISSION), error.message
    except (exceptions.ServiceUnavailable, exceptions.DeadlineExceeded, exceptions.RetryError) as error:
        return ApiProblem.UNREACHABLE, str(error)
    except exceptions.GoogleAPICallError as error:
        return ApiProblem.REFUSED, error.message
    except GoogleAuthError as error:
        return ApiProblem.PERMISSION, str(error)
    return None, ""


def _reason(error: Any) -> str:
    return str(getattr(error, "reason", "") or "")
