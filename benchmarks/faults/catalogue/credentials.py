"""Secrets that do not reach a service, or not as they were meant."""

from __future__ import annotations

import secrets

from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport

from benchmarks.faults.catalogue.decoys import CLERKS, LOGGER, TOKENS, WEIGHTS
from benchmarks.faults.fault import Cause, Commit, Edit, Fault, Stage, sign
from benchmarks.faults.place import Site
from untilgreen.adapters.google_connection import connect

SIGNED_IN = (
    *(f"e2e/test_{name}.py::*" for name in ("me", "parcels", "moves", "search", "manifests", "a_reports")),
    *("e2e/test_ws.py::*", "e2e/test_ws_refused.py::*", "e2e/test_login.py::test_token_works*"),
    "e2e/test_bearer.py::test_with_a_token_that_somebody_changed*",
)

_TIDY = Commit(
    "tidy",
    "Tidy up the settings",
    (
        Edit(
            "untilgreen.yaml",
            "    secrets:\n      SIGNING_KEY: signing-key:1\n      SERVICE_KEY: service-key:1\n\nsecrets:",
            "    secrets:\n      SERVICE_KEY: service-key:1\n\nsecrets:",
        ),
    ),
)

F01 = Fault(
    "F01",
    "a secret is missing from the new revision",
    (
        Stage(
            (WEIGHTS, _TIDY, TOKENS),
            causes=(
                Cause(
                    "secret",
                    SIGNED_IN,
                    right=(
                        sign("secret_missing", service="gateway", env="SIGNING_KEY"),
                        sign("regressed_by", commit="@tidy", path="untilgreen.yaml"),
                    ),
                    path=(
                        (
                            sign("secret_missing", env="SIGNING_KEY"),
                            sign("config_mismatch", key="SIGNING_KEY"),
                        ),
                    ),
                    services=("gateway",),
                    files=("untilgreen.yaml", "gateway/people.py", "gateway/ws.py"),
                ),
            ),
        ),
    ),
)

_ROTATE = Commit(
    "rotate",
    "Rotate the service key",
    (
        Edit(
            "untilgreen.yaml",
            "      SERVICE_KEY: service-key:1\n  depot:",
            "      SERVICE_KEY: service-key:2\n  depot:",
        ),
        Edit(
            "untilgreen.yaml",
            "      SERVICE_KEY: service-key:1\n\nsecrets:",
            "      SERVICE_KEY: service-key:2\n\nsecrets:",
        ),
    ),
)


def add_with_newline(site: Site) -> None:
    """Add a version to the service key as `echo` would."""
    kind = secretmanager_v1.SecretManagerServiceClient
    client = connect(kind, SecretManagerServiceGrpcTransport, site.endpoint)
    value = f"{secrets.token_urlsafe(30)}\n".encode()
    client.add_secret_version(
        parent="projects/emulator-moon/secrets/service-key", payload=secretmanager_v1.SecretPayload(data=value)
    )


F03 = Fault(
    "F03",
    "a secret ends with a line feed, and one of two services keeps it",
    (
        Stage(
            (CLERKS, _ROTATE, LOGGER),
            before=add_with_newline,
            causes=(
                Cause(
                    "newline",
                    ("e2e/test_me.py::*",),
                    right=(
                        sign("secret_missing", env="SERVICE_KEY"),
                        sign("config_mismatch", key="SERVICE_KEY"),
                        sign("regressed_by", commit="@rotate", path="untilgreen.yaml"),
                    ),
                    path=(
                        (
                            sign("auth_rejected", service="accounts"),
                            sign("http_failure", service="accounts", status="403"),
                        ),
                        (sign("secret_missing", env="SERVICE_KEY"), sign("config_mismatch", key="SERVICE_KEY")),
                    ),
                    services=("accounts", "gateway"),
                    files=("untilgreen.yaml", "gateway/people.py", "accounts/main.py"),
                ),
            ),
        ),
    ),
)
