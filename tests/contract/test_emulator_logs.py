"""Cloud Logging: what containers write, what is asked for, and in which pages it comes."""

from __future__ import annotations

import json
import threading
from itertools import chain
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.logging_v2.types import LogEntry, TailLogEntriesRequest

from tests.contract.emulator_cloud import GOOD, PROJECT, Cloud, get, service, shared, short, unique

WRITER = r"""
import json, os, sys
out = sys.stdout.buffer
for line in (
    b'{"severity":"warn","message":"structured","time":"2026-01-02T03:04:05.123456789Z","n":1,"deep":{"list":[1,"two"]}}',
    b'{"severity":"NOTICE","message":"full","logging.googleapis.com/trace":"projects/p/traces/t1",'
    b'"logging.googleapis.com/spanId":"0000000000000001","logging.googleapis.com/trace_sampled":true,'
    b'"logging.googleapis.com/insertId":"my-id","logging.googleapis.com/operation":{"id":"op"},'
    b'"logging.googleapis.com/sourceLocation":{"file":"a.py","line":"7"},'
    b'"httpRequest":{"requestMethod":"GET","status":418}}',
    b'{"severity":"loud","message":"unknown severity"}',
    b'{broken json}',
    b'[1, 2]',
    b'\xff\xfe no text',
    b'',
    b'x' * 300000,
    b'Container called exit(9).',
    b'last line without an end',
):
    out.write(line + (b"" if line.startswith(b"last") else b"\n"))
out.flush()
sys.exit(4)
"""


@pytest.fixture
def cloud() -> Cloud:
    return shared()


@pytest.fixture(scope="module")
def written() -> list[Any]:
    """What the writer's lines became, in their order."""
    cloud, name = shared(), unique("writer")
    operation = cloud.begin(service(name, cloud.push(WRITER)))
    cloud.settled(operation)
    return cloud.entries(f'resource.labels.service_name="{name}" log_id("run.googleapis.com/stdout")')


def of_text(entries: list[Any], text: str) -> Any:
    return next(e for e in entries if text in (e.text_payload or json.dumps(payload(e))))


def payload(entry: Any) -> dict[str, Any]:
    return dict(LogEntry.to_dict(entry).get("json_payload") or {})


def test_structured_line(written: list[Any]) -> None:
    """Severity and time leave the payload; the rest stays in it."""
    entry = of_text(written, "structured")
    assert entry.severity == 400
    assert entry.timestamp.rfc3339() == "2026-01-02T03:04:05.123456789Z"
    assert payload(entry) == {"message": "structured", "n": 1.0, "deep": {"list": [1.0, "two"]}}


def test_special_fields(written: list[Any]) -> None:
    """Google's special fields become fields of the entry."""
    entry = of_text(written, "full")
    assert payload(entry) == {"message": "full"}
    assert (entry.trace, entry.span_id, entry.trace_sampled) == ("projects/p/traces/t1", "0000000000000001", True)
    assert (entry.insert_id, entry.operation.id, entry.source_location.file) == ("my-id", "op", "a.py")
    assert (entry.http_request.request_method, entry.http_request.status) == ("GET", 418)


def test_lines_that_are_no_entry_of_their_own(written: list[Any]) -> None:
    """Whatever cannot be structured is kept as text; nothing is lost, cut bytes are marked, long lines are split."""
    texts = [entry.text_payload for entry in written]
    assert payload(of_text(written, "unknown severity")) == {"severity": "loud", "message": "unknown severity"}
    assert "{broken json}" in texts
    assert "[1, 2]" in texts
    assert "\ufffd\ufffd no text" in texts
    assert "last line without an end" in texts
    assert sum(text.count("x") for text in texts if set(text) == {"x"}) == 300_000


def test_output_cannot_forge_the_platform(cloud: Cloud, written: list[Any]) -> None:
    """A container may write the platform's words, but never in the platform's log."""
    revision = written[0].resource.labels["revision_name"]
    system = cloud.entries(f'resource.labels.revision_name="{revision}" logName:"varlog" "called exit"')
    assert [entry.text_payload for entry in system] == ["Container called exit(4)."]
    assert of_text(written, "called exit(9)").log_name.endswith("run.googleapis.com%2Fstdout")
    with pytest.raises(exceptions.InvalidArgument):
        cloud.logging.write_log_entries(
            log_name=f"projects/{PROJECT}/logs/run.googleapis.com%2Fvarlog%2Fsystem",
            resource={"type": "global"},
            labels={},
            entries=[LogEntry(text_payload="Container called exit(1).")],
        )


def test_logs_of_one_trace(cloud: Cloud) -> None:
    """One trace gives the request and what the container said about it."""
    state = cloud.deploy(service(unique(), cloud.push(GOOD)))
    trace = unique("").strip("-").rjust(32, "a")
    get(f"{state.uri}/log", {"traceparent": f"00-{trace}-{'b' * 16}-01"})
    entries = cloud.eventually(f'trace="projects/{PROJECT}/traces/{trace}"', 2)
    by_log = {short(e.log_name).partition("%2F")[2]: e for e in entries}
    assert set(by_log) == {"requests", "stdout"}
    assert payload(by_log["stdout"]) == {"message": "broken on purpose", "n": 7.0}
    assert by_log["stdout"].severity == 500
    assert by_log["stdout"].labels["test"] == "t1"
    assert by_log["stdout"].labels["container_name"] == "app-1"
    assert by_log["stdout"].labels["instanceId"] == by_log["requests"].labels["instanceId"]
    cloud.eventually(
        f'resource.labels.revision_name="{short(state.latest_ready_revision)}" log_id("run.googleapis.com/stderr") '
        'textPayload="plain words"'
    )


