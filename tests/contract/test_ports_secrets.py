"""The port Secrets, over the emulator and over the fake."""

from __future__ import annotations

import pytest
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import SecretManagerServiceGrpcTransport
from google.iam.v1 import iam_policy_pb2

from tests.contract.moon import PROJECT, Moon
from untilgreen.adapters.google_connection import connect
from untilgreen.adapters.secret_manager import ACCESSOR, SecretManager
from untilgreen.errors import CloudUnavailable
from untilgreen.model.delivery import SecretBinding, SecretProblem, SecretStatus
from untilgreen.ports import Secrets
from untilgreen.testing import FakeSecrets

ACCOUNT = f"app@{PROJECT}.iam.gserviceaccount.com"
OFF = f"projects/{PROJECT}/secrets/disabled"


@pytest.fixture(params=["emulator", "fake"])
def secrets(request: pytest.FixtureRequest) -> Secrets:
    """Return secrets of which one is readable and each of the others has another problem."""
    if request.param == "fake":
        return FakeSecrets(
            {"none": SecretProblem.MISSING, "closed": SecretProblem.DENIED, "disabled": SecretProblem.DISABLED}
        )
    moon: Moon = request.getfixturevalue("moon")
    client(moon).disable_secret_version(name=f"{OFF}/versions/1")
    return SecretManager(PROJECT, moon.endpoint)


def client(moon: Moon) -> SecretManagerServiceClient:
    """Return Google's own client, with which somebody else changes things."""
    return connect(SecretManagerServiceClient, SecretManagerServiceGrpcTransport, moon.endpoint)


def check(secrets: Secrets, secret: str, version: str = "latest", account: str = ACCOUNT) -> SecretStatus:
    """Check one binding."""
    return secrets.check("app", SecretBinding(env="KEY", secret=secret, version=version), account)


def test_usable_secret(secrets: Secrets) -> None:
    """A secret that is there, enabled and readable by the runtime's own account has no problem."""
    status = check(secrets, "open")
    assert (status.usable, status.message, status.service, status.account) == (True, "", "app", ACCOUNT)


@pytest.mark.parametrize(
    ("secret", "problem"),
    [("none", SecretProblem.MISSING), ("closed", SecretProblem.DENIED), ("disabled", SecretProblem.DISABLED)],
)
def test_each_problem_has_its_name(secrets: Secrets, secret: str, problem: SecretProblem) -> None:
    """Each way in which a secret cannot be relied on has its own problem and a message that names the secret."""
    status = check(secrets, secret)
    assert status.problem is problem
    assert secret in status.message


def test_missing_version(moon: Moon) -> None:
    """A pinned version that does not exist is NO_VERSION."""
    assert check(SecretManager(PROJECT, moon.endpoint), "open", "9").problem is SecretProblem.NO_VERSION


def test_full_names(moon: Moon) -> None:
    """A secret may be named in full, as those of other projects must be."""
    assert check(SecretManager(PROJECT, moon.endpoint), f"projects/{PROJECT}/secrets/open", "1").usable


def test_other_account_is_denied(moon: Moon) -> None:
    """It is the runtime's own account that must have access, not whoever asks."""
    status = check(SecretManager(PROJECT, moon.endpoint), "open", account="other@x.test")
    assert status.problem is SecretProblem.DENIED
    assert "other@x.test" in status.message
    assert ACCESSOR in status.message


def test_conditional_access_is_no_access(moon: Moon) -> None:
    """A grant under a condition is not a pass: whether it holds cannot be known here."""
    name = f"projects/{PROJECT}/secrets/closed"
    request = iam_policy_pb2.SetIamPolicyRequest(resource=name)
    bound = request.policy.bindings.add(role=ACCESSOR, members=[f"serviceAccount:{ACCOUNT}"])
    bound.condition.expression = "false"
    google = client(moon)
    google.set_iam_policy(request=request)
    try:
        assert check(SecretManager(PROJECT, moon.endpoint), "closed").problem is SecretProblem.DENIED
    finally:
        google.set_iam_policy(request=iam_policy_pb2.SetIamPolicyRequest(resource=name))


def test_nobody_there_is_transient() -> None:
    """A Secret Manager that does not answer is CloudUnavailable, never a pass."""
    with pytest.raises(CloudUnavailable):
        check(SecretManager(PROJECT, "127.0.0.1:1", patience_s=0.3), "open")
