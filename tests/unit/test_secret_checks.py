"""The secret checks of step deploy, over the fake."""

from __future__ import annotations

from typing import Any

import pytest

from untilgreen.deploy.secrets import check_secrets, warnings
from untilgreen.deploy.secrets_policy import SecretSettings
from untilgreen.deploy.secrets_reads import Read
from untilgreen.deploy.wanted import Wanted, WantedService, binding
from untilgreen.model.delivery import Template
from untilgreen.model.secrets import SecretCheck, SecretProblem, SecretStatus, Severity
from untilgreen.testing import FakeSecrets

ONE, OTHER = "q7Zr2Lw9Xb4Kc8Vn1Tm6", "p3Hs8Dk5Jf0Ga2Ue7Yb4"


def service(name: str, secrets: dict[str, str] | None = None, **fields: Any) -> WantedService:
    """Return a service with these bindings, written as in the settings."""
    bound = tuple(binding(env, named) for env, named in (secrets or {}).items())
    template = Template(
        service=name, image="i@sha256:1", secrets=bound, account="app@x.test", env=fields.pop("env", {})
    )
    return WantedService(service=name, revision=f"{name}-1", digest="sha256:1", template=template, **fields)


def checked(
    *services: WantedService,
    secrets: FakeSecrets | None = None,
    reads: dict[str, dict[str, Read]] | None = None,
    **policy: Any,
) -> dict[str, SecretStatus]:
    """Check, and return the statuses by `service.ENV`."""
    wanted = Wanted(commit="c", services=services)
    found = check_secrets(wanted, secrets or FakeSecrets(), SecretSettings(**policy), reads)
    return {f"{status.service}.{status.binding.env}": status for status in found}


def test_sound_secret() -> None:
    """A pinned secret with a sound value has no problem, and what was looked at is told."""
    status = checked(service("auth", {"KEY": "key:1"}), secrets=FakeSecrets(values={"key": ONE}))["auth.KEY"]
    assert (status.usable, status.problem, status.findings) == (True, None, ())
    assert {SecretCheck.CONTENT, SecretCheck.ACCESS, SecretCheck.PINNED} <= set(status.checks)


@pytest.mark.parametrize(
    ("problem", "setting"),
    [
        (SecretProblem.VALUE_NOT_READ, "require_values"),
        (SecretProblem.UNCONFIRMED, "require_access"),
        (SecretProblem.UNPINNED, "require_pinned"),
    ],
)
def test_told_or_refused(problem: SecretProblem, setting: str) -> None:
    """What nobody could find out refuses nothing by itself and is never a pass; a setting makes it refuse."""
    secrets = FakeSecrets({} if problem is SecretProblem.UNPINNED else {"key": problem})
    wanted = service("auth", {"KEY": "key"})
    told = checked(wanted, secrets=secrets)["auth.KEY"]
    assert told.usable
    assert problem in {finding.problem for finding in told.findings}
    refused = checked(wanted, secrets=secrets, **{setting: True})["auth.KEY"]
    assert not refused.usable
    assert refused.problem is problem


def test_unread_values_keep_their_checks_open() -> None:
    """A value that was not read is listed as unchecked, and so is its equality with others."""
    secrets = FakeSecrets({"key": SecretProblem.VALUE_NOT_READ})
    found = checked(
        service("auth", {"KEY": "key:1"}),
        service("backend", {"KEY": "other:1"}),
        secrets=secrets,
        shared=(("auth.KEY", "backend.KEY"),),
    )
    assert found["auth.KEY"].unchecked == (SecretCheck.CONTENT, SecretCheck.SHARED)
    assert SecretCheck.SHARED not in found["auth.KEY"].checks
    assert found["auth.KEY"].usable


def test_all_problems_are_told_at_once() -> None:
    """A secret with several problems shows all of them, the worst first, and all reasons to refuse in its message."""
    secrets = FakeSecrets(values={"key": " todo"}, labels={"key": {"env": "production"}})
    status = checked(service("auth", {"KEY": "key"}), secrets=secrets, environment="staging")["auth.KEY"]
    assert [f.problem for f in status.findings] == [
        *(SecretProblem.WHITE_SPACE, SecretProblem.PLACEHOLDER, SecretProblem.TOO_SHORT),
        *(SecretProblem.WRONG_ENVIRONMENT, SecretProblem.UNPINNED),
    ]
    assert status.findings[-1].severity is Severity.WARNING
    assert "placeholder" in status.message
    assert "labelled env=production" in status.message


@pytest.mark.parametrize(
    ("labels", "environment", "problem"),
    [
        ({"env": "production"}, "staging", SecretProblem.WRONG_ENVIRONMENT),
        ({"env": "staging"}, "staging", None),
        ({}, "staging", None),
        ({"env": "production"}, "", None),
    ],
)
def test_environment(labels: dict[str, str], environment: str, problem: SecretProblem | None) -> None:
    """A label that names another environment is refused; no label says nothing."""
    secrets = FakeSecrets(labels={"key": labels})
    found = checked(service("auth", {"KEY": "key:1"}), secrets=secrets, environment=environment)["auth.KEY"]
    assert found.problem is problem
    assert (SecretCheck.ENVIRONMENT in found.checks) == bool(labels and environment)


def test_needed_and_unbound() -> None:
    """What a service needs and nothing binds refuses the rollout, with the line to add."""
    status = checked(service("auth", unbound=("TOKEN",)))["auth.TOKEN"]
    assert (status.problem, status.usable) == (SecretProblem.NOT_BOUND, False)
    assert "Add it to services.auth.secrets" in status.message


