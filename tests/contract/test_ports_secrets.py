"""The port Secrets, over the emulator and over the fake."""

from __future__ import annotations

import pickle

import pytest

from tests.contract.moon import PROJECT, Moon
from tests.contract.vault import ACCOUNT, VALUES, check, client, plant, unreadable
from untilgreen.adapters.secret_manager import SecretManager
from untilgreen.adapters.secret_manager_access import ACCESSOR
from untilgreen.errors import CloudUnavailable
from untilgreen.model.secrets import SecretBinding, SecretCheck, SecretProblem
from untilgreen.ports import Secrets
from untilgreen.testing import FakeSecrets

DISABLED = f"projects/{PROJECT}/secrets/disabled/versions/1"


@pytest.fixture(params=["emulator", "fake"])
def secrets(request: pytest.FixtureRequest) -> Secrets:
    """Return secrets of which some are usable and each of the others has another problem."""
    if request.param == "fake":
        problems = {
            "none": SecretProblem.MISSING,
            "closed": SecretProblem.DENIED,
            "disabled": SecretProblem.DISABLED,
        }
        return FakeSecrets(problems, VALUES, {name: {"env": "staging"} for name in ("good", "same", "newline")})
    moon: Moon = request.getfixturevalue("moon")
    client(moon).disable_secret_version(name=DISABLED)
    plant(moon, VALUES)
    return SecretManager(PROJECT, moon.endpoint)


def test_usable_secret(secrets: Secrets) -> None:
    """A secret that is there, enabled, readable by the runtime's own account and of sound content has no problem."""
    status = check(secrets, "good", "1")
    assert (status.usable, status.message, status.service, status.account) == (True, "", "app", ACCOUNT)
    assert set(status.checks) == {SecretCheck.EXISTS, SecretCheck.VERSION, SecretCheck.ACCESS, SecretCheck.CONTENT}
    assert status.unchecked == ()


def test_metadata_comes_along(secrets: Secrets) -> None:
    """The number that `latest` means, and the labels, are told with the status."""
    status = check(secrets, "good")
    assert (status.version, status.labels) == ("1", {"env": "staging"})


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("none", SecretProblem.MISSING),
        ("closed", SecretProblem.DENIED),
        ("disabled", SecretProblem.DISABLED),
        ("blank", SecretProblem.EMPTY),
        ("newline", SecretProblem.WHITE_SPACE),
        ("placeholder", SecretProblem.PLACEHOLDER),
        ("short", SecretProblem.TOO_SHORT),
    ],
)
def test_each_problem_has_its_name(secrets: Secrets, secret: str, problem: SecretProblem) -> None:
    """Each way in which a secret cannot be relied on has its own problem and a message that names the secret."""
    status = check(secrets, secret)
    assert status.problem is problem
    assert secret in status.message


@pytest.mark.parametrize("secret", sorted(VALUES))
def test_no_value_comes_out(secrets: Secrets, secret: str) -> None:
    """Nothing that the port gives shows a value: no status, no repr, no pickle."""
    bare = VALUES[secret].strip()
    status = check(secrets, secret)
    redaction = secrets.redaction([status.binding])
    shown = status.model_dump_json() + repr(secrets) + repr(redaction)
    assert not bare or bare not in shown
    with pytest.raises(TypeError):
        pickle.dumps(redaction)


def test_values_are_compared_inside(secrets: Secrets) -> None:
    """Equal values are alike, different ones are not, and only the answer comes out."""
    good, same, other = (SecretBinding(env="E", secret=name, version="1") for name in ("good", "same", "newline"))
    assert secrets.alike([good, same]) is True
    assert secrets.alike([good, same, other]) is False


def test_redaction_knows_the_values(secrets: Secrets) -> None:
    """What is given to a service is masked by the name of its secret."""
    redaction = secrets.redaction([SecretBinding(env="KEY", secret="good")])
    assert redaction.mask(f"the key is {VALUES['good']}.") == "the key is [redacted:good]."


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


def test_unknown_account_is_unconfirmed(moon: Moon) -> None:
    """When nobody knows which account a service runs as, its access is not checked, and that is no pass."""
    status = check(SecretManager(PROJECT, moon.endpoint), "open", account="")
    assert status.problem is SecretProblem.UNCONFIRMED
    assert status.unchecked == (SecretCheck.ACCESS,)


def test_unreadable_value_is_said(moon: Moon) -> None:
    """A deployer who may not read values learns that nobody looked: VALUE_NOT_READ, not a pass."""
    plant(moon, VALUES)
    vault = unreadable(moon)
    status = check(vault, "newline", "1")
    assert status.problem is SecretProblem.VALUE_NOT_READ
    assert status.unchecked == (SecretCheck.CONTENT,)
    assert vault.alike([status.binding, SecretBinding(env="E", secret="good", version="1")]) is None
    assert vault.redaction([status.binding]).mask(VALUES["newline"]) == VALUES["newline"]


def test_nobody_there_is_transient() -> None:
    """A Secret Manager that does not answer is CloudUnavailable, never a pass."""
    with pytest.raises(CloudUnavailable):
        check(SecretManager(PROJECT, "127.0.0.1:1", patience_s=0.3), "open")
