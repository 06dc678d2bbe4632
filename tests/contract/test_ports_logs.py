"""The port Logs, over the emulator and over the fake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.logging_v2.types import LogEntry, WriteLogEntriesRequest

from tests.contract.moon import PROJECT, REGION, Moon
from untilgreen.adapters.cloud_logging import CloudLogging
from untilgreen.adapters.cloud_run import CloudRunServices
from untilgreen.adapters.google_connection import connect
from untilgreen.model.delivery import Template
from untilgreen.model.document import Window
from untilgreen.model.evidence import Entry, Request, Stream
from untilgreen.ports import LogQuery, Logs
from untilgreen.testing import FakeLogs

TRACE = "0123456789abcdef0123456789abcdef"
ACCOUNT = f"app@{PROJECT}.iam.gserviceaccount.com"


def deployed(moon: Moon, image: str) -> tuple[str, str]:
    """Deploy an image and return its service and URL."""
    name = moon.name()
    template = Template(service=name, image=image, account=ACCOUNT, health_path="/", startup_seconds=10)
    return name, CloudRunServices(PROJECT, REGION, moon.endpoint).apply(template, f"{name}-1").url


def query(service: str, seconds: float = 120) -> LogQuery:
    """Ask for what a service logged around now."""
    now = datetime.now(UTC)
    return LogQuery(
        services=(service,), window=Window(start=now - timedelta(seconds=seconds), end=now + timedelta(seconds=seconds))
    )


def logged(service: str, path: str, trace: str) -> Request:
    """Return a row of the request log for the fake."""
    return Request(
        at=datetime.now(UTC),
        service=service,
        revision=f"{service}-1",
        method="GET",
        path=path,
        status=200,
        latency_s=0.1,
        trace=trace,
        insert_id=path,
    )


@pytest.fixture(params=["emulator", "fake"])
def visited(request: pytest.FixtureRequest) -> tuple[Logs, str]:
    """Return a log, and a service that was visited twice: once with our trace."""
    if request.param == "fake":
        return FakeLogs(requests=[logged("app", "/a", TRACE), logged("app", "/b", "")]), "app"
    moon: Moon = request.getfixturevalue("moon")
    name, url = deployed(moon, moon.good)
    httpx.get(f"{url}/a?token=x", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    httpx.get(f"{url}/b")
    return CloudLogging(PROJECT, moon.endpoint), name


def test_settled_when_traces_are_there(visited: tuple[Logs, str]) -> None:
    """The log is settled once it has a row for each trace that was asked for."""
    logs, service = visited
    assert logs.settled(query(service), frozenset({TRACE}), 10)
    assert logs.settled(query(service), frozenset(), 0)


def test_not_settled_without_them(visited: tuple[Logs, str]) -> None:
    """A trace that never arrives is not settled, and patience ends."""
    logs, service = visited
    assert not logs.settled(query(service), frozenset({TRACE, "f" * 32}), 0.3)
    assert not logs.settled(query("nobody"), frozenset({TRACE}), 0.3)


def test_requests_are_read(visited: tuple[Logs, str]) -> None:
    """Each request is a row with its revision, path without query, status and trace."""
    logs, service = visited
    assert logs.settled(query(service), frozenset({TRACE}), 10)
    page = logs.read(query(service))
    assert (page.complete, page.gap) == (True, "")
    (row,) = [r for r in page.requests if r.trace == TRACE]
    assert (row.service, row.revision, row.method, row.path, row.status) == (service, f"{service}-1", "GET", "/a", 200)


def test_other_services_and_times_are_not_read(visited: tuple[Logs, str]) -> None:
    """Only rows of the services and the window that were asked for come."""
    logs, service = visited
    long_ago = Window(start=datetime(2020, 1, 1, tzinfo=UTC), end=datetime(2020, 1, 2, tzinfo=UTC))
    for wanted in (query("nobody"), LogQuery(services=(service,), window=long_ago)):
        page = logs.read(wanted)
        assert (page.requests, page.entries, page.complete) == ((), (), True)


STREAMS = {"stdout": Stream.STDOUT, "stderr": Stream.STDERR}


@pytest.fixture(params=["emulator", "fake"])
def told(request: pytest.FixtureRequest) -> tuple[Logs, str]:
    """Return a log in which two revisions of a service said something, quietly and loudly, and one request came."""
    lines = [("r1", "stdout", "INFO"), ("r1", "stderr", "DEFAULT"), ("r2", "stdout", "INFO"), ("r2", "stdout", "ERROR")]
    if request.param == "fake":
        said = [
            Entry(
                at=datetime.now(UTC),
                service="app",
                revision=revision,
                stream=STREAMS[stream],
                severity=severity,
                message=f"{revision} {stream} {severity}",
                insert_id=str(number),
                log_name="n",
            )
            for number, (revision, stream, severity) in enumerate(lines)
        ]
        return FakeLogs(said, [logged("app", "/a", TRACE)]), "app"
    moon: Moon = request.getfixturevalue("moon")
    service = moon.name()
    rows = [row(service, f"{r} {s} {x}", n, r, s, severity=x) for n, (r, s, x) in enumerate(lines)]
    asked = {"request_method": "GET", "request_url": "https://a.test/a?x=1", "status": 200}
    rows.append(row(service, "", 9, "r1", "requests", http_request=asked, trace=f"projects/{PROJECT}/traces/{TRACE}"))
    write(moon, rows)
    return CloudLogging(PROJECT, moon.endpoint), service


@pytest.mark.parametrize(
    ("wanted", "said", "requests"),
    [
        ({}, {"r1 stdout INFO", "r1 stderr DEFAULT", "r2 stdout INFO", "r2 stdout ERROR"}, 1),
        ({"part": "requests"}, set(), 1),
        ({"part": "entries"}, {"r1 stdout INFO", "r1 stderr DEFAULT", "r2 stdout INFO", "r2 stdout ERROR"}, 0),
        ({"alarming": True}, {"r1 stderr DEFAULT", "r2 stdout ERROR"}, 0),
        ({"revisions": ("r2",)}, {"r2 stdout INFO", "r2 stdout ERROR"}, 0),
        ({"traces": (TRACE,)}, set(), 1),
        ({"alarming": True, "revisions": ("r2",), "part": "entries"}, {"r2 stdout ERROR"}, 0),
    ],
)
def test_what_is_asked_for(told: tuple[Logs, str], wanted: dict[str, object], said: set[str], requests: int) -> None:
    """A question may be about a part of the log, a revision, a trace, or what alarms."""
    logs, service = told
    page = logs.read(LogQuery.model_validate({**query(service).model_dump(), **wanted}))
    assert {entry.message for entry in page.entries} == said
    rows = [request for request in page.requests if request.revision != f"{service}-1" or service == "app"]
    assert (len(rows), page.complete) == (requests, True)


def test_most_is_a_gap(told: tuple[Logs, str]) -> None:
    """Who asks for a number of rows at most gets no more, and is told that there are more."""
    logs, service = told
    page = logs.read(query(service).model_copy(update={"part": "entries", "most": 3}))
    assert (len(page.entries), page.complete, page.gap) == (3, False, "stopped after 3 rows")
    whole = logs.read(query(service).model_copy(update={"part": "entries", "most": 4}))
    assert (len(whole.entries), whole.complete) == (4, True)


def entries(moon: Moon, service: str) -> tuple[Entry, ...]:
    """Read what a service logged."""
    return CloudLogging(PROJECT, moon.endpoint).read(query(service)).entries


def visit(url: str, path: str, moon: Moon, service: str) -> tuple[Entry, ...]:
    """Visit a path and read the log once the visit is in it: a container's lines come before its answer."""
    httpx.get(f"{url}{path}", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    assert CloudLogging(PROJECT, moon.endpoint).settled(query(service), frozenset({TRACE}), 10)
    return entries(moon, service)


def test_death_at_import_is_one_exception(moon: Moon) -> None:
    """A container that dies while it imports leaves one exception, with the frame of the import, and its exit."""
    service, _ = deployed(moon, moon.dying)
    found = entries(moon, service)
    (raised,) = [e.raised for e in found if e.raised]
    assert (raised.exception, raised.message) == ("ModuleNotFoundError", "No module named 'monitoring'")
    assert (raised.frames[-1].line, raised.frames[-1].source) == (1, "import monitoring")
    system = [e.message for e in found if e.stream is Stream.SYSTEM]
    assert any("exit(1)" in message for message in system)


def test_json_lines(moon: Moon) -> None:
    """A JSON line is an entry with its severity, its message, and the rest of its fields."""
    service, url = deployed(moon, moon.good)
    (entry,) = [e for e in visit(url, "/log", moon, service) if e.stream is Stream.STDOUT]
    assert (entry.severity, entry.message, entry.revision) == ("ERROR", 'paid {"order": 3}', f"{service}-1")


def test_printed_traceback(moon: Moon) -> None:
    """A traceback that a running service prints is one exception."""
    service, url = deployed(moon, moon.good)
    assert [e.raised.exception for e in visit(url, "/raise", moon, service) if e.raised] == ["KeyError"]


def row(service: str, text: str, number: int, revision: str = "r", log: str = "stdout", **fields: object) -> LogEntry:
    """Return a row as another program would write it."""
    return LogEntry(
        log_name=f"projects/{PROJECT}/logs/run.googleapis.com%2F{log}",
        resource={"type": "cloud_run_revision", "labels": {"service_name": service, "revision_name": revision}},
        text_payload=text,
        insert_id=f"{service}-{number:06d}",
        timestamp=datetime.now(UTC).replace(microsecond=0),
        **fields,
    )


def write(moon: Moon, rows: list[LogEntry]) -> None:
    """Write every row twice, as the platform may deliver it."""
    client = connect(LoggingServiceV2Client, LoggingServiceV2GrpcTransport, moon.endpoint)
    for _ in range(2):
        client.write_log_entries(request=WriteLogEntriesRequest(entries=rows))


def written(moon: Moon, service: str, number: int) -> None:
    """Write so many rows."""
    write(moon, [row(service, str(n), n) for n in range(number)])


def test_many_pages_without_doubles(moon: Moon) -> None:
    """All pages are read, in order, and a row that was delivered twice comes once."""
    service = moon.name()
    written(moon, service, 1_200)
    messages = [entry.message for entry in entries(moon, service)]
    assert sorted(messages, key=int) == [str(row) for row in range(1_200)]


def test_limit_is_a_gap(moon: Moon) -> None:
    """Reading that stops at its limit says that it is not complete."""
    service = moon.name()
    written(moon, service, 20)
    page = CloudLogging(PROJECT, moon.endpoint, limit=10).read(query(service))
    assert (len(page.entries), page.complete, page.gap) == (10, False, "stopped after 10 rows")


def test_nobody_there_is_a_gap() -> None:
    """A log that does not answer is not an empty log: it is incomplete, and never settled."""
    logs = CloudLogging(PROJECT, "127.0.0.1:1", patience_s=0.3)
    page = logs.read(query("app"))
    assert (page.complete, page.entries) == (False, ())
    assert "stopped answering" in page.gap
    assert not logs.settled(query("app"), frozenset({TRACE}), 0)
