"""What step collect reads of the log, and when it does not believe that it is the log."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from untilgreen.collect.gathered import Gathered
from untilgreen.collect.log_evidence import Expected, log_evidence
from untilgreen.errors import CloudUnavailable
from untilgreen.model.document import Window
from untilgreen.model.evidence import Coverage, Entry, Request, Stream
from untilgreen.ports import LogPage, LogQuery
from untilgreen.testing import BEGINNING, FakeLogs

WINDOW = Window(start=BEGINNING, end=BEGINNING + timedelta(minutes=10))
PROBE, TEST, LAST = "a" * 32, "b" * 32, "c" * 32


class Asked(FakeLogs):
    """A log that remembers what it was asked, and may lag: a late row is shown from the given question on."""

    def __init__(self, *rows: Entry | Request, late: dict[str, int] | None = None) -> None:
        super().__init__(
            [row for row in rows if isinstance(row, Entry)], [row for row in rows if isinstance(row, Request)]
        )
        self.queries: list[LogQuery] = []
        self._late = late or {}

    def read(self, query: LogQuery) -> LogPage:
        """Answer, as far as the log has come by now."""
        self.queries.append(query)
        page = super().read(query)
        shown = [e for e in page.entries if len(self.queries) >= self._late.get(e.insert_id, 0)]
        return page.model_copy(update={"entries": tuple(shown)})


def entry(number: int, *, at: datetime = BEGINNING, trace: str = "", **fields: object) -> Entry:
    """Return a log entry of the backend."""
    values = {
        "at": at,
        "service": "backend",
        "revision": "backend-1",
        "stream": Stream.STDOUT,
        "severity": "INFO",
        "message": f"line {number}",
        "insert_id": str(number),
        "log_name": "n",
        "trace": trace,
    }
    return Entry.model_validate(values | fields)


def request(trace: str = PROBE, at: datetime = BEGINNING) -> Request:
    """Return a row of the backend's request log."""
    return Request(
        at=at,
        service="backend",
        revision="backend-1",
        method="GET",
        path="/health",
        status=200,
        latency_s=0.1,
        trace=trace,
        insert_id=trace,
    )


def expected(**fields: object) -> Expected:
    """Expect our own probe of the backend."""
    return Expected(**{"probes": {"backend": {PROBE: BEGINNING}}, **fields})  # type: ignore[arg-type] - as they come


def coverage(gathered: Gathered, kind: str) -> Coverage:
    """Return the only record of a kind."""
    (found,) = [c for c in gathered.coverage if c.kind == kind]
    return found


def lines(gathered: Gathered) -> list[str]:
    """Return the ids of the entries in the order they came."""
    return sorted(item.insert_id for item in gathered.items if isinstance(item, Entry))


def test_a_log_that_holds_our_probe_is_complete() -> None:
    """With our own request in it, the log is believed, and its silence may be cited."""
    found = log_evidence(Asked(request(), entry(1)), ["backend"], WINDOW, expected())
    assert coverage(found, "entry").complete
    assert coverage(found, "request").complete


@pytest.mark.parametrize("rows", [[], [entry(1)], [request(TEST)]])
def test_a_log_without_our_probe_is_not_believed(rows: list[Entry | Request]) -> None:
    """A log in which our own request is missing may be another service's, however much stands in it."""
    found = log_evidence(Asked(*rows), ["backend"], WINDOW, expected())
    for kind in ("entry", "request"):
        assert not coverage(found, kind).complete
        assert PROBE in coverage(found, kind).gap


def test_an_empty_log_that_nothing_must_be_in() -> None:
    """Where nobody ever asked the service, an empty log is no silence, and one with a row is."""
    assert not coverage(log_evidence(Asked(), ["backend"], WINDOW, Expected()), "entry").complete
    assert coverage(log_evidence(Asked(entry(1)), ["backend"], WINDOW, Expected()), "entry").complete


def test_a_log_that_did_not_catch_up() -> None:
    """When our last request does not arrive in time, what was written last may be missing, and that is said."""
    found = log_evidence(Asked(request()), ["backend"], WINDOW, expected(last=frozenset({LAST})))
    assert "may be missing" in coverage(found, "entry").gap
    there = log_evidence(Asked(request(), request(LAST)), ["backend"], WINDOW, expected(last=frozenset({LAST})))
    assert coverage(there, "entry").complete


def test_the_newest_part_is_read_twice() -> None:
    """A row that the log shows only after later ones is found by the second look, and the others come once."""
    end = WINDOW.end - timedelta(seconds=3)
    logs = Asked(request(), request(LAST), entry(1), entry(2, at=end), entry(3, at=end), late={"2": 3})
    found = log_evidence(logs, ["backend"], WINDOW, expected(last=frozenset({LAST})))
    assert lines(found) == ["1", "2", "3"]


@pytest.mark.parametrize("hours", [-7, 5])
def test_a_clock_in_another_zone(hours: int) -> None:
    """A log whose clock is hours off is found by our own request, and read at its own time."""
    there = BEGINNING + timedelta(hours=hours)
    found = log_evidence(Asked(request(at=there), entry(1, at=there)), ["backend"], WINDOW, expected())
    assert lines(found) == ["1"]
    assert coverage(found, "entry").complete
    assert f"{hours * 3600:+d} s off ours" in coverage(found, "entry").query


def test_more_than_can_be_read() -> None:
    """Of a log that is too large the failing tests' traces, errors, the platform and dead revisions are read."""
    rows = [entry(n, at=BEGINNING + timedelta(seconds=1)) for n in range(10, 20)]
    late = BEGINNING + timedelta(seconds=2)
    rows += [
        entry(21, at=late, trace=TEST),
        entry(22, at=late, severity="ERROR"),
        entry(23, at=late, stream=Stream.SYSTEM),
        entry(24, at=late, stream=Stream.STDERR, severity="DEFAULT"),
        entry(25, at=late, revision="backend-2"),
        entry(26, at=late),
    ]
    wanted = expected(failing=frozenset({TEST}), unready=("backend-2",), most=10)
    found = log_evidence(Asked(request(), *rows), ["backend"], WINDOW, wanted)
    assert lines(found) == [*map(str, range(10, 20)), "21", "22", "23", "24", "25"]
    assert "more than 10 entries" in coverage(found, "entry").gap
    assert coverage(found, "request").complete


def test_traces_are_asked_for_in_portions() -> None:
    """A filter takes some 200 traces: more make several questions."""
    failing = frozenset(f"{n:032x}" for n in range(450))
    logs = Asked(request(), *(entry(n) for n in range(20)))
    log_evidence(logs, ["backend"], WINDOW, expected(failing=failing, most=10))
    asked = [query.traces for query in logs.queries if query.traces]
    assert [len(traces) for traces in asked] == [200, 200, 50]
    assert frozenset().union(*asked) == failing


def test_traces_of_answered_tests() -> None:
    """A request log that lacks the rows of tests that were answered is not complete, and says how many."""
    found = log_evidence(Asked(request()), ["backend"], WINDOW, expected(answered=frozenset({TEST, PROBE})))
    assert coverage(found, "request").gap == "the request log has no row yet for 1 of 2 traces"
    assert coverage(found, "entry").complete


def test_a_cloud_that_is_away() -> None:
    """A log that cannot be read is a gap with its reason, not an exception."""

    class Away(FakeLogs):
        def read(self, query: LogQuery) -> LogPage:
            raise CloudUnavailable(f"no answer about {query.services[0]}")

    found = log_evidence(Away(), ["backend"], WINDOW, expected())
    assert "no answer about backend" in coverage(found, "entry").gap
