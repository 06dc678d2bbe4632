"""When Cloud Logging is late, stingy or down: nothing is called proven that was not seen, and nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from tests.faults.site import PROJECT, Site
from untilgreen.adapters.cloud_logging import CloudLogging
from untilgreen.model.document import Window
from untilgreen.model.suite import Attempt, Exchange, Outcome, Reality, Result, Sighting, SuiteRun
from untilgreen.ports import LogQuery
from untilgreen.prove.step import prove_run


def visit(url: str, count: int) -> list[str]:
    """Ask the service several times; return the traces of the requests."""
    traces = [uuid4().hex for _ in range(count)]
    for trace in traces:
        httpx.get(f"{url}/items/tea", headers={"traceparent": f"00-{trace}-{trace[:16]}-01"}, trust_env=False)
    return traces


def everything(site: Site) -> LogQuery:
    now, wide = datetime.now(UTC), timedelta(minutes=5)
    return LogQuery(services=(site.service,), window=Window(start=now - wide, end=now + wide))


@pytest.mark.slow
def test_a_late_log_is_waited_for(site: Site) -> None:
    """Entries that are seen 1 to 2 s late still prove who answered."""
    site.write()
    with site.faults(ingestion_delay="1s-2s", fault_seed=5):
        ending = site.ending()
    assert (ending.code, ending.message) == (0, "")
    assert ending.health
    assert [identity.proven for identity in ending.health.identities] == [True]


def test_a_log_that_is_too_late_proves_nothing(site: Site) -> None:
    """When the request log does not show the probes in time, that is told, and nobody is called healthy."""
    site.write(identity_s=1)
    with site.faults(ingestion_delay="10m"):
        ending = site.ending()
    assert ending.code == 3
    assert "IDENTITY_UNPROVEN: within 1 s the request log does not show who answered" in ending.message


@pytest.mark.slow
def test_a_quota_is_waited_for(site: Site) -> None:
    """Reading goes on when the quota allows it again: all pages come, none twice."""
    rollout = site.write().deploy()
    traces = visit(rollout.of(site.service).url, 25)
    logs = CloudLogging(PROJECT, site.cloud.endpoint, patience_s=30)
    with site.faults(read_quota="2/1s"):
        assert logs.settled(everything(site), frozenset(traces), 20)
        pages = [logs.read(everything(site)) for _ in range(4)]
    for page in pages:
        assert (page.complete, page.gap) == (True, "")
        assert sorted(row.trace for row in page.requests if row.trace in traces) == sorted(traces)


def test_a_quota_that_never_ends_is_a_gap(site: Site) -> None:
    """When the log cannot be read to its end, what was read is kept and the gap is named: never an empty log."""
    site.write().deploy()
    logs = CloudLogging(PROJECT, site.cloud.endpoint, patience_s=1)
    with site.faults(fault=["ListLogEntries:RESOURCE_EXHAUSTED"]):
        page = logs.read(everything(site))
    assert not page.complete
    assert "Quota exceeded for quota metric 'Read requests'" in page.gap


@pytest.mark.slow
@pytest.mark.parametrize("delay", ["1500ms", "500ms-3s"])
def test_passed_tests_are_proven_although_the_log_is_late(site: Site, delay: str) -> None:
    """A proof waits for the log: with entries seconds late every passed test is REAL, on the deployed revision."""
    rollout = site.write().deploy()
    with site.faults(ingestion_delay=delay, read_quota="10/1s"):
        traces = visit(rollout.of(site.service).url, 20)
        summary = prove_run(
            [passed(trace, rollout.of(site.service).url) for trace in traces],
            rollout,
            suite_of(len(traces)),
            site.shop().logs,
            site.root / "proofs",
        )
    assert summary.log_complete
    assert summary.counts == {Reality.REAL: 20}, summary.doubts


def passed(trace: str, url: str) -> Result:
    """Return a passed test of which the witness says that it asked the service once."""
    host = url.partition("//")[2]
    exchange = Exchange(client="httpx", method="GET", host=host, path="/items/tea", status=200, latency_ms=3)
    sighting = Sighting(trace=trace, exchanges=(exchange,), bytes_sent=200, bytes_received=300, assertions=1)
    attempt = Attempt(number=1, outcome=Outcome.PASSED, started=datetime.now(UTC), duration_s=0.1, sighting=sighting)
    return Result(nodeid=f"e2e/test_shop.py::test_{trace}", outcome=Outcome.PASSED, attempts=(attempt,))


def suite_of(count: int) -> SuiteRun:
    now = datetime.now(UTC)
    return SuiteRun(
        started=now - timedelta(minutes=1),
        finished=now,
        ran=True,
        command=("pytest",),
        python="3.11",
        workers=1,
        collected=count,
        counts={Outcome.PASSED: count},
        exit_code=0,
        results_file="results.jsonl",
    )
