"""Cloud Run's deploy contract, by Google's own client against a really started emulator."""

from __future__ import annotations

import json

import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.protobuf import field_mask_pb2

from tests.contract.emulator_cloud import (
    CRASH,
    DEAF,
    GOOD,
    PARENT,
    Cloud,
    DeployFailed,
    get,
    secret_env,
    service,
    shared,
    short,
    unique,
)

State = run_v2.Condition.State
CommonReason = run_v2.Condition.CommonReason
RevisionReason = run_v2.Condition.RevisionReason
NEVER_LISTENED = (
    "The user-provided container failed to start and listen on the port defined provided by the PORT=8080 environment "
    "variable within the allocated timeout."
)
QUICK = run_v2.Probe(period_seconds=1, failure_threshold=1, timeout_seconds=1)


@pytest.fixture
def cloud() -> Cloud:
    return shared()


def env_of(url: str) -> dict[str, str]:
    return dict(json.loads(get(url)[1])["env"])


def test_good_revision_serves(cloud: Cloud) -> None:
    """A container that listens makes the service Ready, with all the traffic on the new revision."""
    name = unique()
    state = cloud.deploy(service(name, cloud.push(GOOD)))
    assert not state.reconciling
    assert (state.terminal_condition.type_, state.terminal_condition.state) == ("Ready", State.CONDITION_SUCCEEDED)
    assert state.observed_generation == state.generation == 1
    assert state.latest_ready_revision == state.latest_created_revision
    assert [(t.percent, t.revision) for t in state.traffic_statuses] == [(100, "")]
    assert env_of(state.uri)["K_REVISION"] == short(state.latest_ready_revision)


