"""A passed test is REAL only when both sides saw it; every way of not being so has its doubt."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.suite_outputs import NOON, attempt, exchange, sighting
from untilgreen.model.delivery import Rollout, Served, ServingStatus
from untilgreen.model.evidence import Request
from untilgreen.model.suite import FROM_THE_START, Control, Outcome, Proof, Reality, Result, Sighting, SuiteRun, Trial
from untilgreen.ports import LogPage, LogQuery
from untilgreen.prove.doubts import DOUBTS, sentence_of
from untilgreen.prove.step import PROOFS, Trials, prove, prove_run, read_proofs, summarise

TRACE = "ab" * 16
REVISIONS = {"api": "api-00002"}


def result(seen: Sighting | None, *, trouble: tuple[Outcome, ...] = (), outcome: Outcome = Outcome.PASSED) -> Result:
    """Return a test that ended so, after some trouble."""
    before = [attempt(bad, number) for number, bad in enumerate(trouble, 1)]
    last = attempt(outcome, len(before) + 1, sighting=seen)
    return Result(nodeid=NODEID, outcome=outcome, attempts=(*before, last))


def row(**changes: Any) -> Request:
    """Return a row of the request log on the revision under test."""
    fields: dict[str, Any] = {
        "service": "api",
        "revision": "api-00002",
        "method": "GET",
        "path": "/agents",
        "status": 200,
        "latency_s": 0.003,
        "trace": TRACE,
        "insert_id": "1",
        "at": NOON,
    }
    return Request.model_validate(fields | changes)


NODEID = "e2e/test_it.py::test"


def trial(control: Control, outcome: Outcome, *, reached: bool = True) -> Trial:
    """Return how the test behaved while its service was broken."""
    return Trial(nodeid=NODEID, control=control, outcome=outcome, reached=reached)


NOTICED = trial(Control.EMPTY, Outcome.FAILED)
"""The test was seen to fail on empty answers."""


def proof(
    test: Result,
    *rows: Request,
    log_complete: bool = True,
    hosts: tuple[str, ...] = ("api.moon",),
    trials: tuple[Trial, ...] = (),
) -> Proof:
    """Prove one test."""
    known = Trials(of={NODEID: trials})
    (only,) = prove([test], rows, REVISIONS, log_complete=log_complete, hosts=hosts, trials=known)
    return only


def test_both_sides_make_it_real() -> None:
    """Exchanges, bytes, assertions, and a row of the revision under test: no doubt is left."""
    found = proof(result(sighting(TRACE)), row())
    assert (found.reality, found.doubts, found.requests, found.revisions) == (Reality.REAL, (), 1, ("api-00002",))


@pytest.mark.parametrize(
    ("seen", "rows", "worth", "words"),
    [
        (None, (row(),), Reality.UNPROVEN, "no witness"),
        (sighting(TRACE, exchanges=()), (row(),), Reality.UNPROVEN, "no exchange"),
        (sighting(TRACE, exchanges=(exchange(host="testserver:80"),)), (row(),), Reality.UNPROVEN, "no exchange"),
        (sighting(TRACE, exchanges=(exchange(status=None),)), (row(),), Reality.UNPROVEN, "answered"),
        (sighting(TRACE, bytes_sent=0, bytes_received=0), (row(),), Reality.MOCKED, "no bytes"),
        (sighting(TRACE, assertions=0, constant_assertions=3), (row(),), Reality.VACUOUS, "constants"),
        (sighting(TRACE, mocks=("httpx.get",)), (row(),), Reality.UNPROVEN, "patched while it ran: httpx.get"),
        (sighting(TRACE, mocks=("httpx.get",), exchanges=(), bytes_received=0), (), Reality.MOCKED, "in place of"),
        (sighting(TRACE, exchanges=(exchange(), exchange(received=0))), (row(),), Reality.MOCKED, ": GET /agents"),
        (sighting(TRACE, assertions=2, early_assertions=2), (row(),), Reality.VACUOUS, "by fixtures or before"),
        (sighting(TRACE, swallowed_assertions=1), (row(),), Reality.UNPROVEN, "passed all the same"),
        (sighting(TRACE, exchanges=(exchange(host="local:1"),)), (), Reality.UNPROVEN, "no deployed service: local:1"),
        (sighting(TRACE), (), Reality.UNPROVEN, "no row"),
        (sighting(TRACE), (row(trace="cd" * 16),), Reality.UNPROVEN, "no row"),
        (sighting(TRACE), (row(revision="api-00001"),), Reality.UNPROVEN, "not under test logged"),
        (sighting(TRACE), (row(service="other"),), Reality.UNPROVEN, "not under test logged"),
        (sighting(TRACE), (row(), row(revision="api-00001")), Reality.UNPROVEN, "answered some"),
    ],
)
def test_each_missing_piece_is_a_doubt(
    seen: Sighting | None, rows: tuple[Request, ...], worth: Reality, words: str
) -> None:
    """Whatever one side lacks is named, and the test is not real."""
    found = proof(result(seen), *rows)
    assert found.reality is worth
    assert any(words in doubt for doubt in found.doubts)


def test_an_incomplete_log_proves_nothing() -> None:
    """A request log that was not read to its end leaves every test unproven."""
    assert proof(result(sighting(TRACE)), row(), log_complete=False).reality is Reality.UNPROVEN


def test_a_flaky_pass_is_not_proven() -> None:
    """A pass after a failure on the same revision is no proof."""
    assert proof(result(sighting(TRACE), trouble=(Outcome.FAILED,)), row()).reality is Reality.UNPROVEN


REFUSALS = [
    {"status": 401},
    {"status": 404},
    {"status": 503},
    {"method": "WS", "status": 403},
    {"method": "WS", "status": 101, "close_code": 4401},
    {"method": "WS", "status": 101, "close_code": 1006},
]


@pytest.mark.parametrize("refused", REFUSALS)
def test_a_refusal_alone_needs_a_control(refused: dict[str, Any]) -> None:
    """Where every answer was a refusal, the test must have been seen to fail on other answers: then it is a test."""
    test = result(sighting(TRACE, exchanges=(exchange(**refused),)))
    alone, controlled = proof(test, row()), proof(test, row(), trials=(NOTICED,))
    assert (alone.reality, controlled.reality) == (Reality.UNPROVEN, Reality.REAL)
    assert "every answer was a refusal" in alone.doubts[0]
    assert alone.doubts[0].endswith(f"-> {refused.get('close_code') or refused['status']}")


@pytest.mark.parametrize("refused", REFUSALS)
def test_a_refusal_among_successes_is_a_test(refused: dict[str, Any]) -> None:
    """What the service answered is the test's own affair, once it has said anything else too."""
    seen = sighting(TRACE, exchanges=(exchange(), exchange(**refused)))
    assert proof(result(seen), row()).reality is Reality.REAL


