"""Injected faults: what fails, how often, and how that is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import run_v2

from tests.contract.emulator_cloud import GOOD, PARENT, PROJECT, Cloud, service, start, stop
from untilgreen.emulator.durations import Span
from untilgreen.emulator.faults import Fault, FaultError, Quota, matches, parse

LIST_SERVICES = "/google.cloud.run.v2.Services/ListServices"
UPDATE = "/google.cloud.run.v2.Services/UpdateService"

Ask = Callable[..., None]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One emulator for the tests that make their own faults."""
    running = start(tmp_path_factory.mktemp("faults"), "--with-parent")
    yield running
    running.channel.close()
    stop(running)


@pytest.fixture
def ask(cloud: Cloud) -> Iterator[Ask]:
    """Return what writes the file with the faults of this moment."""
    file = cloud.state / "faults.json"

    def write(text: str = "", **faults: Any) -> None:
        part = file.with_suffix(".part")
        part.write_text(text or json.dumps(faults))
        part.replace(file)

    yield write
    file.unlink(missing_ok=True)


def outcomes(cloud: Cloud, calls: int) -> list[str]:
    """Call a method several times without any retry; return how each ended."""
    ends = []
    for _ in range(calls):
        try:
            cloud.services.list_services(parent=PARENT, retry=None)
            ends.append("")
        except exceptions.GoogleAPICallError as error:
            ends.append(error.grpc_status_code.name)
    return ends


def test_a_rate_is_kept_and_repeats(cloud: Cloud, ask: Ask) -> None:
    """About the asked share of the calls fails, and the same seed makes the same calls fail again."""
    runs = []
    for seed in (1, 1, 2):
        ask(fault=["ListServices:UNAVAILABLE:0.3"], fault_seed=seed)
        runs.append(outcomes(cloud, 200))
        ask()
        outcomes(cloud, 1)
    assert 30 <= runs[0].count("UNAVAILABLE") <= 90
    assert set(runs[0]) == {"", "UNAVAILABLE"}
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("UNAVAILABLE", "The service is currently unavailable."),
        (
            "RESOURCE_EXHAUSTED",
            (
                "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' "
                "of service 'run.googleapis.com'."
            ),
        ),
        ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
        ("ABORTED", "The operation was aborted. Please try again."),
        ("PERMISSION_DENIED", "Permission denied."),
    ],
)
def test_codes_come_with_words(cloud: Cloud, ask: Ask, code: str, words: str) -> None:
    """Each code that is asked for reaches the official client with words that Google uses."""
    ask(fault=[f"Services/*:{code}"])
    with pytest.raises(exceptions.GoogleAPICallError) as error:
        cloud.services.list_services(parent=PARENT, retry=None)
    assert (error.value.grpc_status_code.name, error.value.message) == (code, words)


def test_only_the_first_calls(cloud: Cloud, ask: Ask) -> None:
    """`2x` hits the first two calls and no more, and no other method."""
    ask(fault=["ListServices:UNAVAILABLE:2x"])
    cloud.secrets.list_secrets(parent=f"projects/{PROJECT}", retry=None)
    assert outcomes(cloud, 4) == ["UNAVAILABLE", "UNAVAILABLE", "", ""]


def test_a_lost_answer_has_done_its_work(cloud: Cloud, ask: Ask) -> None:
    """With `lost` the caller sees a failure of what has happened all the same."""
    ask(fault=["UpdateService:UNAVAILABLE:lost"])
    wanted = service("lost", cloud.push(GOOD))
    with pytest.raises(exceptions.ServiceUnavailable):
        cloud.services.update_service(run_v2.UpdateServiceRequest(service=wanted, allow_missing=True), retry=None)
    assert cloud.services.get_service(name=wanted.name).generation == 1


def test_latency(cloud: Cloud, ask: Ask) -> None:
    """A call takes at least the asked time, and a caller with less patience sees its deadline pass."""
    ask(latency=["ListServices:200ms-300ms"])
    before = time.monotonic()
    assert outcomes(cloud, 1) == [""]
    assert time.monotonic() - before >= 0.2
    with pytest.raises(exceptions.DeadlineExceeded):
        cloud.services.list_services(parent=PARENT, retry=None, timeout=0.1)


