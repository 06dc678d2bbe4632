"""Secret Manager's metadata: whether a secret is there and who may read it. A value is never asked for."""

from __future__ import annotations

from typing import Any

from google.api_core import exceptions
from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.iam.v1 import iam_policy_pb2

from untilgreen.adapters.google_connection import TRANSIENT, connect, patient
from untilgreen.errors import CloudUnavailable
from untilgreen.model.delivery import SecretBinding, SecretProblem, SecretStatus

ACCESSOR = "roles/secretmanager.secretAccessor"

_READERS = frozenset({ACCESSOR, "roles/secretmanager.admin", "roles/owner"})
"""Predefined roles that hold secretmanager.versions.access."""

_Finding = tuple[SecretProblem | None, str]


class SecretManager:
    """Secrets of one project.

    Args:
        project: Google Cloud project id.
        endpoint: host:port of an emulator; empty for Google Cloud.
        patience_s: how long transient faults are ridden out, for each call.
    """

    def __init__(self, project: str, endpoint: str = "", patience_s: float = 60) -> None:
        self._project = project
        self._client = connect(secretmanager_v1.SecretManagerServiceClient, SecretManagerServiceGrpcTransport, endpoint)
        self._retry = patient(patience_s)

    def check(self, service: str, binding: SecretBinding, account: str) -> SecretStatus:
        """Tell whether this account can start with this binding.

        Args:
            service: whose binding it is.
            binding: env name, secret and version.
            account: the runtime service account; empty means the project's default compute account.

        Raises:
            CloudUnavailable: a transient fault, after retries.
        """
        try:
            problem, message = self._problem(binding, account)
        except exceptions.PermissionDenied as error:
            problem, message = (
                SecretProblem.DENIED,
                (
                    f"{binding.secret} cannot be checked: {error.message} "
                    f"Grant roles/secretmanager.viewer to whoever runs untilgreen."
                ),
            )
        except exceptions.RetryError as error:
            raise CloudUnavailable(f"{binding.secret}: Secret Manager does not answer: {error}.") from None
        except TRANSIENT as error:
            raise CloudUnavailable(f"{binding.secret}: Secret Manager does not answer: {error.message}.") from None
        return SecretStatus(service=service, binding=binding, account=account, problem=problem, message=message)

    def _problem(self, binding: SecretBinding, account: str) -> _Finding:
        name = binding.secret if "/" in binding.secret else f"projects/{self._project}/secrets/{binding.secret}"
        try:
            secret = self._client.get_secret(name=name, retry=self._retry)
        except exceptions.NotFound:
            return SecretProblem.MISSING, f"Secret {name} was not found. Create it, or correct its name."
        return self._version_problem(name, binding.version) or self._access_problem(name, secret, account)

    def _version_problem(self, name: str, version: str) -> _Finding | None:
        try:
            found = self._client.get_secret_version(name=f"{name}/versions/{version}", retry=self._retry)
        except exceptions.NotFound:
            return SecretProblem.NO_VERSION, f"Secret {name} has no version {version}. Add one, or pin another."
        if found.state != secretmanager_v1.SecretVersion.State.ENABLED:
            return SecretProblem.DISABLED, f"Version {version} of {name} is {found.state.name}. Enable or replace it."
        return None

    def _access_problem(self, name: str, secret: Any, account: str) -> _Finding:
        request = iam_policy_pb2.GetIamPolicyRequest(resource=name)
        policy = self._client.get_iam_policy(request=request, retry=self._retry)
        member = account or _default_account(secret)
        if not member:
            return SecretProblem.DENIED, (
                f"Nobody can tell which account reads {name}: the project's number is unknown here. "
                f"Name the service's runtime account in its `account` setting."
            )
        if any(_lets_read(bound, f"serviceAccount:{member}") for bound in policy.bindings):
            return None, ""
        return SecretProblem.DENIED, (
            f"Permission denied on secret: {name} for Revision service account {member}. "
            f"Grant it {ACCESSOR} on this secret; a grant on the whole project cannot be seen from here."
        )


def _lets_read(bound: Any, member: str) -> bool:
    """Tell whether a binding certainly gives access: whether a condition holds cannot be known."""
    return bound.role in _READERS and member in bound.members and not bound.condition.expression


def _default_account(secret: Any) -> str:
    """Return the default compute account: Secret Manager answers with the project's number in names."""
    number = secret.name.split("/")[1] if secret.name.count("/") else ""
    return f"{number}-compute@developer.gserviceaccount.com" if number.isdigit() else ""