def test_a_fixtures_success_does_not_hide_refusals() -> None:
    """A login that works says nothing about what the test itself was refused."""
    seen = sighting(TRACE, exchanges=(exchange(phase="setup"), exchange(status=403)))
    assert proof(result(seen), row()).reality is Reality.UNPROVEN


@pytest.mark.parametrize("ended", [1000, 1001, None])
def test_a_conversation_that_ends_well_is_no_refusal(ended: int | None) -> None:
    """Saying goodbye is no objection."""
    seen = sighting(TRACE, exchanges=(exchange(method="WS", status=101, close_code=ended),))
    assert proof(result(seen), row()).reality is Reality.REAL


@pytest.mark.parametrize("control", FROM_THE_START)
@pytest.mark.parametrize("reached", [True, False])
@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED])
def test_passing_on_anything_is_vacuous(control: Control, reached: bool, outcome: Outcome) -> None:
    """A test that met a broken service and passed proves nothing; one that did not meet it says nothing."""
    found = proof(result(sighting(TRACE)), row(), trials=(trial(control, outcome, reached=reached),))
    vacuous = reached and outcome is Outcome.PASSED
    assert found.reality is (Reality.VACUOUS if vacuous else Reality.REAL)


@pytest.mark.parametrize(("control", "vacuous"), [(Control.SILENCE, True), (Control.ERROR, False)])
def test_an_error_path_may_pass_on_errors(control: Control, vacuous: bool) -> None:
    """A test that wants a 500 passes on a 500; nobody passes when nothing answers."""
    seen = result(sighting(TRACE, exchanges=(exchange(status=500),)))
    found = proof(seen, row(status=500), trials=(NOTICED, trial(control, Outcome.PASSED)))
    assert (found.reality is Reality.VACUOUS) == vacuous


