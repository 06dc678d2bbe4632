"""What the contract tests of Secret Manager put into it, and who asks."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.api_core import exceptions
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.iam.v1 import iam_policy_pb2

from tests.contract.moon import PROJECT, Moon
from untilgreen.adapters.google_connection import connect
from untilgreen.adapters.secret_manager import SecretManager
from untilgreen.adapters.secret_manager_access import ACCESSOR
from untilgreen.model.secrets import SecretBinding, SecretStatus
from untilgreen.ports import Secrets

ACCOUNT = f"app@{PROJECT}.iam.gserviceaccount.com"

VALUES = {
    "good": "q7Zr2Lw9Xb4Kc8Vn1Tm6",
    "same": "q7Zr2Lw9Xb4Kc8Vn1Tm6",
    "newline": "p3Hs8Dk5Jf0Ga2Ue7Yb4\n",
    "blank": " \n",
    "placeholder": "changeme",
    "short": "k3y",
}


class Details(
    namedtuple("Details", ("method", "timeout", "metadata", "credentials", "wait_for_ready", "compression")),  # noqa: PYI024 - grpc's own fields
    grpc.ClientCallDetails,
):
    """A call with other metadata."""


class AskedBy(grpc.UnaryUnaryClientInterceptor):
    """Tells the emulator who asks.

    Args:
        member: an IAM member.
    """

    def __init__(self, member: str) -> None:
        self._member = member

    def intercept_unary_unary(self, continuation: Callable[..., Any], details: Any, request: Any) -> Any:
        """Add who asks, unless the call says so itself."""
        metadata = list(details.metadata or ())
        if all(key != "x-emulator-principal" for key, _ in metadata):
            metadata.append(("x-emulator-principal", self._member))
        call = Details(details.method, details.timeout, metadata, details.credentials, None, None)
        return continuation(call, request)


def client(moon: Moon) -> SecretManagerServiceClient:
    """Return Google's own client, with which somebody else changes things."""
    return connect(SecretManagerServiceClient, SecretManagerServiceGrpcTransport, moon.endpoint)


def unreadable(moon: Moon) -> SecretManager:
    """Return Secret Manager for a deployer who sees everything but values."""
    channel = grpc.intercept_channel(grpc.insecure_channel(moon.endpoint), AskedBy("user:ann@x.test"))
    google = SecretManagerServiceClient(transport=SecretManagerServiceGrpcTransport(channel=channel))
    return SecretManager(PROJECT, moon.endpoint, client=google)


def plant(moon: Moon, values: Mapping[str, str]) -> None:
    """Keep these secrets, readable by the app's account; twice is once."""
    google = client(moon)
    for name, value in values.items():
        body = {"replication": {"automatic": {}}, "labels": {"env": "staging"}}
        try:
            made = google.create_secret(parent=f"projects/{PROJECT}", secret_id=name, secret=body)
        except exceptions.AlreadyExists:
            continue
        google.add_secret_version(parent=made.name, payload={"data": value.encode()})
        request = iam_policy_pb2.SetIamPolicyRequest(resource=made.name)
        request.policy.bindings.add(role=ACCESSOR, members=[f"serviceAccount:{ACCOUNT}"])
        google.set_iam_policy(request=request)


def check(secrets: Secrets, secret: str, version: str = "latest", account: str = ACCOUNT) -> SecretStatus:
    """Check one binding."""
    return secrets.check("app", SecretBinding(env="KEY", secret=secret, version=version), account)