def test_faults_end_with_their_file(cloud: Cloud, ask: Ask) -> None:
    """Without the file holds again what the emulator was started with."""
    ask(fault=["*:UNAVAILABLE"])
    assert outcomes(cloud, 1) == ["UNAVAILABLE"]
    (cloud.state / "faults.json").unlink()
    assert outcomes(cloud, 1) == [""]


@pytest.mark.parametrize("text", ["{", "[]", '{"fault": ["ListService:UNAVAILABLE"]}', '{"read_quota": 5}'])
def test_an_unclear_file_stops_every_call(cloud: Cloud, ask: Ask, text: str) -> None:
    """A file that cannot be understood is never taken for the absence of faults: every call names it."""
    ask(text)
    with pytest.raises(exceptions.FailedPrecondition, match=r"faults.json: "):
        cloud.services.list_services(parent=PARENT, retry=None)


def test_command_line_and_seed_add_up(tmp_path: Path) -> None:
    """Faults of the seed and of the command line hold together, from the first call."""
    seed = tmp_path / "seed.yaml"
    seed.write_text("project: p\nfaults: {fault: ['ListServices:UNAVAILABLE:1x']}\n")
    cloud = start(tmp_path / "state", "--seed", str(seed), "--fault", "ListServices:ABORTED:2x", "--fault-seed", "3")
    assert outcomes(cloud, 3) == ["UNAVAILABLE", "ABORTED", ""]
    cloud.channel.close()
    stop(cloud)


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    """A fault that means nothing ends the start with exit code 2 and one line that says what is wrong."""
    command = [
        sys.executable,
        "-m",
        "untilgreen.emulator",
        "--state",
        str(tmp_path),
        "--fault",
        "UpdateServices:UNKNOWN",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    words = "emulator: faults: 'UpdateServices' names no method that is emulated.\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", words)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"fault": ["UpdateService:BROKEN"]}, "is not METHODS:CODE"),
        ({"fault": ["UpdateService:OK"]}, "is not METHODS:CODE"),
        ({"fault": ["UpdateService:UNAVAILABLE:3"]}, "neither a share from 0 to 1"),
        ({"fault": "UpdateService:UNAVAILABLE"}, "fault: this must be a list"),
        ({"latency": ["UpdateService:fast"]}, "'fast' is no duration such as 200ms"),
        ({"latency": ["Nothing:1s"]}, "'Nothing' names no method"),
        ({"read_quota": "60"}, "is not CALLS/DURATION such as 60/1m"),
        ({"ingestion_delay": "3s-1s"}, "ends before it begins"),
        ({"page_token_life": "a day"}, "'a day' is no duration"),
        ({"fault_seed": "seven"}, "fault_seed"),
        ({"faults": []}, "faults is none of: fault, latency"),
        ([], "these are none of"),
    ],
)
def test_mistakes_are_named(given: Any, words: str) -> None:
    """What has no meaning is refused with what it is and what would be right."""
    with pytest.raises(FaultError, match=words):
        parse(given, [LIST_SERVICES, UPDATE])


def test_everything_that_can_be_written() -> None:
    """Each form of a fault is read as its documentation says."""
    read = parse(
        {
            "fault": ["Services/*:ABORTED:0.5:3x:lost"],
            "latency": [f"{UPDATE}:1m"],
            "ingestion_delay": "1s-2.5s",
            "read_quota": "60/1m",
            "page_token_life": "24h",
            "fault_seed": 4,
        },
        [LIST_SERVICES, UPDATE],
    )
    (fault,) = read.fault
    assert (fault.code.name, fault.rate, fault.first, fault.lost) == ("ABORTED", 0.5, 3, True)
    assert isinstance(fault, Fault)
    assert read.latency[0].span == Span(60, 60)
    assert (read.ingestion_delay, read.read_quota, read.page_token_life) == (Span(1, 2.5), Quota(60, 60), 86_400)


@pytest.mark.parametrize(
    ("pattern", "hit"),
    [
        ("ListServices", True),
        ("Services/ListServices", True),
        ("Services/*", True),
        ("List*", True),
        ("*", True),
        (LIST_SERVICES, True),
        ("*.run.v2.*", True),
        ("Service", False),
        ("Revisions/*", False),
    ],
)
def test_patterns(pattern: str, hit: bool) -> None:
    """A method is meant by its name, by service and name, by its full name, or by a pattern of one of these."""
    assert matches(pattern, LIST_SERVICES) is hit