@pytest.mark.parametrize("seen", [{"assertions": 0}, {"assertions": 1, "early_assertions": 1}])
def test_a_control_speaks_for_checks_that_nobody_saw(seen: dict[str, int]) -> None:
    """A test without visible assertions that fails on empty answers does look at them."""
    test = result(sighting(TRACE, **seen))
    assert proof(test, row()).reality is Reality.VACUOUS
    assert proof(test, row(), trials=(NOTICED,)).reality is Reality.REAL


@pytest.mark.parametrize(("rows", "worth"), [((row(),), Reality.REAL), ((), Reality.UNPROVEN)])
def test_bytes_of_grpc_may_be_missing_if_a_row_is_there(rows: tuple[Request, ...], worth: Reality) -> None:
    """What the kernel cannot show of gRPC's short connections, the service's own log must."""
    seen = sighting(TRACE, exchanges=(exchange(client="grpc", method="POST", received=0),), bytes_received=0)
    assert proof(result(seen), *rows).reality is worth


def test_a_doubt_names_few_and_counts_the_rest() -> None:
    """A doubt says what it is about, in a line, and its sentence can be told from that."""
    seen = sighting(TRACE, exchanges=tuple(exchange(host=f"other:{port}") for port in range(9)))
    (told, *_) = proof(result(seen)).doubts
    assert told.endswith("other:0, other:1, other:2, 6 more")
    assert sentence_of(told) in {doubt.sentence for doubt in DOUBTS}
    assert all(": " not in doubt.sentence for doubt in DOUBTS)


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.PASSED])
def test_only_passes_need_proof(outcome: Outcome) -> None:
    """What did not pass claims nothing."""
    assert prove([result(sighting(TRACE), outcome=outcome)], [], REVISIONS, log_complete=True) == []


@pytest.mark.parametrize(
    ("host", "named", "known"),
    [
        ("api.moon:443", "api.moon", True),
        ("api.moon:443", "API.moon:443", True),
        ("127.0.0.1:8080", "127.0.0.1:8080", True),
        ("127.0.0.1:8080", "127.0.0.1:9090", False),
        ("127.0.0.1:8080", "127.0.0.1", False),
    ],
)
def test_hosts_are_compared_as_urls_name_them(host: str, named: str, known: bool) -> None:
    """A URL leaves out its scheme's own port; another port is another host."""
    seen = sighting(TRACE, exchanges=(exchange(host=host),))
    assert (proof(result(seen), row(), hosts=(named,)).reality is Reality.REAL) == known


@given(
    st.timedeltas(min_value=timedelta(days=-400), max_value=timedelta(days=400)),
    st.sampled_from(["", "projects/m/traces/"]),
)
def test_clocks_do_not_matter(skew: timedelta, prefix: str) -> None:
    """Rows are joined by trace, however wrong their clock is and however the platform writes the trace."""
    assert proof(result(sighting(TRACE)), row(at=NOON + skew, trace=prefix + TRACE)).reality is Reality.REAL


