"""What the emulator keeps: everything, over any end."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.cloud.secretmanager_v1 import SecretVersion
from google.iam.v1 import iam_policy_pb2, policy_pb2

from tests.contract.emulator_cloud import (
    CRASH,
    GOOD,
    PARENT,
    PROJECT,
    REGISTRY,
    Allocation,
    Cloud,
    DeployFailed,
    get,
    secret_env,
    service,
    short,
    start,
)

ACCOUNT = f"app@{PROJECT}.iam.gserviceaccount.com"
SLOW = "import time; time.sleep(1.5)\n" + GOOD

Restart = Callable[..., Cloud]


@pytest.fixture
def restart(tmp_path: Path) -> Iterator[Restart]:
    """Return what starts an emulator on this test's folder, ending the one before by a signal if there is one."""
    running: list[Cloud] = []

    def again(*arguments: str, how: signal.Signals = signal.SIGKILL) -> Cloud:
        if running:
            end(running.pop(), how)
        running.append(start(tmp_path, "--with-parent", *arguments))
        return running[0]

    yield again
    for cloud in running:
        end(cloud, signal.SIGTERM)


def end(cloud: Cloud, how: signal.Signals) -> None:
    cloud.channel.close()
    cloud.process.send_signal(how)  # does nothing to one that has ended
    cloud.process.wait(timeout=10)
    if cloud.process.stdout:
        cloud.process.stdout.close()


def new_secret(cloud: Cloud, name: str, *values: bytes) -> str:
    secret = cloud.secrets.create_secret(
        parent=f"projects/{PROJECT}",
        secret_id=name,
        secret={"replication": {"automatic": {}}, "labels": {"env": "moon"}},
    )
    for value in values:
        cloud.secrets.add_secret_version(parent=secret.name, payload={"data": value})
    return str(secret.name)


def grant(cloud: Cloud, resource: str) -> None:
    binding = policy_pb2.Binding(role="roles/secretmanager.secretAccessor", members=[f"serviceAccount:{ACCOUNT}"])
    policy = policy_pb2.Policy(bindings=[binding])
    cloud.secrets.set_iam_policy(request=iam_policy_pb2.SetIamPolicyRequest(resource=resource, policy=policy))


def to_revision(revision: str, percent: int, tag: str = "") -> run_v2.TrafficTarget:
    kind = Allocation.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
    return run_v2.TrafficTarget(type_=kind, revision=revision, percent=percent, tag=tag)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_service_goes_on_serving(restart: Restart, how: signal.Signals) -> None:
    """After any end, a service and its revisions are what they were, and answer at the same URLs, tags included."""
    cloud = restart()
    first = cloud.deploy(service("one", cloud.push(GOOD), revision="one-a", env=[run_v2.EnvVar(name="V", value="a")]))
    split = [to_revision("one-a", 100), to_revision("one-b", 0, "next")]
    state = cloud.deploy(
        service("one", cloud.push(GOOD), revision="one-b", env=[run_v2.EnvVar(name="V", value="b")], traffic=split)
    )
    before = cloud.services.get_service(name=state.name), list(cloud.revisions.list_revisions(parent=state.name))
    cloud = restart(how=how)
    after = cloud.services.get_service(name=state.name), list(cloud.revisions.list_revisions(parent=state.name))
    assert after == before
    assert b'"V": "a"' in get(first.uri)[1]
    assert b'"V": "b"' in get(next(s.uri for s in state.traffic_statuses if s.tag))[1]
    assert cloud.deploy(service("one", cloud.push(GOOD), revision="one-c")).uri == first.uri


def test_secrets_and_policies_are_kept(restart: Restart) -> None:
    """Secrets, their versions, values and policies outlive a kill; a removed secret does not come back."""
    cloud = restart()
    name = new_secret(cloud, "key", b"planted-1", b"planted-2", b"planted-3")
    grant(cloud, name)
    cloud.secrets.disable_secret_version(name=f"{name}/versions/2")
    cloud.secrets.destroy_secret_version(name=f"{name}/versions/3")
    cloud.secrets.delete_secret(name=new_secret(cloud, "gone", b"planted-4"))
    policy = cloud.secrets.get_iam_policy(request=iam_policy_pb2.GetIamPolicyRequest(resource=name))
    cloud = restart()
    assert dict(cloud.secrets.get_secret(name=name).labels) == {"env": "moon"}
    states = [SecretVersion.State(v.state).name for v in cloud.secrets.list_secret_versions(parent=name)]
    assert states == ["DESTROYED", "DISABLED", "ENABLED"]
    assert cloud.secrets.access_secret_version(name=f"{name}/versions/1").payload.data == b"planted-1"
    cloud.secrets.enable_secret_version(name=f"{name}/versions/2")
    assert cloud.secrets.access_secret_version(name=f"{name}/versions/2").payload.data == b"planted-2"
    assert cloud.secrets.get_iam_policy(request=iam_policy_pb2.GetIamPolicyRequest(resource=name)) == policy
    with pytest.raises(exceptions.NotFound):
        cloud.secrets.get_secret(name=f"projects/{PROJECT}/secrets/gone")
    env = [secret_env("KEY", "key", "1")]
    cloud.deploy(service("one", cloud.push(GOOD), env=env, service_account=ACCOUNT))


