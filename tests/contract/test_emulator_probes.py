"""Probes: when an instance counts as started, and when it is started anew."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import run_v2

from tests.contract.emulator_cloud import (
    WORKER,
    Cloud,
    DeployFailed,
    a_trace,
    get,
    parent,
    request_entry,
    service,
    shared,
    short,
    unique,
)

HEALTHY, SICK = 1, 2
GRPC = """
import os
from concurrent import futures
import grpc

STATUS = bytes([8, {status}])

class Health(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method != "/grpc.health.v1.Health/Check":
            return None
        def check(request, context):
            print("asked for " + request[2:].decode(), flush=True)
            return STATUS
        return grpc.unary_unary_rpc_method_handler(check)

server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((Health(),))
server.add_insecure_port("127.0.0.1:" + os.environ["PORT"])
server.start()
server.wait_for_termination()
"""


@pytest.fixture
def cloud() -> Cloud:
    return shared()


def probe(action: str, **fields: Any) -> run_v2.Probe:
    """Return a probe that decides within a second."""
    actions = {
        "http": {"http_get": run_v2.HTTPGetAction(path="/health")},
        "grpc": {"grpc": run_v2.GRPCAction(service="moon.Shop")},
        "tcp": {"tcp_socket": run_v2.TCPSocketAction()},
    }
    return run_v2.Probe(
        **({"period_seconds": 1, "failure_threshold": 1, "timeout_seconds": 1} | actions[action] | fields)
    )


def system(cloud: Cloud, revision: str, part: str) -> Any:
    log = f'log_id("run.googleapis.com/varlog/system") resource.labels.revision_name="{revision}"'
    return cloud.eventually(f'{log} textPayload:"{part}"')[0]


def test_failing_liveness_probe_starts_the_instance_anew(cloud: Cloud) -> None:
    """An instance that is no longer well is killed, its requests fail, and a new one takes its place."""
    liveness = probe("http", failure_threshold=2)
    state = cloud.deploy(service(unique(), cloud.push(WORKER), liveness=liveness))
    revision, trace = short(state.latest_ready_revision), a_trace()
    before = json.loads(get(f"{state.uri}/sicken")[1])["pid"]
    assert get(f"{state.uri}/hold?never", parent(trace))[0] == 503
    line = system(cloud, revision, "LIVENESS")
    container = cloud.revisions.get_revision(name=state.latest_ready_revision).containers[0]
    assert line.text_payload == (
        f'LIVENESS HTTP probe failed 2 times consecutively for container "{container.name}" on port 8080 path '
        '"/health". The instance has been shut down.'
    )
    assert line.severity == 500
    system(cloud, revision, "Container terminated on signal 9.")
    system(cloud, revision, "Starting new instance. Reason: AUTOSCALING")
    assert "connection to the instance had an error" in request_entry(cloud, trace).text_payload
    status, body = get(f"{state.uri}/health")
    assert (status, json.loads(body)["pid"] != before) == (200, True)


def test_healthy_instance_is_left_alone(cloud: Cloud) -> None:
    """A liveness probe that passes changes nothing, and leaves no row in the request log."""
    state = cloud.deploy(service(unique(), cloud.push(WORKER), liveness=probe("http")))
    revision = short(state.latest_ready_revision)
    before = json.loads(get(state.uri)[1])["pid"]
    assert json.loads(get(f"{state.uri}/sleep?1.2")[1])["pid"] == before
    assert (
        len(cloud.eventually(f'log_id("run.googleapis.com/requests") resource.labels.revision_name="{revision}"', 2))
        == 2
    )
    assert not cloud.entries(f'resource.labels.revision_name="{revision}" textPayload:"LIVENESS"')


def test_grpc_probes(cloud: Cloud) -> None:
    """A gRPC health service that says SERVING makes an instance start and live; it is asked by its name."""
    app = cloud.push(GRPC.format(status=HEALTHY), "grpc")
    state = cloud.deploy(service(unique(), app, probe=probe("grpc", period_seconds=9), liveness=probe("grpc")))
    revision = short(state.latest_ready_revision)
    assert system(cloud, revision, "STARTUP GRPC probe succeeded after 1 attempt for container")
    assert (
        len(cloud.eventually(f'resource.labels.revision_name="{revision}" textPayload="asked for moon.Shop"', 2)) >= 2
    )


def test_grpc_service_that_does_not_serve(cloud: Cloud) -> None:
    """A gRPC health service that says anything else fails the startup probe that the template configures."""
    app = cloud.push(GRPC.format(status=SICK), "grpc")
    with pytest.raises(DeployFailed, match="The user-provided container failed the configured startup probe checks"):
        cloud.deploy(service(unique(), app, probe=probe("grpc", period_seconds=2)))


def test_tcp_probe_of_the_template(cloud: Cloud) -> None:
    """A TCP probe that the template configures is not called the default one."""
    state = cloud.deploy(service(unique(), cloud.push(WORKER), probe=probe("tcp", period_seconds=9)))
    line = system(cloud, short(state.latest_ready_revision), "STARTUP TCP probe succeeded")
    assert line.text_payload.startswith("STARTUP TCP probe")


def test_defaults_of_probes_are_shown(cloud: Cloud) -> None:
    """A revision shows the probe that it gets unasked, and the defaults of those that the template names."""
    name = unique()
    state = cloud.deploy(service(name, cloud.push(WORKER), liveness=run_v2.Probe(http_get=run_v2.HTTPGetAction())))
    container = cloud.revisions.get_revision(name=state.latest_ready_revision).containers[0]
    startup, liveness = container.startup_probe, container.liveness_probe
    assert (startup.period_seconds, startup.timeout_seconds, startup.failure_threshold) == (240, 240, 1)
    assert startup.tcp_socket.port == 8080
    assert (liveness.period_seconds, liveness.timeout_seconds, liveness.failure_threshold) == (10, 1, 3)
    assert (liveness.http_get.path, liveness.http_get.port) == ("/", 8080)
    system(cloud, short(state.latest_ready_revision), "Default STARTUP TCP probe succeeded after 1 attempt")


@pytest.mark.parametrize(
    ("liveness", "words"),
    [
        (run_v2.Probe(tcp_socket=run_v2.TCPSocketAction()), "liveness_probe: must have http_get or grpc"),
        (probe("http", period_seconds=3601), "liveness_probe.period_seconds: must be at most 3600"),
        (probe("http", timeout_seconds=2), "liveness_probe.timeout_seconds: must be at most period_seconds"),
    ],
)
def test_liveness_probes_that_cannot_be(cloud: Cloud, liveness: run_v2.Probe, words: str) -> None:
    """A liveness probe that Cloud Run would refuse is refused."""
    with pytest.raises(exceptions.InvalidArgument, match=words):
        cloud.begin(service(unique(), cloud.push(WORKER), liveness=liveness))


def test_readiness_probe_is_not_emulated(cloud: Cloud) -> None:
    """A readiness probe is refused by name."""
    wanted = service(unique(), cloud.push(WORKER))
    wanted.template.containers[0].readiness_probe = probe("http")
    with pytest.raises(exceptions.MethodNotImplemented, match="readiness_probe is not emulated"):
        cloud.begin(wanted)


def test_cold_start_that_fails_is_told_to_who_waits(cloud: Cloud) -> None:
    """A request whose instance ends while it starts gets 500 and the reason, and the next one tries again."""
    once = (
        "import os, sys\nif os.path.exists(os.environ['MARK']): sys.exit(3)\nopen(os.environ['MARK'], 'w')\n" + WORKER
    )
    mark = cloud.state / unique("mark")
    state = cloud.deploy(service(unique(), cloud.push(once), env=[run_v2.EnvVar(name="MARK", value=str(mark))]))
    assert get(f"{state.uri}/exit")[0] == 503
    trace = a_trace()
    assert get(state.uri, parent(trace)) == (500, b"Internal Server Error")
    entry = request_entry(cloud, trace)
    assert entry.text_payload == "The request failed because the instance could not start successfully."
    mark.unlink()
    assert get(state.uri)[0] == 200


def test_cold_start_that_never_gets_ready_is_told_to_who_waits(cloud: Cloud) -> None:
    """A request whose instance runs but never passes its startup probe gets 503 and the reason."""
    once = (
        "import os, time\nif os.path.exists(os.environ['MARK']): time.sleep(60)\nopen(os.environ['MARK'], 'w')\n"
        + WORKER
    )
    env = [run_v2.EnvVar(name="MARK", value=str(cloud.state / unique("mark")))]
    state = cloud.deploy(service(unique(), cloud.push(once), env=env, probe=probe("http", failure_threshold=2)))
    assert get(f"{state.uri}/exit")[0] == 503
    trace = a_trace()
    assert get(state.uri, parent(trace)) == (503, b"Service Unavailable")
    entry = request_entry(cloud, trace)
    assert entry.text_payload == "The request failed because the instance failed the readiness check."