@given(
    exchanges=st.lists(st.sampled_from([200, 500, None]), max_size=3),
    received=st.integers(0, 3),
    assertions=st.integers(0, 2),
    mocks=st.lists(st.just("httpx.get"), max_size=1),
    rows=st.lists(st.sampled_from(["api-00001", "api-00002"]), max_size=3),
    log_complete=st.booleans(),
)
def test_nothing_is_real_by_one_side_alone(
    exchanges: list[int | None],
    received: int,
    assertions: int,
    mocks: list[str],
    rows: list[str],
    log_complete: bool,
) -> None:
    """REAL means bytes, an answer, an assertion, a row of the revision under test and no doubt; and vice versa."""
    seen = sighting(
        TRACE,
        exchanges=tuple(exchange(status=status) for status in exchanges),
        bytes_received=received,
        assertions=assertions,
        mocks=tuple(mocks),
    )
    found = proof(result(seen), *(row(revision=name) for name in rows), log_complete=log_complete)
    answered = 200 in exchanges  # errors alone would need a control
    whole = answered and received and assertions and not mocks and set(rows) == {"api-00002"} and log_complete
    assert (found.reality is Reality.REAL) == bool(whole)
    assert (found.reality is Reality.REAL) == (found.doubts == ())


@given(st.lists(st.sampled_from(["a", "b"]), max_size=4))
def test_more_evidence_never_hides_a_request(services: list[str]) -> None:
    """Rows of other traces change nothing, in whatever order they come."""
    strange = [row(service=name, trace="cd" * 16) for name in services]
    test = result(sighting(TRACE))
    assert proof(test, row(), *strange) == proof(test, *strange, row()) == proof(test, row())


def test_summaries_count_worth_and_doubts() -> None:
    """A summary says how many tests are worth what, and how often each doubt was raised."""
    proofs = prove([result(sighting(TRACE)), result(None)], [row()], REVISIONS, log_complete=True)
    summary = summarise(proofs, log_complete=True)
    assert summary.counts == {Reality.REAL: 1, Reality.UNPROVEN: 1}
    assert summary.doubts["no witness reported"] == 1


class ScriptedLogs:
    """A log of requests that lags; it remembers what it was asked for."""

    def __init__(self, *rows: Request) -> None:
        self.rows = rows
        self.awaited: frozenset[str] = frozenset()
        self.parts: set[str] = set()

    def read(self, query: LogQuery) -> LogPage:
        """Return the rows of the window; of what nobody has waited for there is none yet."""
        self.parts.add(query.part)
        if not self.awaited:
            return LogPage(entries=(), requests=(), complete=True)
        found = tuple(r for r in self.rows if r.service in query.services and r.at and query.window.contains(r.at))
        return LogPage(entries=(), requests=found, complete=True)

    def settled(self, query: LogQuery, traces: frozenset[str], patience_s: float) -> bool:
        """Say at once that all is there."""
        assert query.services
        assert patience_s > 0
        self.awaited = traces
        return True


@pytest.mark.parametrize("off", [timedelta(seconds=100), timedelta(hours=9), timedelta(hours=-14)])
def test_a_run_is_proven_from_its_log(tmp_path: Path, off: timedelta) -> None:
    """The step waits for the rows that must come, finds them whatever the log's clock says, and leaves proofs."""
    served = Served(service="api", status=ServingStatus.SERVING, url="https://api.moon", revision="api-00002")
    rollout = Rollout(commit="c" * 40, started=NOON, finished=NOON, services=(served,))
    suite = SuiteRun(
        started=NOON,
        finished=NOON,
        ran=True,
        command=(),
        python="",
        workers=1,
        collected=2,
        counts={},
        exit_code=0,
        results_file="results.jsonl",
    )
    logs = ScriptedLogs(row(at=NOON + off))
    mocked = sighting("cd" * 16, bytes_received=0)
    summary = prove_run([result(sighting(TRACE)), result(mocked)], rollout, suite, logs, tmp_path)
    assert summary.counts == {Reality.REAL: 1, Reality.MOCKED: 1}
    assert logs.awaited == {TRACE}
    assert logs.parts == {"requests"}  # the entries of the run may be a hundred times as many
    assert [found.reality for found in read_proofs(tmp_path / PROOFS)] == [Reality.REAL, Reality.MOCKED]
