"""Secret Manager, by Google's own client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.secretmanager_v1 import SecretVersion
from google.iam.v1 import iam_policy_pb2, policy_pb2

from tests.contract.emulator_cloud import GOOD, Cloud, get, secret_env, service, shared, start, stop, unique
from untilgreen.emulator.crc32c import crc32c

PROJECT = "projects/emulator-moon"
ACCOUNT = "backend@emulator-moon.iam.gserviceaccount.com"
ACCESS = "secretmanager.versions.access"


@pytest.fixture
def cloud() -> Cloud:
    return shared()


def new_secret(cloud: Cloud, *values: bytes) -> str:
    secret = cloud.secrets.create_secret(
        parent=PROJECT,
        secret_id=unique("s"),
        secret={"replication": {"automatic": {}}, "labels": {"env": "staging"}},
    )
    for value in values:
        cloud.secrets.add_secret_version(parent=secret.name, payload={"data": value})
    return str(secret.name)


def grant(cloud: Cloud, secret: str) -> None:
    binding = policy_pb2.Binding(role="roles/secretmanager.secretAccessor", members=[f"serviceAccount:{ACCOUNT}"])
    policy = policy_pb2.Policy(bindings=[binding])
    cloud.secrets.set_iam_policy(request=iam_policy_pb2.SetIamPolicyRequest(resource=secret, policy=policy))


def test_checksum() -> None:
    """The checksum is CRC-32C: its standard check value holds."""
    assert crc32c(b"123456789") == 0xE3069283


def test_versions(cloud: Cloud) -> None:
    """`latest` is the newest version, and a number is that one."""
    name = new_secret(cloud, b"one", b"two")
    latest = cloud.secrets.access_secret_version(name=f"{name}/versions/latest")
    assert (latest.name, latest.payload.data, latest.payload.data_crc32c) == (
        f"{name}/versions/2",
        b"two",
        crc32c(b"two"),
    )
    assert cloud.secrets.access_secret_version(name=f"{name}/versions/1").payload.data == b"one"
    assert cloud.secrets.get_secret_version(name=f"{name}/versions/latest").name == f"{name}/versions/2"
    assert [v.name[-1] for v in cloud.secrets.list_secret_versions(parent=name)] == ["2", "1"]
    assert dict(cloud.secrets.get_secret(name=name).labels) == {"env": "staging"}
    assert name in [secret.name for secret in cloud.secrets.list_secrets(parent=PROJECT)]


def test_states(cloud: Cloud) -> None:
    """A disabled version gives nothing until it is enabled; a destroyed one never again."""
    version = new_secret(cloud, b"one") + "/versions/1"
    assert cloud.secrets.disable_secret_version(name=version).state == SecretVersion.State.DISABLED
    with pytest.raises(exceptions.FailedPrecondition, match="is in DISABLED state"):
        cloud.secrets.access_secret_version(name=version)
    cloud.secrets.enable_secret_version(name=version)
    assert cloud.secrets.access_secret_version(name=version).payload.data == b"one"
    cloud.secrets.destroy_secret_version(name=version)
    for call in (cloud.secrets.access_secret_version, cloud.secrets.enable_secret_version):
        with pytest.raises(exceptions.FailedPrecondition, match="is in DESTROYED state"):
            call(name=version)


def test_what_is_not_there(cloud: Cloud) -> None:
    """Missing secrets and versions are NOT_FOUND, and a name is taken only once."""
    name = new_secret(cloud)
    for call in (cloud.secrets.access_secret_version, cloud.secrets.get_secret_version):
        for version in ("latest", "1", "nonsense", "0"):
            with pytest.raises(exceptions.NotFound):
                call(name=f"{name}/versions/{version}")
    with pytest.raises(exceptions.NotFound):
        cloud.secrets.get_secret(name=f"{PROJECT}/secrets/none")
    with pytest.raises(exceptions.AlreadyExists):
        cloud.secrets.create_secret(parent=PROJECT, secret_id=name.rpartition("/")[2], secret={})


def test_corrupt_payload_is_refused(cloud: Cloud) -> None:
    """A payload that does not match its checksum is not kept."""
    name = new_secret(cloud)
    with pytest.raises(exceptions.InvalidArgument, match="data_crc32c"):
        cloud.secrets.add_secret_version(parent=name, payload={"data": b"x", "data_crc32c": 1})


def test_permissions_of_a_member(cloud: Cloud) -> None:
    """The deployer may do all; a member may what its roles say, and nothing before they say so."""
    name = new_secret(cloud, b"one")
    request = iam_policy_pb2.TestIamPermissionsRequest(
        resource=name, permissions=[ACCESS, "secretmanager.secrets.delete"]
    )
    as_account = {"metadata": [("x-emulator-principal", f"serviceAccount:{ACCOUNT}")]}
    assert len(cloud.secrets.test_iam_permissions(request=request).permissions) == 2
    assert list(cloud.secrets.test_iam_permissions(request=request, **as_account).permissions) == []
    with pytest.raises(exceptions.PermissionDenied, match=f"Permission '{ACCESS}' denied"):
        cloud.secrets.access_secret_version(name=f"{name}/versions/1", **as_account)
    grant(cloud, name)
    assert list(cloud.secrets.test_iam_permissions(request=request, **as_account).permissions) == [ACCESS]
    assert cloud.secrets.access_secret_version(name=f"{name}/versions/1", **as_account).payload.data == b"one"
    policy = cloud.secrets.get_iam_policy(request=iam_policy_pb2.GetIamPolicyRequest(resource=name))
    assert [list(binding.members) for binding in policy.bindings] == [[f"serviceAccount:{ACCOUNT}"]]


def test_stale_policy_is_refused(cloud: Cloud) -> None:
    """A policy that was read before someone changed it is not written."""
    name = new_secret(cloud)
    policy = cloud.secrets.get_iam_policy(request=iam_policy_pb2.GetIamPolicyRequest(resource=name))
    grant(cloud, name)
    with pytest.raises(exceptions.Aborted, match="concurrent policy changes"):
        cloud.secrets.set_iam_policy(request=iam_policy_pb2.SetIamPolicyRequest(resource=name, policy=policy))


def test_container_gets_its_secret(cloud: Cloud) -> None:
    """A revision whose account may read a secret starts with its value, of `latest` or of a number."""
    name = new_secret(cloud, b"one", b"two")
    grant(cloud, name)
    env = [secret_env("A", name), secret_env("B", name.rpartition("/")[2], "1")]
    state = cloud.deploy(service(unique(), cloud.push(GOOD), env=env, service_account=ACCOUNT))
    seen = json.loads(get(state.uri)[1])["env"]
    assert (seen["A"], seen["B"]) == ("two", "one")


def test_seed(tmp_path: Path) -> None:
    """A seed file's secrets are there from the start, with labels and accessors, and no value is on disk."""
    seed = tmp_path / "seed.yaml"
    seed.write_text(
        "project: seeded\nsecrets:\n"
        f"  made: {{generate: 32, labels: {{env: staging}}, accessors: [{ACCOUNT}]}}\n"
        "  given: {value: planted-and-never-on-disk}\n"
    )
    cloud = start(tmp_path / "state", "--seed", str(seed))
    try:
        made = cloud.secrets.access_secret_version(name="projects/seeded/secrets/made/versions/latest")
        given = cloud.secrets.access_secret_version(name="projects/seeded/secrets/given/versions/1")
        request = iam_policy_pb2.GetIamPolicyRequest(resource="projects/seeded/secrets/made")
        policy = cloud.secrets.get_iam_policy(request=request)
        assert len(made.payload.data) == 32
        assert given.payload.data == b"planted-and-never-on-disk"
        assert policy.bindings[0].members == [f"serviceAccount:{ACCOUNT}"]
    finally:
        cloud.channel.close()
        stop(cloud)
    files: list[Any] = [file for file in (tmp_path / "state").rglob("*") if file.is_file()]
    assert not any(b"planted-and-never" in file.read_bytes() for file in files)