def test_environment_holds_nothing_of_the_emulator(cloud: Cloud) -> None:
    """A container sees its template's variables, what Cloud Run adds, and nothing else but PATH, HOME and LANG."""
    name = unique()
    env = env_of(cloud.deploy(service(name, cloud.push(GOOD), env=[run_v2.EnvVar(name="A", value="1")])).uri)
    ours = {"A", "PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"}
    assert set(env) - {"LANG", "HOME", "LC_CTYPE"} == ours | {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    assert (env["A"], env["K_SERVICE"], env["K_CONFIGURATION"]) == ("1", name, name)


def test_operation_reports_reconciling_first(cloud: Cloud) -> None:
    """An update returns at once, with an operation whose metadata is the service still reconciling."""
    operation = cloud.begin(service(unique(), cloud.push(GOOD)))
    metadata = run_v2.Service.deserialize(operation.operation.metadata.value)
    assert metadata.reconciling
    assert operation.result(timeout=20).terminal_condition.state == State.CONDITION_SUCCEEDED


def test_revision_is_pinned_by_digest(cloud: Cloud) -> None:
    """A tag is resolved when the revision is made: moving it later deploys nothing."""
    name, image = unique(), cloud.push(GOOD)
    repository, _, digest = image.partition("@")
    tags = cloud.state / "registry" / repository / "tags"
    tags.mkdir(exist_ok=True)
    (tags / "live").write_text(digest)
    first = cloud.deploy(service(name, f"{repository}:live"))
    assert cloud.revisions.get_revision(name=first.latest_ready_revision).containers[0].image == image
    (tags / "live").write_text(cloud.push(GOOD + "# changed").partition("@")[2])
    second = cloud.deploy(service(name, f"{repository}:live"))
    assert second.latest_created_revision == first.latest_created_revision


def test_crash_fails_at_once_and_the_old_revision_serves_on(cloud: Cloud) -> None:
    """A container that exits fails its revision without waiting for the probe's end; the old one keeps the traffic."""
    name = unique()
    good = cloud.deploy(service(name, cloud.push(GOOD)))
    with pytest.raises(DeployFailed) as error:
        cloud.deploy(service(name, cloud.push(CRASH)))
    state = cloud.services.get_service(name=good.name)
    failed = short(state.latest_created_revision)
    assert f"Revision '{failed}' is not ready and cannot serve traffic. {NEVER_LISTENED}" in str(error.value)
    assert state.terminal_condition.state == State.CONDITION_FAILED
    assert state.terminal_condition.revision_reason == RevisionReason.HEALTH_CHECK_CONTAINER_ERROR
    assert NEVER_LISTENED in state.terminal_condition.message
    assert (state.observed_generation, state.generation) == (1, 2)
    assert state.latest_ready_revision == good.latest_ready_revision
    assert env_of(state.uri)["K_REVISION"] == short(good.latest_ready_revision)
    lines = cloud.eventually(f'resource.labels.revision_name="{failed}" logName:"varlog" severity>=WARNING', 2)
    assert lines[0].text_payload == "Container called exit(3)."
    assert lines[1].text_payload.startswith("Default STARTUP TCP probe failed 1 time consecutively for container")
    assert [e.text_payload for e in cloud.entries(f'resource.labels.revision_name="{failed}" logName:"stderr"')] == [
        "cannot find my settings"
    ]


def test_deaf_container_fails_when_the_probe_gives_up(cloud: Cloud) -> None:
    """A container that never listens fails after period times threshold."""
    name = unique()
    with pytest.raises(DeployFailed, match="failed to start and listen on the port"):
        cloud.deploy(service(name, cloud.push(DEAF), probe=QUICK))
    state = cloud.services.get_service(name=f"{PARENT}/services/{name}")
    assert (state.latest_ready_revision, list(state.traffic_statuses), state.observed_generation) == ("", [], 0)
    assert get(state.uri) == (503, b"Service Unavailable")


def test_failing_health_path_fails_the_configured_probe(cloud: Cloud) -> None:
    """A container that listens but never answers 2xx or 3xx fails its own startup probe."""
    probe = run_v2.Probe(QUICK)
    probe.http_get = run_v2.HTTPGetAction(path="/exit")
    with pytest.raises(DeployFailed, match="failed"):
        cloud.deploy(service(unique(), cloud.push(GOOD), probe=probe))
    probe.http_get.path = "/slow"
    with pytest.raises(DeployFailed, match="failed the configured startup probe checks"):
        cloud.deploy(service(unique(), cloud.push(GOOD), probe=probe))


def test_http_probe_passes(cloud: Cloud) -> None:
    """A container that answers its health path is ready, and the platform's log says so."""
    probe = run_v2.Probe(period_seconds=5, http_get=run_v2.HTTPGetAction(path="/health"))
    state = cloud.deploy(service(unique(), cloud.push(GOOD), probe=probe))
    revision = short(state.latest_ready_revision)
    cloud.eventually(
        f'resource.labels.revision_name="{revision}" textPayload:"STARTUP HTTP probe succeeded after 1 attempt"'
    )


def test_missing_image(cloud: Cloud) -> None:
    """An image that is in no registry fails the revision with Google's text and reason."""
    name = unique()
    with pytest.raises(DeployFailed, match=r"Image 'moon-docker\.pkg\.dev/nothing/here:v1' not found"):
        cloud.deploy(service(name, "moon-docker.pkg.dev/nothing/here:v1"))
    state = cloud.services.get_service(name=f"{PARENT}/services/{name}")
    assert state.terminal_condition.reason == CommonReason.CONTAINER_MISSING


def test_denied_secret_fails_the_revision(cloud: Cloud) -> None:
    """A secret that the revision's service account may not read fails it, one line for each variable."""
    name, account = unique(), "backend@emulator-moon.iam.gserviceaccount.com"
    closed, gone = unique("closed"), unique("gone")
    created = cloud.secrets.create_secret(
        parent="projects/emulator-moon", secret_id=closed, secret={"replication": {"automatic": {}}}
    )
    cloud.secrets.add_secret_version(parent=created.name, payload={"data": b"never-shown"})
    env = [secret_env("A", closed), secret_env("B", gone)]
    with pytest.raises(DeployFailed) as error:
        cloud.deploy(service(name, cloud.push(GOOD), env=env, service_account=account))
    path = "spec.template.spec.containers[0].env[{}].value_from.secret_key_ref.name: "
    assert (
        path.format(0) + f"Permission denied on secret: {created.name}/versions/latest for Revision service account "
        f"{account}. The service account used must be granted the 'Secret Manager Secret Accessor' role "
        "(roles/secretmanager.secretAccessor)" in str(error.value)
    )
    assert path.format(1) + f"Secret projects/emulator-moon/secrets/{gone}/versions/latest was not found" in str(
        error.value
    )
    state = cloud.services.get_service(name=f"{PARENT}/services/{name}")
    assert state.terminal_condition.reason == CommonReason.SECRETS_ACCESS_CHECK_FAILED


def test_unchanged_template_makes_no_revision(cloud: Cloud) -> None:
    """Only a changed template brings a new revision; a label is change enough."""
    name, image = unique(), cloud.push(GOOD)
    first = cloud.deploy(service(name, image))
    same = cloud.deploy(service(name, image))
    other = cloud.deploy(service(name, image, labels={"cycle": "2"}))
    assert same.latest_created_revision == first.latest_created_revision
    assert same.generation == 2
    assert other.latest_created_revision != first.latest_created_revision


def test_update_mask_changes_only_what_it_names(cloud: Cloud) -> None:
    """With a mask the rest of the service stays as it was."""
    name = unique()
    cloud.deploy(service(name, cloud.push(GOOD)))
    change = run_v2.Service(name=f"{PARENT}/services/{name}", labels={"team": "moon"})
    state = cloud.deploy(change, update_mask=field_mask_pb2.FieldMask(paths=["labels"]))
    assert dict(state.labels) == {"team": "moon"}
    assert state.template.containers[0].image == cloud.push(GOOD)


def test_delete_removes_everything(cloud: Cloud) -> None:
    """A deleted service has no revision and no open port any more."""
    state = cloud.deploy(service(unique(), cloud.push(GOOD)))
    cloud.services.delete_service(name=state.name).result(timeout=20)
    with pytest.raises(exceptions.NotFound):
        cloud.services.get_service(name=state.name)
    assert not list(cloud.revisions.list_revisions(parent=state.name))
    with pytest.raises(OSError, match="refused"):
        get(state.uri)


def test_new_deployment_overtakes_one_that_hangs(cloud: Cloud) -> None:
    """A rollout does not wait for an older one whose container never listens."""
    name = unique()
    slow = run_v2.Probe(period_seconds=20, failure_threshold=1, timeout_seconds=1)
    cloud.begin(service(name, cloud.push(DEAF), probe=slow))
    state = cloud.deploy(service(name, cloud.push(GOOD)))
    assert state.latest_ready_revision == state.latest_created_revision
    cloud.services.delete_service(name=state.name).result(timeout=20)


def test_instance_that_ends_is_started_again(cloud: Cloud) -> None:
    """A request that kills the instance gets 503, and the next one finds a new instance."""
    state = cloud.deploy(service(unique(), cloud.push(GOOD)))
    before = env_of(state.uri)["PORT"]
    assert get(state.uri + "/exit") == (503, b"Service Unavailable")
    after = env_of(state.uri)
    assert after["PORT"] != before
    assert after["K_REVISION"] == short(state.latest_ready_revision)
    cloud.eventually(f'resource.labels.revision_name="{after["K_REVISION"]}" textPayload="Container called exit(3)."')
