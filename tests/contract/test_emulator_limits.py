"""What an instance may use, and what becomes of one that uses more."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core import exceptions
from hypothesis import given
from hypothesis import strategies as st

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
from untilgreen.emulator import limits

SMALL = {"memory": "128Mi", "cpu": "1"}
WARNING, ERROR = 400, 500


@pytest.fixture
def cloud() -> Cloud:
    return shared()


def told(cloud: Cloud, revision: str, part: str) -> list[tuple[str, int]]:
    """Return the platform's own lines about a revision from the first one with these words on."""
    logs = f'log_id("run.googleapis.com/varlog/system") resource.labels.revision_name="{revision}"'
    first = cloud.eventually(f'{logs} textPayload:"{part}"')[0]
    after = f'{logs} timestamp>="{first.timestamp.rfc3339()}"'
    return [(entry.text_payload, entry.severity) for entry in cloud.eventually(after, 3)]


@pytest.mark.parametrize("path", ["/eat?200", "/feed-a-child?200"])
def test_instance_above_its_memory_limit_is_ended(cloud: Cloud, path: str) -> None:
    """More memory than the limit, in all processes of an instance, ends it: Google's line, signal 9, a new instance."""
    state = cloud.deploy(service(unique(), cloud.push(WORKER), limits=SMALL))
    trace = a_trace()
    assert get(state.uri + path, parent(trace))[0] == 503
    lines = told(cloud, short(state.latest_ready_revision), "Memory limit")
    text, severity = lines[0]
    used = int(text.split()[7])
    assert severity == ERROR
    assert text == (
        f"Memory limit of 128 MiB exceeded with {used} MiB used. Consider increasing the memory limit, "
        "see https://cloud.google.com/run/docs/configuring/memory-limits"
    )
    assert used >= 128
    assert lines[1] == ("Container terminated on signal 9.", WARNING)
    assert lines[2][0].startswith("Starting new instance. Reason: AUTOSCALING - ")
    entry = request_entry(cloud, trace)
    assert (entry.http_request.status, entry.severity) == (503, ERROR)
    assert entry.text_payload.startswith(
        "While handling this request, the container instance was found to be using too much memory and was terminated."
    )
    assert get(state.uri)[0] == 200


def test_all_requests_of_an_ended_instance_fail(cloud: Cloud) -> None:
    """Whoever else the instance was serving gets the same answer for the same reason."""
    state = cloud.deploy(service(unique(), cloud.push(WORKER), limits=SMALL))
    trace = a_trace()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(get, f"{state.uri}/hold?never", parent(trace))
        cloud_sees = pool.submit(get, f"{state.uri}/eat?200")
        assert (waiting.result()[0], cloud_sees.result()[0]) == (503, 503)
    assert "using too much memory" in request_entry(cloud, trace).text_payload


def test_instance_below_its_limit_lives(cloud: Cloud) -> None:
    """Memory that the limit allows ends nothing, however often it is looked at before more is taken."""
    state = cloud.deploy(service(unique(), cloud.push(WORKER), limits={"memory": "256Mi"}))
    revision = short(state.latest_ready_revision)
    before = json.loads(get(state.uri)[1])["pid"]
    assert json.loads(get(f"{state.uri}/take?100")[1])["pid"] == before
    assert get(f"{state.uri}/eat?200")[0] == 503
    (entry,) = cloud.eventually(f'resource.labels.revision_name="{revision}" textPayload:"Memory limit"')
    assert int(entry.text_payload.split()[7]) >= 256