def test_no_value_is_readable_on_disk(restart: Restart, tmp_path: Path) -> None:
    """A secret's value stands in no file of the state, neither as it is nor in base64; keys are for the owner only."""
    cloud = restart()
    new_secret(cloud, "key", b"planted-value")
    restart(how=signal.SIGTERM)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not [
        file for file in files if b"planted-value" in file.read_bytes() or b"cGxhbnRlZC12YWx1" in file.read_bytes()
    ]
    for name in ("secrets.key", "cloud-1.sqlite", "tls/key.pem"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_a_rollout_goes_on(restart: Restart) -> None:
    """A kill in the middle of a rollout only delays it: the same operation ends well, and the revision serves."""
    cloud = restart()
    operation = cloud.begin(service("one", cloud.push(SLOW)))
    cloud = restart()
    ended = cloud.settled(operation)
    assert ended.done
    assert not ended.HasField("error")
    state = cloud.services.get_service(name=f"{PARENT}/services/one")
    assert not state.reconciling
    assert state.latest_ready_revision == state.latest_created_revision
    assert get(state.uri)[0] == 200


def test_a_failure_stays_one(restart: Restart) -> None:
    """A revision that failed is not tried again after a restart, says the same, and the old one goes on serving."""
    cloud = restart()
    good = cloud.deploy(service("one", cloud.push(GOOD)))
    operation = cloud.begin(service("one", cloud.push(CRASH)))
    before = cloud.settled(operation)
    cloud = restart()
    assert cloud.settled(operation) == before
    state = cloud.services.get_service(name=good.name)
    assert short(state.latest_created_revision) in state.terminal_condition.message
    assert get(good.uri)[0] == 200
    with pytest.raises(DeployFailed, match="failed to start and listen"):
        cloud.deploy(service("one", cloud.push(CRASH)))


def test_logs_and_operations_are_kept(restart: Restart) -> None:
    """Entries and ended operations can be read after a restart; a deleted service stays deleted."""
    cloud = restart()
    operation = cloud.begin(service("one", cloud.push(GOOD)))
    ended = cloud.settled(operation)
    cloud.services.delete_service(name=f"{PARENT}/services/one").result(timeout=20)
    count = len(cloud.eventually('log_id("run.googleapis.com/stdout") "started"'))
    cloud = restart(how=signal.SIGTERM)
    assert cloud.settled(operation) == ended
    assert len(cloud.entries('log_id("run.googleapis.com/stdout") "started"')) == count
    with pytest.raises(exceptions.NotFound):
        cloud.services.get_service(name=f"{PARENT}/services/one")


@pytest.mark.slow
def test_an_image_that_is_gone(restart: Restart, tmp_path: Path) -> None:
    """A service whose image has vanished is still there after a restart, answers 503, and takes a new deployment."""
    cloud = restart()
    state = cloud.deploy(service("one", cloud.push(GOOD)))
    shutil.rmtree(tmp_path / "registry" / REGISTRY)
    cloud = restart()
    assert cloud.services.get_service(name=state.name).uri == state.uri
    assert get(state.uri)[0] == 503
    cloud.deploy(service("one", cloud.push(GOOD), labels={"again": "1"}))
    assert get(state.uri)[0] == 200


@pytest.mark.slow
def test_a_port_that_somebody_took(restart: Restart) -> None:
    """A service whose port is no longer free gets another URL, says so, and answers there."""
    cloud = restart()
    state = cloud.deploy(service("one", cloud.push(GOOD)))
    with socket.socket() as taken:
        end(cloud, signal.SIGKILL)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(state.uri.rpartition(":")[2])))
        taken.listen()
        cloud = restart()
        moved = cloud.services.get_service(name=state.name)
        assert moved.uri != state.uri
        assert list(moved.urls) == [moved.uri]
        assert get(moved.uri)[0] == 200


