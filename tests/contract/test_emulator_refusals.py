"""What Cloud Run refuses, before anything is changed."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.cloud import run_v2

from tests.contract.emulator_cloud import GOOD, PARENT, Cloud, DeployFailed, service, shared, short, unique


@pytest.fixture
def cloud() -> Cloud:
    return shared()


@pytest.mark.parametrize("image", ["../../etc@sha256:" + "0" * 64, "a/../../b:t", "a:../x", "/etc/passwd"])
def test_image_reference_stays_inside_the_registry(cloud: Cloud, image: str) -> None:
    """No image reference leads out of the registry's folder."""
    with pytest.raises(DeployFailed, match="not found"):
        cloud.deploy(service(unique(), image))


def test_stale_etag_is_refused(cloud: Cloud) -> None:
    """An update that was read before someone else's answers ABORTED with both versions."""
    state = cloud.deploy(service(unique(), cloud.push(GOOD)))
    stale = service(short(state.name), cloud.push(GOOD))
    stale.etag = '"stale"'
    with pytest.raises(exceptions.Aborted) as error:
        cloud.begin(stale)
    assert error.value.message == (
        f"Conflict for resource '{short(state.name)}': version '\"stale\"' was specified but current version is "
        f"'{state.etag}'."
    )


def test_taken_revision_name_is_refused(cloud: Cloud) -> None:
    """A revision's name cannot be used again for another template."""
    name = unique()
    cloud.deploy(service(name, cloud.push(GOOD), revision=f"{name}-one"))
    with pytest.raises(exceptions.AlreadyExists, match="with different configuration already exists"):
        cloud.begin(service(name, cloud.push(GOOD), revision=f"{name}-one", labels={"other": "1"}))


def test_validate_only_changes_nothing(cloud: Cloud) -> None:
    """A request that only validates makes no service, and is refused like a real one."""
    name = unique()
    cloud.services.create_service(
        run_v2.CreateServiceRequest(
            parent=PARENT, service_id=name, service=service("", cloud.push(GOOD)), validate_only=True
        )
    )
    with pytest.raises(exceptions.NotFound, match="of kind 'SERVICE' in region 'moon-central1'"):
        cloud.services.get_service(name=f"{PARENT}/services/{name}")


@pytest.mark.parametrize("name", ["PORT", "K_SERVICE", "K_ANYTHING"])
def test_reserved_variables_are_refused(cloud: Cloud, name: str) -> None:
    """Variables that the platform sets cannot be set by a template."""
    with pytest.raises(exceptions.InvalidArgument, match=f"reserved env names were provided: {name}. These values are"):
        cloud.begin(service(unique(), cloud.push(GOOD), env=[run_v2.EnvVar(name=name, value="1")]))


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ({"volumes": [run_v2.Volume(name="v")]}, "template.volumes"),
        ({"session_affinity": True}, "template.session_affinity"),
        ({"probe": run_v2.Probe(tcp_socket=run_v2.TCPSocketAction(port=1))}, "startup_probe with another port"),
    ],
)
def test_what_is_not_emulated_is_refused_by_name(cloud: Cloud, template: dict[str, object], name: str) -> None:
    """A template that asks for something that is not emulated is refused, never half obeyed."""
    with pytest.raises(exceptions.MethodNotImplemented, match=f"{name}.* is not emulated"):
        cloud.begin(service(unique(), cloud.push(GOOD), **template))