def test_container_that_needs_too_much_to_start(cloud: Cloud) -> None:
    """Memory above the limit before the first answer fails the revision, and the log says why."""
    name, greedy = unique(), "held = bytearray(200 * 1024 * 1024)\nimport time; time.sleep(60)"
    with pytest.raises(DeployFailed, match="failed to start and listen on the port"):
        cloud.deploy(service(name, cloud.push(greedy), limits=SMALL))
    assert cloud.eventually(f'resource.labels.service_name="{name}" textPayload:"Memory limit of 128 MiB exceeded"')


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"memory": "64Mi"}, "For 1.0 CPU, memory must be between 128Mi and 4Gi inclusive"),
        ({"memory": "8Gi"}, "For 1.0 CPU, memory must be between 128Mi and 4Gi inclusive"),
        ({"memory": "much"}, "'much' is not a quantity"),
        ({"cpu": "16"}, "The maximum is 8"),
    ],
)
def test_limits_that_cannot_be(cloud: Cloud, wanted: dict[str, str], words: str) -> None:
    """Limits that Cloud Run would refuse are refused."""
    with pytest.raises(exceptions.InvalidArgument, match=words):
        cloud.begin(service(unique(), cloud.push(WORKER), limits=wanted))


def test_other_resources_are_not_emulated(cloud: Cloud) -> None:
    """A template that asks for a GPU is refused by name."""
    with pytest.raises(exceptions.MethodNotImplemented, match=r"limits\[nvidia.com/gpu\] is not emulated"):
        cloud.begin(service(unique(), cloud.push(WORKER), limits={"nvidia.com/gpu": "1"}))


UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


@given(st.integers(min_value=1, max_value=2**20), st.sampled_from(sorted(UNITS)))
def test_quantities(number: int, unit: str) -> None:
    """A quantity means its number times its unit, a power of 1000 or of 1024."""
    assert limits.memory_bytes(f"{number}{unit}") == number * UNITS[unit]


@given(st.text(max_size=6).filter(lambda text: not re.fullmatch(r"[0-9]+(\.[0-9]+)?([kMGT]i?|Ki|m)?", text)))
def test_what_is_no_quantity(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match="is not a quantity"):
        limits.memory_bytes(text)
    with pytest.raises(ValueError, match="is not a quantity"):
        limits.cpus(text)


def test_measured_processes_are_those_of_the_group() -> None:
    """A group's memory and processor time are those of all its members and of nobody else."""
    code = "import subprocess, sys; sys.stdout.write('x'); sys.stdout.flush(); sys.stdin.read()"
    twice = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {code!r}]); p.wait()"
    with subprocess.Popen(
        [sys.executable, "-c", twice], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout
        assert process.stdout.read(1) == b"x"
        members = limits.Processes().of(process.pid)
        both = limits.read(process.pid, members)
        assert process.pid in members
        assert len(members) == 2
        assert os.getpid() not in members
        assert both.memory > limits.read(process.pid, [process.pid]).memory > 0
        assert both.cpu >= limits.read(process.pid, [process.pid]).cpu >= 0
        assert 0 < limits.exact_memory(process.pid, members) <= both.memory
        assert limits.read(process.pid, [os.getpid()]) == limits.Reading(0, 0)


def test_samples_are_a_ring() -> None:
    """Only the newest samples are kept, and those after a moment can be asked for."""
    usage = limits.Usage(limits.MIB, 1.0)
    for second in range(2000):
        usage.add(limits.Sample(float(second), "i", 1, 0.1, 0))
    kept = usage.samples()
    assert (len(kept), kept[-1].at) == (600, 1999.0)
    assert [sample.at for sample in usage.samples(since=1997.0)] == [1998.0, 1999.0]


def test_guard_takes_samples_and_tells_when_it_is_too_much() -> None:
    """Whoever guards a process group keeps what it used, and learns its limit and its use once that is too much."""
    usage = limits.Usage(2 * limits.MIB, 1.0)

    def sample(reading: limits.Reading) -> limits.Sample:
        return limits.Sample(1.0, "i", reading.memory, reading.cpu, 3)

    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, start_new_session=True
    ) as process:
        broken = asyncio.run(limits.guard(process.pid, limits.Processes(), usage, sample))
    assert broken is not None
    assert broken[0] == 2 * limits.MIB < broken[1]
    assert usage.samples()[-1] == limits.Sample(1.0, "i", broken[1], usage.samples()[-1].cpu, 3)
