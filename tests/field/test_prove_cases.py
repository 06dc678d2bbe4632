"""Suites that were green and proved nothing, or were real and not believed; each test is named after its row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.pytest_suite_orders import run
from tests.liars.deployed import REVISION, SERVICE, Deployed, deployed
from untilgreen.model.suite import Control, Outcome, Proof, Reality, Result, Trial
from untilgreen.prove.step import NO_TRIALS, Trials, prove, summarise


@pytest.fixture
def service() -> Iterator[Deployed]:
    """Run the deployed service."""
    with deployed() as running:
        yield running


def proven(
    folder: Path,
    service: Deployed,
    tests: str,
    *,
    env: dict[str, str] | None = None,
    off: timedelta = timedelta(),
    trials: Trials = NO_TRIALS,
) -> list[Proof]:
    """Run tests that all pass, and prove them by a request log whose clock may be off."""
    output = run(folder, tests, env={"URL": service.url, **(env or {})}, hosts=(service.host,))
    results = [Result(nodeid=n, outcome=a.outcome, attempts=(a,)) for n, a in output.attempts.items()]
    assert {result.outcome for result in results} == {Outcome.PASSED}
    at = results[0].attempts[0].started + off
    rows = [row.model_copy(update={"at": at}) for row in service.rows]
    return prove(results, rows, {SERVICE: REVISION}, log_complete=True, hosts=(service.host,), trials=trials)


def test_c07_another_host(tmp_path: Path, service: Deployed) -> None:
    """C07: tests that ran against another host prove nothing about the deployed service, and that host is named."""
    with deployed() as other:
        tests = f"""
            import httpx

            def test_health():
                assert httpx.get("{other.url}/health").json()["status"] == "ok"
        """
        (proof,) = proven(tmp_path, service, tests)
        assert other.rows  # it did talk, to the wrong one
    assert proof.reality is Reality.UNPROVEN
    assert proof.doubts[0] == f"it only talked to what is no deployed service: {other.host}"


def test_c16_local_dictionaries(tmp_path: Path, service: Deployed) -> None:
    """C16: 158 tests that checked dictionaries of their own are unproven, each for the same named reasons."""
    tests = """
        import pytest

        AGENTS = {}

        @pytest.mark.parametrize("number", range(158))
        def test_agent(number):
            AGENTS[number] = {"state": "created"}
            AGENTS[number]["state"] = "running"
            assert AGENTS[number]["state"] == "running"
    """
    summary = summarise(proven(tmp_path, service, tests), log_complete=True)
    assert summary.counts == {Reality.UNPROVEN: 158}
    assert summary.doubts["no exchange with a deployed service was seen"] == 158
    assert summary.doubts["no row of the request log carries its trace"] == 158
    assert summary.request_rows == 0


def test_c17_green_in_no_time(tmp_path: Path, service: Deployed) -> None:
    """C17: 70 of 70 green in no time: nothing was asked and nothing was checked, so none of them is proven."""
    tests = """
        import pytest

        @pytest.mark.parametrize("number", range(70))
        def test_number(number):
            pass
    """
    summary = summarise(proven(tmp_path, service, tests), log_complete=True)
    assert summary.counts == {Reality.UNPROVEN: 70}
    assert summary.doubts["no exchange with a deployed service was seen"] == 70
    assert summary.doubts["no assertion about anything but constants was executed"] == 70


@pytest.mark.parametrize(("zone", "hours"), [("Pacific/Kiritimati", -14), ("America/Los_Angeles", 9), ("UTC", 0)])
def test_c18_zones_and_clocks(tmp_path: Path, service: Deployed, zone: str, hours: int) -> None:
    """C18: real traffic is real whatever zone the tests live in, however far off the log's clock is, however fast."""
    tests = """
        import os, httpx

        def test_health():
            assert httpx.get(os.environ["URL"] + "/health").json()["status"] == "ok"
    """
    (proof,) = proven(tmp_path, service, tests, env={"TZ": zone}, off=timedelta(hours=hours))
    assert (proof.reality, proof.doubts, proof.requests) == (Reality.REAL, (), 1)


REJECTED = """
    import os
    import pytest
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    URL = os.environ["URL"].replace("http", "ws") + "/ws"

    def test_connections():
        handled, latencies = 0, [0.012, 0.015, 0.011]
        for _ in range(3):
            try:
                connect(URL).close()
            except Exception:
                pass
            handled += 1
        assert handled == 3
        assert max(latencies) < 0.05

    def test_refusal():
        with pytest.raises(InvalidStatus) as refused:
            connect(URL)
        assert refused.value.response.status_code == 401
"""


def test_c19_refusals_counted_as_success(tmp_path: Path, service: Deployed) -> None:
    """C19: rejected connections with literal latencies are not real; a test of the refusal is, once controlled."""
    lie, honest = "e2e/test_it.py::test_connections", "e2e/test_it.py::test_refusal"
    trials = {
        lie: (Trial(nodeid=lie, control=Control.EMPTY, outcome=Outcome.PASSED, reached=True),),
        honest: (Trial(nodeid=honest, control=Control.EMPTY, outcome=Outcome.FAILED, reached=True),),
    }
    alone = proven(tmp_path / "alone", service, REJECTED)
    assert [proof.reality for proof in alone] == [Reality.UNPROVEN] * 2
    assert all(proof.doubts[0].startswith("every answer was a refusal") for proof in alone)
    controlled = {
        proof.nodeid: proof for proof in proven(tmp_path / "both", service, REJECTED, trials=Trials(of=trials))
    }
    assert controlled[lie].reality is Reality.UNPROVEN
    assert controlled[honest].reality is Reality.REAL


def test_c19_literal_latencies(tmp_path: Path, service: Deployed) -> None:
    """C19: latencies that were written down instead of measured are constants, and assertions about them none."""
    tests = """
        import os, httpx

        def test_latency():
            httpx.get(os.environ["URL"] + "/health")
            latencies = [0.012, 0.015, 0.011]
            average = sum(latencies) / len(latencies)
            assert average < 0.05
            assert all([latency < 0.1 for latency in latencies]) or True
    """
    (proof,) = proven(tmp_path, service, tests)
    assert proof.reality is Reality.VACUOUS
    assert proof.doubts == ("no assertion about anything but constants was executed",)