def test_read_in_source_and_undeclared() -> None:
    """What the source reads without a default and nothing gives is told with its line; `needs` makes it a refusal."""
    reads = {"auth": {"TOKEN": Read("TOKEN", "auth/main.py", 3, optional=False)}}
    told = checked(service("auth"), reads=reads)["auth.TOKEN"]
    assert (told.problem, told.usable) == (SecretProblem.UNDECLARED, True)
    assert "auth/main.py:3" in told.message
    needed = checked(service("auth", unbound=("TOKEN",)), reads=reads)["auth.TOKEN"]
    assert needed.problem is SecretProblem.NOT_BOUND
    assert checked(service("auth", env={"TOKEN": "{b.url}"}), reads=reads) == {}
    assert checked(service("auth", {"TOKEN": "t:1"}), reads=reads)["auth.TOKEN"].problem is None


@pytest.mark.parametrize(
    ("env", "value"),
    [
        ("STRIPE", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
        ("DATABASE", "postgres://shop:q7Zr2Lw9@db/shop"),
        ("API_TOKEN", "q7Zr2Lw9Xb4Kc8Vn1Tm6"),
        ("GREETING", f"hello {ONE}"),
    ],
)
def test_credential_in_the_open(env: str, value: str) -> None:
    """A credential in the template's environment is refused, a known secret's value among them, and never shown."""
    wanted = service("auth", {"KEY": "key:1"}, env={env: value})
    status = checked(wanted, secrets=FakeSecrets(values={"key": ONE}))[f"auth.{env}"]
    assert (status.problem, status.usable) == (SecretProblem.PLAIN, False)
    assert value not in status.model_dump_json()
    assert ONE not in status.model_dump_json()


@pytest.mark.parametrize(
    ("env", "value"),
    [
        ("AUTH_URL", "{auth.url}/login"),
        ("TOKEN_URL", "https://accounts.example.test/o/oauth2/token"),
        ("LOG_LEVEL", "info"),
        ("TOKEN_TTL", "3600"),
        ("COMMIT", "0123456789abcdef0123456789abcdef01234567"),
    ],
)
def test_settings_are_no_credentials(env: str, value: str) -> None:
    """Addresses, numbers, words and hashes may stand in the open."""
    assert checked(service("auth", env={env: value})) == {}


def test_shared_values_must_be_equal() -> None:
    """Services that must share a secret and are given different values are refused, each with the other's name."""
    secrets = FakeSecrets(values={"one": ONE, "other": OTHER})
    services = (service("auth", {"SECRET": "one:1"}), service("backend", {"SECRET": "other:1"}))
    found = checked(*services, secrets=secrets, shared=(("auth.SECRET", "backend.SECRET"),))
    assert {status.problem for status in found.values()} == {SecretProblem.UNEQUAL}
    assert "backend.SECRET" in found["auth.SECRET"].message
    same = FakeSecrets(values={"one": ONE, "other": ONE})
    found = checked(*services, secrets=same, shared=(("auth.SECRET", "backend.SECRET"),))
    assert all(s.problem is None and SecretCheck.SHARED in s.checks for s in found.values())


def test_shared_and_unbound() -> None:
    """A service that must share a secret and binds none is refused before the rollout."""
    found = checked(service("auth", {"S": "one:1"}), service("backend"), shared=(("auth.S", "backend.S"),))
    assert found["backend.S"].problem is SecretProblem.NOT_BOUND
    assert not found["backend.S"].usable


@pytest.mark.parametrize(
    ("mine", "theirs", "values", "problem"),
    [
        ({"S": "s:1"}, {"S": "s:2"}, {"s:1": ONE, "s:2": OTHER}, SecretProblem.UNEQUAL),
        ({"S": "s:1"}, {"S": "s:2"}, {"s:1": ONE, "s:2": ONE}, None),
        ({"S": "s:2"}, {"S": "s:2", "OLD": "s:1"}, {"s:1": ONE, "s:2": OTHER}, None),
        ({"S": "s:1"}, {"S": "s:1"}, {}, None),
        ({"S": "s:1"}, {"T": "t:1"}, {"s:1": ONE, "t:1": OTHER}, None),
    ],
)
def test_one_secret_in_two_versions(
    mine: dict[str, str], theirs: dict[str, str], values: dict[str, str], problem: SecretProblem | None
) -> None:
    """Services with no version of a secret in common must find the same value; a rotation has one in common."""
    found = checked(service("auth", mine), service("backend", theirs), secrets=FakeSecrets(values=values))
    assert {status.problem for status in found.values()} == {problem}


def test_versions_that_cannot_be_compared() -> None:
    """Two versions that nobody may read are told, not passed."""
    secrets = FakeSecrets({"s": SecretProblem.VALUE_NOT_READ})
    found = checked(service("auth", {"S": "s:1"}), service("backend", {"S": "s:2"}), secrets=secrets)
    assert all(SecretCheck.SHARED in status.unchecked for status in found.values())


@pytest.mark.parametrize("name", ["user", "auth.USER"])
def test_excused(name: str) -> None:
    """What a project excuses, by secret or by place, is told and refuses nothing; nothing else is excused with it."""
    secrets = FakeSecrets(values={"user": "shop", "key": "k3y"})
    found = checked(
        service("auth", {"USER": "user:1", "KEY": "key:1"}), secrets=secrets, excused={name: ("too_short",)}
    )
    assert found["auth.USER"].usable
    assert not found["auth.KEY"].usable
    assert [line.partition(": ")[0] for line in warnings(tuple(found.values()))] == ["auth.USER"]