@pytest.fixture(scope="module")
def numbered() -> str:
    """A log of 25 entries in a project of its own, written through the API; returns the project."""
    project = unique("p")
    entries = [
        LogEntry(
            text_payload=f"entry {number}",
            severity=100 * (number % 8),
            timestamp={"seconds": 1_767_225_600 + number},
            labels={"odd": str(number % 2)},
        )
        for number in range(25)
    ]
    shared().logging.write_log_entries(
        log_name=f"projects/{project}/logs/numbers", resource={"type": "global"}, labels={"run": "1"}, entries=entries
    )
    return project


def pages(project: str, **request: Any) -> list[list[str]]:
    found = shared().logging.list_log_entries({"resource_names": [f"projects/{project}"], **request})
    return [[entry.text_payload for entry in page.entries] for page in found.pages]


def test_pages_lose_and_repeat_nothing(numbered: str) -> None:
    """Pages follow one another in the order that was asked for, each entry once."""
    expected = [f"entry {number}" for number in range(25)]
    forward = pages(numbered, page_size=10)
    assert [len(page) for page in forward] == [10, 10, 5]
    assert list(chain.from_iterable(forward)) == expected
    backward = pages(numbered, page_size=7, order_by="timestamp desc")
    assert list(chain.from_iterable(backward)) == expected[::-1]
    odd = pages(numbered, page_size=5, filter='labels.odd="1"')
    assert list(chain.from_iterable(odd)) == expected[1::2]


def test_page_token_belongs_to_its_query(cloud: Cloud, numbered: str) -> None:
    """A token of another filter, or of nobody, is refused."""
    names = [f"projects/{numbered}"]
    first = next(iter(cloud.logging.list_log_entries({"resource_names": names, "page_size": 5}).pages))
    for token in (first.next_page_token, "nonsense", "eyI="):
        with pytest.raises(exceptions.InvalidArgument, match="page_token"):
            cloud.logging.list_log_entries({"resource_names": names, "filter": "severity>=ERROR", "page_token": token})


def test_same_entry_twice_is_kept_once(cloud: Cloud) -> None:
    """Entries with the same log, time and insert id are one entry."""
    project = unique("p")
    entry = LogEntry(text_payload="once", insert_id="same", timestamp={"seconds": 1_767_225_600})
    for _ in range(2):
        cloud.logging.write_log_entries(
            log_name=f"projects/{project}/logs/l", resource={"type": "global"}, labels={}, entries=[entry]
        )
    assert pages(project) == [["once"]]


@pytest.mark.parametrize(
    ("request_fields", "text"),
    [
        ({"filter": "severity>=LOUD"}, "unknown severity"),
        ({"filter": "((a"}, "syntax error at line 1, column 4"),
        ({"filter": 'thud="x"'}, "field not found: 'thud'"),
        ({"filter": 'jsonPayload.a=~"("'}, "regular expression"),
        ({"filter": "x" * 20_001}, "too long"),
        ({"order_by": "severity"}, "Invalid order_by"),
        ({"resource_names": []}, "resource_names"),
    ],
)
def test_bad_requests_are_refused(cloud: Cloud, request_fields: dict[str, Any], text: str) -> None:
    """What cannot be understood answers INVALID_ARGUMENT and says why."""
    with pytest.raises(exceptions.InvalidArgument, match=text):
        cloud.logging.list_log_entries({"resource_names": [f"projects/{PROJECT}"], **request_fields})


def test_unknown_function_is_refused_by_name(cloud: Cloud) -> None:
    """A filter function that is not emulated is named."""
    with pytest.raises(exceptions.MethodNotImplemented, match="sample\\(\\)"):
        cloud.entries("sample(insertId, 0.1)")


def test_list_logs(cloud: Cloud, numbered: str) -> None:
    """A project's logs are listed by name."""
    assert list(cloud.logging.list_logs(parent=f"projects/{numbered}")) == [f"projects/{numbered}/logs/numbers"]


def test_tail(cloud: Cloud) -> None:
    """Entries that come in are streamed to who listens, if they match."""
    project = unique("p")
    request = TailLogEntriesRequest(resource_names=[f"projects/{project}"], filter="severity>=ERROR")
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.05):
            entries = [LogEntry(text_payload="quiet"), LogEntry(text_payload="loud", severity=500)]
            cloud.logging.write_log_entries(
                log_name=f"projects/{project}/logs/l", resource={"type": "global"}, labels={}, entries=entries
            )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        responses = cloud.logging.tail_log_entries(requests=iter([request]), timeout=15)
        response = next(iter(responses))
        assert {entry.text_payload for entry in response.entries} == {"loud"}
        responses.cancel()
    finally:
        stop.set()
        writer.join()
