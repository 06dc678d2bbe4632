"""Traffic: shares, pins, tags, and what becomes of revisions that nobody can reach."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import run_v2
from google.protobuf import field_mask_pb2

from tests.contract.emulator_cloud import (
    GOOD,
    PARENT,
    Allocation,
    Cloud,
    DeployFailed,
    get,
    service,
    shared,
    short,
    unique,
)

TRAFFIC = field_mask_pb2.FieldMask(paths=["traffic"])


@pytest.fixture
def cloud() -> Cloud:
    return shared()


def target(revision: str, percent: int, tag: str = "") -> run_v2.TrafficTarget:
    kind = Allocation.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
    return run_v2.TrafficTarget(type_=kind, revision=revision, percent=percent, tag=tag)


def move(cloud: Cloud, name: str, *targets: run_v2.TrafficTarget) -> run_v2.Service:
    change = run_v2.Service(name=f"{PARENT}/services/{name}", traffic=list(targets))
    return cloud.deploy(change, update_mask=TRAFFIC)


def revision_at(url: str) -> Any:
    return json.loads(get(url)[1])["env"]["K_REVISION"]


def instances(revision: str) -> int:
    """Return how many processes of a revision run."""
    running = 0
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            running += f"K_REVISION={revision}\0".encode() in process.read_bytes()
        except OSError:
            continue
    return running


def test_pin_persists(cloud: Cloud) -> None:
    """A service that is pinned to a revision keeps it when a new one is deployed without a word about traffic."""
    name, image = unique(), cloud.push(GOOD)
    first = short(cloud.deploy(service(name, image)).latest_ready_revision)
    move(cloud, name, target(first, 100))
    change = service(name, image, labels={"v": "2"})
    state = cloud.deploy(change, update_mask=field_mask_pb2.FieldMask(paths=["template"]))
    assert short(state.latest_ready_revision) != first
    assert [(t.revision, t.percent) for t in state.traffic_statuses] == [(first, 100)]
    assert revision_at(state.uri) == first


def test_tag_has_its_own_url(cloud: Cloud) -> None:
    """A revision without traffic answers at its tag's URL, and only there."""
    name, image = unique(), cloud.push(GOOD)
    first = short(cloud.deploy(service(name, image)).latest_ready_revision)
    fresh = f"{name}-canary"
    state = cloud.deploy(service(name, image, revision=fresh, traffic=[target(first, 100), target(fresh, 0, "canary")]))
    tagged = next(t for t in state.traffic_statuses if t.tag == "canary")
    assert revision_at(tagged.uri) == fresh
    assert revision_at(state.uri) == first
    moved = move(cloud, name, target(fresh, 100, "canary"))
    assert (moved.traffic_statuses[0].uri, moved.uri) == (tagged.uri, state.uri)
    assert revision_at(state.uri) == fresh


def test_traffic_is_split_by_percent(cloud: Cloud) -> None:
    """Each revision gets about its share of the requests."""
    name, image = unique(), cloud.push(GOOD)
    first = short(cloud.deploy(service(name, image)).latest_ready_revision)
    second = short(cloud.deploy(service(name, image, labels={"v": "2"})).latest_ready_revision)
    state = move(cloud, name, target(first, 20), target(second, 80))
    seen = Counter(revision_at(state.uri) for _ in range(100))
    assert set(seen) == {first, second}
    assert seen[second] > seen[first]


def test_unreached_revision_is_stopped_and_can_come_back(cloud: Cloud) -> None:
    """A revision without traffic and tag has no process; a rollback starts it again."""
    name, image = unique(), cloud.push(GOOD)
    first = short(cloud.deploy(service(name, image)).latest_ready_revision)
    cloud.deploy(service(name, image, labels={"v": "2"}))
    for _ in range(60):
        if not instances(first):
            break
        time.sleep(0.05)
    assert instances(first) == 0
    state = move(cloud, name, target(first, 100))
    assert revision_at(state.uri) == first


def test_traffic_to_nowhere_changes_nothing(cloud: Cloud) -> None:
    """Traffic for a revision that does not exist fails, and the old traffic stays."""
    name = unique()
    state = cloud.deploy(service(name, cloud.push(GOOD)))
    with pytest.raises(DeployFailed, match="Revision 'svc-none' does not exist or is deleted"):
        move(cloud, name, target("svc-none", 100))
    after = cloud.services.get_service(name=state.name)
    assert [(t.type_, t.percent) for t in after.traffic_statuses] == [
        (Allocation.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST, 100)
    ]
    assert revision_at(state.uri) == short(state.latest_ready_revision)


def test_traffic_must_add_up(cloud: Cloud) -> None:
    """Targets that do not add up to 100 percent are refused."""
    with pytest.raises(exceptions.InvalidArgument, match="Traffic targets sum to 90, want 100"):
        cloud.begin(service(unique(), cloud.push(GOOD), traffic=[target("a", 90)]))
