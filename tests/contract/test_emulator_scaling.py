"""Instances: how many there are, who waits for one, and when none is left."""

from __future__ import annotations

import json
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from google.api_core import exceptions
from google.cloud import run_v2

from tests.contract.emulator_cloud import (
    WORKER,
    Cloud,
    a_trace,
    get,
    parent,
    request_entry,
    running,
    service,
    shared,
    short,
    unique,
    until,
)

IMPATIENT = ("--pending", "0.3", "--max-instances", "3")
IDLE = ("--idle", "0.4")
SYSTEM = 'log_id("run.googleapis.com/varlog/system")'


def deploy(cloud: Cloud, concurrency: int = 0, **scaling: int) -> run_v2.Service:
    template = service(unique(), cloud.push(WORKER), max_instance_request_concurrency=concurrency)
    template.template.scaling = run_v2.RevisionScaling(**scaling)
    return cloud.deploy(template)


def pid(answer: tuple[int, bytes]) -> int:
    assert answer[0] == 200
    return int(json.loads(answer[1])["pid"])


def starts(cloud: Cloud, state: run_v2.Service, reason: str) -> int:
    query = f'{SYSTEM} resource.labels.revision_name="{short(state.latest_ready_revision)}"'
    return len(cloud.entries(f'{query} textPayload:"Starting new instance. Reason: {reason} - "'))


def ready(cloud: Cloud, state: run_v2.Service) -> int:
    query = (
        f'{SYSTEM} resource.labels.revision_name="{short(state.latest_ready_revision)}" textPayload:"probe succeeded"'
    )
    return len(cloud.entries(query))


class Holding:
    """Requests that are held until the gate is opened."""

    def __init__(self, pool: ThreadPoolExecutor, state: run_v2.Service, gate: Path) -> None:
        self._pool, self._state, self._gate = pool, state, gate
        self.answers: list[Future[tuple[int, bytes]]] = []

    def add(self, running_then: int) -> None:
        """Send one more, and wait until so many instances run."""
        self.answers.append(self._pool.submit(get, f"{self._state.uri}/hold?{self._gate}"))
        until(lambda: running(short(self._state.latest_ready_revision)) == running_then)

    def open(self) -> set[int]:
        """Let all go and return who answered them."""
        self._gate.touch()
        return {pid(answer.result()) for answer in self.answers}


def test_busy_instances_get_company_up_to_the_maximum(tmp_path: Path) -> None:
    """When all instances are at their concurrency a further one starts; beyond the maximum a request gets 429."""
    cloud = shared(*IMPATIENT)
    state = deploy(cloud, concurrency=1, max_instance_count=2)
    with ThreadPoolExecutor() as pool:
        holding = Holding(pool, state, tmp_path / "gate")
        holding.add(running_then=1)
        holding.add(running_then=2)
        until(lambda: ready(cloud, state) == 2)
        trace = a_trace()
        assert get(state.uri, parent(trace)) == (429, b"Rate exceeded.")
        assert len(holding.open()) == 2
    entry = request_entry(cloud, trace)
    assert (entry.http_request.status, entry.severity) == (429, 400)
    assert entry.text_payload == "The request was aborted because there was no available instance."
    assert (starts(cloud, state, "DEPLOYMENT_ROLLOUT"), starts(cloud, state, "AUTOSCALING")) == (1, 1)


def test_emulator_has_a_bound_of_its_own(tmp_path: Path) -> None:
    """A template may allow more instances than the emulator does: its own bound holds."""
    cloud = shared(*IMPATIENT)
    state = deploy(cloud, concurrency=1, max_instance_count=100)
    with ThreadPoolExecutor() as pool:
        holding = Holding(pool, state, tmp_path / "gate")
        for number in (1, 2, 3):
            holding.add(running_then=number)
            until(lambda: ready(cloud, state) == number)  # noqa: B023 - called before the number changes
        assert get(state.uri)[0] == 429
        assert len(holding.open()) == 3


