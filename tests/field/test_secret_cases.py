"""What really went wrong with secrets, reconstructed on the emulator: each test is named after its row."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.moon import PROJECT, Moon, rise
from tests.contract.vault import ACCOUNT, VALUES, plant, unreadable
from untilgreen.adapters.secret_manager import SecretManager
from untilgreen.deploy.step import deploy
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Image, Images, Rollout, ServingStatus
from untilgreen.model.secrets import SecretCheck, SecretProblem
from untilgreen.ports import Secrets
from untilgreen.settings import parse
from untilgreen.testing import FakeServices

DIGEST = f"sha256:{1:064d}"
RUN = Run(loop="field", cycle=1, commit="c" * 40, root="", state="")
OTHER = f"other@{PROJECT}.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def moon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moon]:
    """Start an emulator with secrets that the app's account may read."""
    with rise(tmp_path_factory.mktemp("moon"), tmp_path_factory.mktemp) as risen:
        plant(risen, VALUES)
        yield risen


def rolled_out(secrets: Secrets, backend: str, more: str = "") -> tuple[Rollout, FakeServices]:
    """Deploy an auth that binds the shared secret, and a backend that is written like this."""
    auth = f"{{source: a, image: r.test/a, account: {ACCOUNT}, secrets: {{SERVICE_SECRET: 'good:1'}}}}"
    settings = parse(f"services: {{auth: {auth}, backend: {{source: b, image: r.test/b, {backend}}}}}\n{more}")
    made = (
        Image(service=s, reference=f"{w.image}@{DIGEST}", digest=DIGEST, commit=RUN.commit, files=())
        for s, w in settings.services.items()
    )
    services = FakeServices()
    images = Images(commit=RUN.commit, images=tuple(made))
    return deploy(RUN, settings, images, services, secrets), services


@pytest.mark.parametrize(
    ("backend", "more"),
    [
        ("needs: [SERVICE_SECRET]", ""),
        ("port: 8080", "secrets: {shared: [[auth.SERVICE_SECRET, backend.SERVICE_SECRET]]}"),
    ],
)
def test_c10_shared_secret_not_bound(moon: Moon, backend: str, more: str) -> None:
    """C10: a shared secret that one service does not bind is refused before anything moves, with the line to add."""
    rollout, services = rolled_out(SecretManager(PROJECT, moon.endpoint), backend, more)
    assert services.applied == []
    served = rollout.of("backend")
    assert (served.status, served.reason) == (ServingStatus.REFUSED, "SECRET_NOT_BOUND")
    assert "SERVICE_SECRET" in served.message


def test_c10_shared_secret_bound_to_another(moon: Moon) -> None:
    """C10: services that must share a secret and bind different ones are refused, and no value is shown."""
    rollout, services = rolled_out(
        SecretManager(PROJECT, moon.endpoint),
        f"account: {ACCOUNT}, secrets: {{SERVICE_SECRET: 'open:1'}}",
        "secrets: {shared: [[auth.SERVICE_SECRET, backend.SERVICE_SECRET]]}",
    )
    assert services.applied == []
    assert {status.problem for status in rollout.secrets} == {SecretProblem.UNEQUAL}
    assert VALUES["good"] not in rollout.model_dump_json()


def test_c11_the_runtime_identity_may_not_read(moon: Moon) -> None:
    """C11: a secret that exists and that the runtime's own account may not read is refused, with role and account."""
    rollout, services = rolled_out(
        SecretManager(PROJECT, moon.endpoint), f"account: {OTHER}, secrets: {{SERVICE_SECRET: 'good:1'}}"
    )
    assert services.applied == []
    served = rollout.of("backend")
    assert (served.status, served.reason) == (ServingStatus.REFUSED, "SECRET_DENIED")
    assert OTHER in served.message
    assert "roles/secretmanager.secretAccessor" in served.message


def test_c13_trailing_newline(moon: Moon) -> None:
    """C13: a secret with a trailing newline is refused as white space, and its value is shown to nobody."""
    rollout, services = rolled_out(
        SecretManager(PROJECT, moon.endpoint), f"account: {ACCOUNT}, secrets: {{CLIENT_ID: 'newline:1'}}"
    )
    assert services.applied == []
    served = rollout.of("backend")
    assert (served.status, served.reason) == (ServingStatus.REFUSED, "SECRET_WHITE_SPACE")
    assert "newline" in served.message
    assert VALUES["newline"].strip() not in rollout.model_dump_json()


def test_c13_nobody_looked_is_no_pass(moon: Moon) -> None:
    """C13: a deployer who may not read values is told that nobody looked, and a setting refuses the rollout then."""
    backend = f"account: {ACCOUNT}, secrets: {{CLIENT_ID: 'newline:1'}}"
    rollout, services = rolled_out(unreadable(moon), backend)
    assert len(services.applied) == 2
    assert any("CLIENT_ID: value_not_read" in note for note in rollout.notes)
    assert all(SecretCheck.CONTENT in status.unchecked for status in rollout.secrets)
    refused, services = rolled_out(unreadable(moon), backend, "secrets: {require_values: true}")
    assert services.applied == []
    assert refused.of("backend").reason == "SECRET_VALUE_NOT_READ"
