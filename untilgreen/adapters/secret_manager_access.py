"""Whether a runtime service account may read a secret: asked as that account where possible, else read in the policy.

A secret's own policy leaves out what is granted on the project and above. So a grant that stands there is one, and a
grant that does not is no refusal: only an answer given to the account itself tells that it may not.
"""

from __future__ import annotations

from typing import Any

import google.auth
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.auth import impersonated_credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.cloud import secretmanager_v1
from google.iam.v1 import iam_policy_pb2

from untilgreen.model.secrets import SecretCheck, SecretFinding, SecretProblem

ACCESSOR = "roles/secretmanager.secretAccessor"
ACCESS = "secretmanager.versions.access"

_READERS = frozenset({ACCESSOR, "roles/secretmanager.admin", "roles/owner"})
"""Predefined roles that hold secretmanager.versions.access."""

_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]

Answer = tuple[SecretFinding | None, SecretCheck | None]
"""What is wrong, and what could not be looked at."""


class RuntimeAccess:
    """Asks for runtime accounts.

    Args:
        client: Secret Manager, as whoever runs untilgreen.
        endpoint: host:port of an emulator, which is told who asks; empty for Google Cloud, where the account is
            impersonated if whoever runs untilgreen may do so (roles/iam.serviceAccountTokenCreator).
        retry: for transient faults.
    """

    def __init__(self, client: Any, endpoint: str, retry: Retry) -> None:
        self._client = client
        self._endpoint = endpoint
        self._retry = retry
        self._impersonated: dict[str, Any] = {}

    def problem(self, name: str, account: str) -> Answer:
        """Tell what keeps an account from reading a secret.

        Args:
            name: the secret's full name.
            account: its e-mail; empty when nobody knows it.
        """
        if not account:
            return _unconfirmed(
                f"Nobody can tell which account reads {name}: the project's number is unknown here. "
                f"Name the service's runtime account in its `account` setting."
            )
        allowed = self._asked_as(name, account)
        if allowed is None:
            return self._in_policy(name, account)
        if allowed:
            return None, None
        message = (
            f"Permission denied on secret: {name} for Revision service account {account}. "
            f"Grant it {ACCESSOR} on this secret."
        )
        return SecretFinding(problem=SecretProblem.DENIED, message=message), None

    def _asked_as(self, name: str, account: str) -> bool | None:
        """Ask as the account itself; None when nobody here may act as it."""
        request = iam_policy_pb2.TestIamPermissionsRequest(resource=name, permissions=[ACCESS])
        if self._endpoint:
            who = (("x-emulator-principal", f"serviceAccount:{account}"),)
            answer = self._client.test_iam_permissions(request=request, retry=self._retry, metadata=who)
            return ACCESS in answer.permissions
        if account not in self._impersonated:
            self._impersonated[account] = _impersonate(account)
        client = self._impersonated[account]
        if client is None:
            return None
        return ACCESS in client.test_iam_permissions(request=request, retry=self._retry).permissions

    def _in_policy(self, name: str, account: str) -> Answer:
        """Look for a grant on the secret itself."""
        request = iam_policy_pb2.GetIamPolicyRequest(resource=name)
        try:
            policy = self._client.get_iam_policy(request=request, retry=self._retry)
        except exceptions.PermissionDenied as error:
            return _unconfirmed(f"{name}: its policy cannot be read: {error.message} {_confirm(account)}")
        return judged(policy, name, account)


def judged(policy: Any, name: str, account: str) -> Answer:
    """Tell what a secret's own policy says about an account."""
    member = f"serviceAccount:{account}"
    grants = [bound for bound in policy.bindings if bound.role in _READERS and member in bound.members]
    if any(not bound.condition.expression for bound in grants):
        return None, None
    if grants:
        return _unconfirmed(f"{account} may read {name} under a condition, and whether it holds is not known here.")
    return _unconfirmed(
        f"The policy of {name} does not let {account} read it; a grant on the project or above cannot be seen from "
        f"here. {_confirm(account)}"
    )


def _confirm(account: str) -> str:
    return (
        f"Grant {account} {ACCESSOR} on this secret, or let whoever runs untilgreen ask as it "
        f"(roles/iam.serviceAccountTokenCreator on the account)."
    )


def _unconfirmed(message: str) -> Answer:
    return SecretFinding(problem=SecretProblem.UNCONFIRMED, message=message), SecretCheck.ACCESS


def _impersonate(account: str) -> Any:
    """Return a client that acts as an account, or None when nobody lets us."""
    try:
        source, _ = google.auth.default(scopes=_SCOPES)
        credentials = impersonated_credentials.Credentials(source, account, _SCOPES, lifetime=600)  # type: ignore[no-untyped-call]  # google-auth annotates only a part
        # gRPC would hide a refusal behind UNAVAILABLE, which is asked again until patience ends.
        credentials.refresh(Request())  # type: ignore[no-untyped-call]  # google-auth annotates only a part
    except GoogleAuthError:
        return None
    return secretmanager_v1.SecretManagerServiceClient(credentials=credentials)