def test_request_that_waits_is_served_when_another_ends(tmp_path: Path) -> None:
    """A request beyond the maximum waits for a while, and takes the first place that is free."""
    state = deploy(shared(), concurrency=1, max_instance_count=1)
    with ThreadPoolExecutor() as pool:
        holding = Holding(pool, state, tmp_path / "gate")
        holding.add(running_then=1)
        holding.add(running_then=1)
        waiting = [pool.submit(get, state.uri) for _ in range(3)]
        (instance,) = holding.open()
        assert {pid(answer.result()) for answer in waiting} == {instance}


def test_waiting_client_that_leaves_takes_no_place(tmp_path: Path) -> None:
    """A place that a request waited for is free again when its client has gone."""
    state = deploy(shared(), concurrency=1, max_instance_count=1)
    address = urlsplit(state.uri)
    with ThreadPoolExecutor() as pool:
        holding = Holding(pool, state, tmp_path / "gate")
        holding.add(running_then=1)
        for _ in range(3):
            with socket.create_connection((address.hostname, address.port)) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        holding.open()
    assert get(state.uri)[0] == 200


def test_many_requests_share_one_instance() -> None:
    """With the concurrency that a template has unasked, 40 requests at once need one instance only."""
    state = deploy(shared())
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: get(f"{state.uri}/sleep?0.2"), range(40)))
    assert len({pid(answer) for answer in answers}) == 1
    revision = shared().revisions.get_revision(name=state.latest_ready_revision)
    assert revision.max_instance_request_concurrency == 80


def test_minimum_of_instances() -> None:
    """The instances of the minimum run without any request, and one that ends is replaced."""
    cloud = shared()
    state = deploy(cloud, min_instance_count=2)
    revision = short(state.latest_ready_revision)
    until(lambda: ready(cloud, state) == 2)
    assert running(revision) == 2
    assert starts(cloud, state, "MANUAL_OR_CUSTOMER_MIN_INSTANCE") == 1
    get(f"{state.uri}/exit")
    until(lambda: ready(cloud, state) == 3)
    assert running(revision) == 2


def test_scale_to_zero_and_cold_start() -> None:
    """Without requests the last instance is told to leave; the next request starts one, and says why."""
    cloud = shared(*IDLE)
    state = deploy(cloud)
    revision = short(state.latest_ready_revision)
    until(lambda: running(revision) == 0)
    cloud.eventually(f'resource.labels.revision_name="{revision}" textPayload="told to leave"')
    cloud.eventually(f'{SYSTEM} resource.labels.revision_name="{revision}" textPayload="Container called exit(0)."')
    assert starts(cloud, state, "AUTOSCALING") == 0
    assert get(state.uri)[0] == 200
    assert starts(cloud, state, "AUTOSCALING") == 1


def test_busy_instance_is_not_idle() -> None:
    """An instance that answers a long request is not stopped, nor is the minimum."""
    cloud = shared(*IDLE)
    state = deploy(cloud)
    assert get(f"{state.uri}/sleep?1.2")[0] == 200
    kept = deploy(cloud, min_instance_count=1)
    until(lambda: running(short(state.latest_ready_revision)) == 0)
    assert running(short(kept.latest_ready_revision)) == 1


@pytest.mark.parametrize(
    ("concurrency", "scaling", "words"),
    [
        (1001, {}, "containerConcurrency: must be between 0 and 1000"),
        (0, {"min_instance_count": 3, "max_instance_count": 2}, "min_instance_count 3 does not go with max"),
    ],
)
def test_scaling_that_cannot_be(concurrency: int, scaling: dict[str, int], words: str) -> None:
    """Scaling that Cloud Run would refuse is refused."""
    with pytest.raises(exceptions.InvalidArgument, match=words):
        deploy(shared(), concurrency, **scaling)


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [
        ("scaling", run_v2.ServiceScaling(min_instance_count=1), "service.scaling"),
        ("iap_enabled", True, "service.iap_enabled"),
        ("ingress", run_v2.IngressTraffic.INGRESS_TRAFFIC_INTERNAL_ONLY, "service.ingress"),
    ],
)
def test_settings_of_the_service_are_refused_by_name(field: str, value: object, name: str) -> None:
    """A setting of the service itself that is not emulated is refused, never half obeyed."""
    wanted = service(unique(), shared().push(WORKER))
    setattr(wanted, field, value)
    with pytest.raises(exceptions.MethodNotImplemented, match=f"{name}.* is not emulated"):
        shared().begin(wanted)