def test_whatever_was_answered_is_kept(restart: Restart) -> None:
    """A kill at any moment loses nothing that was answered, and leaves a state that the next start reads."""
    chance, known = random.Random(7), 0  # noqa: S311 - picks moments, guards nothing
    cloud = restart()
    image = cloud.push("import time; time.sleep(60)")
    name = new_secret(cloud, "key")
    for _ in range(3):
        killer = threading.Timer(chance.uniform(0.005, 0.15), os.kill, [cloud.process.pid, signal.SIGKILL])
        killer.start()
        known, services = add_until_the_end(cloud, name, image, known)
        killer.join()
        cloud = restart()
        kept = [int(short(version.name)) for version in cloud.secrets.list_secret_versions(parent=name)]
        assert kept in (list(range(known, 0, -1)), list(range(known + 1, 0, -1)))
        known = len(kept)
        assert set(services) <= {short(s.name) for s in cloud.services.list_services(parent=PARENT)}
        for each in cloud.services.list_services(parent=PARENT):
            cloud.services.delete_service(name=each.name)


def add_until_the_end(cloud: Cloud, secret: str, image: str, known: int) -> tuple[int, list[str]]:
    """Change things until the emulator is gone; return what it has answered."""
    services: list[str] = []
    with contextlib.suppress(exceptions.ServiceUnavailable):
        while True:
            version = cloud.secrets.add_secret_version(parent=secret, payload={"data": b"x"}, retry=None, timeout=5)
            known = int(short(version.name))
            if len(services) < 3:
                made = service(f"s{known}", image)
                cloud.services.update_service(
                    run_v2.UpdateServiceRequest(service=made, allow_missing=True), retry=None, timeout=5
                )
                services.append(f"s{known}")
    return known, services


@pytest.mark.parametrize("file", ["cloud-1.sqlite", "logs-2.sqlite", "secrets.key"])
def test_a_broken_state_is_one_line(tmp_path: Path, file: str) -> None:
    """A state that cannot be read is told in one line that names the file and the remedy, with exit code 2."""
    (tmp_path / file).write_bytes(b"nothing that anybody could read" * 40)
    command = [sys.executable, "-m", "untilgreen.emulator", "--state", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert file in line
    assert "Remove" in line


@pytest.mark.slow
def test_another_key_opens_nothing(restart: Restart, tmp_path: Path) -> None:
    """A key that is not the one of the secrets ends the start in one line: values are never turned into rubbish."""
    cloud = restart()
    new_secret(cloud, "key", b"value")
    end(cloud, signal.SIGTERM)
    (tmp_path / "secrets.key").write_bytes(bytes(32))
    command = [sys.executable, "-m", "untilgreen.emulator", "--state", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "secrets.key is not the key of these secrets" in line


def test_a_seed_speaks_when_it_changes(restart: Restart, tmp_path: Path) -> None:
    """An unchanged seed undoes nothing that the API changed; a changed one is planted, and what it drops is gone."""
    seed = tmp_path / "seed.yaml"

    def sow(**specs: Any) -> Cloud:
        seed.write_text(f"project: {PROJECT}\nsecrets: {specs}\n")
        return restart("--seed", str(seed))

    def value(cloud: Cloud, name: str) -> bytes:
        found = cloud.secrets.access_secret_version(name=f"projects/{PROJECT}/secrets/{name}/versions/latest")
        return bytes(found.payload.data)

    cloud = sow(kept={"generate": 16}, told={"value": "one"}, dropped={"value": "two"})
    generated = value(cloud, "kept")
    cloud.secrets.add_secret_version(parent=f"projects/{PROJECT}/secrets/told", payload={"data": b"by hand"})
    cloud = sow(kept={"generate": 16}, told={"value": "one"}, dropped={"value": "two"})
    assert (value(cloud, "kept"), value(cloud, "told")) == (generated, b"by hand")
    cloud = sow(kept={"generate": 16, "accessors": [ACCOUNT]}, told={"value": "three"})
    assert (value(cloud, "kept"), value(cloud, "told")) == (generated, b"three")
    policy = cloud.secrets.get_iam_policy(
        request=iam_policy_pb2.GetIamPolicyRequest(resource=f"projects/{PROJECT}/secrets/kept")
    )
    assert [list(b.members) for b in policy.bindings] == [[f"serviceAccount:{ACCOUNT}"]]
    with pytest.raises(exceptions.NotFound):
        value(cloud, "dropped")
