"""Cloud Logging's limits: how soon an entry is seen, how often one may ask, how long a token and a filter may be."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.logging_v2.types import ListLogEntriesRequest, LogEntry, TailLogEntriesRequest

from tests.contract.emulator_cloud import GOOD, PROJECT, Cloud, get, request_entry, service, start, stop, unique
from untilgreen.emulator.faults import Quota
from untilgreen.emulator.quotas import ReadQuota
from untilgreen.emulator.rpc import Refusal

LOG = f"projects/{PROJECT}/logs/sentinels"

Ask = Callable[..., None]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = start(tmp_path_factory.mktemp("quota"), "--with-parent")
    yield running
    running.channel.close()
    stop(running)


@pytest.fixture
def ask(cloud: Cloud) -> Iterator[Ask]:
    file = cloud.state / "faults.json"

    def write(**faults: Any) -> None:
        part = file.with_suffix(".part")
        part.write_text(json.dumps(faults))
        part.replace(file)

    yield write
    file.unlink(missing_ok=True)


def write(cloud: Cloud, *texts: str) -> None:
    entries = [LogEntry(text_payload=text) for text in texts]
    cloud.logging.write_log_entries(log_name=LOG, resource={"type": "global"}, labels={}, entries=entries)


def texts(cloud: Cloud, **request: Any) -> list[str]:
    return [entry.text_payload for entry in cloud.entries(f'logName="{LOG}"', order_by="timestamp asc", **request)]


def test_what_is_written_is_seen_in_its_order(cloud: Cloud) -> None:
    """Whoever sees a sentinel sees everything that was written before it."""
    name = unique("in-order-")
    for number in range(20):
        write(cloud, f"{name} {number}")
        seen = [text for text in texts(cloud) if text.startswith(name)]
        assert seen == [f"{name} {n}" for n in range(number + 1)]


def test_a_delay_hides_entries_for_its_time(cloud: Cloud, ask: Ask) -> None:
    """An entry is seen after its delay, not before, and a sentinel is never seen before what was written before it."""
    ask(ingestion_delay="700ms")
    name = unique("late-")
    begun = time.monotonic()
    for number in range(3):
        write(cloud, f"{name} {number}")
    sightings: list[int] = []
    while len(sightings) < 2 or sightings[-1] < 3:
        sightings.append(sum(text.startswith(name) for text in texts(cloud)))
        assert sightings[-1] == 0 or time.monotonic() - begun >= 0.7
        time.sleep(0.02)
    assert sightings[0] == 0
    assert sightings == sorted(sightings)


def test_the_platform_s_own_logs_are_delayed_too(cloud: Cloud, ask: Ask) -> None:
    """The record of a request comes late as everything else does; nothing is lost."""
    state = cloud.deploy(service(unique(), cloud.push(GOOD)))
    ask(ingestion_delay="300ms-600ms")
    trace = unique("").strip("-").ljust(32, "0")
    get(state.uri, {"traceparent": f"00-{trace}-{'b' * 16}-01"})
    assert not cloud.entries(f'trace="projects/{PROJECT}/traces/{trace}"')
    assert request_entry(cloud, trace).http_request.status == 200


def test_a_random_delay_overtakes(cloud: Cloud, ask: Ask) -> None:
    """With a range each entry has its own delay: a later one may be seen first, and all are seen in the end."""
    ask(ingestion_delay="0ms-500ms", fault_seed=1)
    name = unique("mixed-")
    write(cloud, *(f"{name} {n:02}" for n in range(30)))
    partial = set()
    while len(seen := [text for text in texts(cloud) if text.startswith(name)]) < 30:
        partial.add(tuple(seen))
    assert any(list(seen) != [f"{name} {n:02}" for n in range(len(seen))] for seen in partial)


def test_tail_is_delayed_too(cloud: Cloud, ask: Ask) -> None:
    """A tail gives an entry when it can be seen, not before."""
    ask(ingestion_delay="400ms")
    asked = TailLogEntriesRequest(resource_names=[f"projects/{PROJECT}"], filter=f'logName="{LOG}"')
    done, found = threading.Event(), []

    def requests() -> Iterator[TailLogEntriesRequest]:
        yield asked
        done.wait(10)

    def tail() -> None:
        response = next(iter(cloud.logging.tail_log_entries(requests(), timeout=10)))
        found.append((time.monotonic(), [entry.text_payload for entry in response.entries]))

    reader = threading.Thread(target=tail)
    reader.start()
    written: list[tuple[float, str]] = []
    while not found:
        written.append((time.monotonic(), f"tailed {len(written)}"))
        write(cloud, written[-1][1])
        reader.join(0.05)
    done.set()
    reader.join()
    seen_at, texts_seen = found[0]
    assert all(seen_at - at >= 0.4 for at, text in written if text in texts_seen)


def test_quota(cloud: Cloud, ask: Ask) -> None:
    """Too many lists within the time are refused with Google's text; waiting helps; writing is not counted."""
    ask(read_quota="3/1s")
    for _ in range(3):
        texts(cloud, page_size=1000)
    write(cloud, "still taken")
    with pytest.raises(exceptions.ResourceExhausted) as error:
        cloud.logging.list_log_entries({"resource_names": [f"projects/{PROJECT}"]}, retry=None)
    assert error.value.message.startswith(
        "Quota exceeded for quota metric 'Read requests' and limit 'Read requests per minute' of service "
        "'logging.googleapis.com' for consumer 'project_number:"
    )
    time.sleep(1)
    texts(cloud, page_size=1000)


def test_quota_is_a_sliding_window_of_one_project() -> None:
    """So many calls pass in any stretch of the time, each project for itself; refused ones do not prolong the wait."""
    now = [0.0]
    quota = ReadQuota(lambda: Quota(60, 60), clock=lambda: now[0])

    def passed(project: str, calls: int) -> int:
        count = 0
        for _ in range(calls):
            try:
                quota.take(project)
                count += 1
            except Refusal:
                pass
        return count

    assert passed("p", 100) == 60
    assert passed("q", 1) == 1
    now[0] = 59.9
    assert passed("p", 100) == 0
    now[0] = 60.0
    assert passed("p", 100) == 60


def test_tokens_grow_old(cloud: Cloud, ask: Ask) -> None:
    """A page token is refused after its life, and a younger one is not."""
    write(cloud, "one", "two")
    request = ListLogEntriesRequest(resource_names=[f"projects/{PROJECT}"], filter=f'logName="{LOG}"', page_size=1)
    token = next(cloud.logging.list_log_entries(request).pages).next_page_token
    request.page_token = token
    assert next(cloud.logging.list_log_entries(request).pages).entries
    ask(page_token_life="10ms")
    time.sleep(0.02)
    with pytest.raises(exceptions.InvalidArgument, match="page_token has expired"):
        cloud.logging.list_log_entries(request)


def test_filters_have_a_longest_length(cloud: Cloud) -> None:
    """A filter of 20,000 characters is taken, and one more is refused."""
    start_of = f'logName="{LOG}" textPayload="'
    longest = start_of + "x" * (20_000 - len(start_of) - 1) + '"'
    assert len(longest) == 20_000
    assert cloud.entries(longest) == []
    with pytest.raises(exceptions.InvalidArgument, match="20001 characters"):
        cloud.entries(longest + " ")
