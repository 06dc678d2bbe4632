"""pycurl under the witness, where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.pytest_suite_orders import outcomes, run
from tests.liars.deployed import deployed
from untilgreen.model.suite import Outcome

pytest.importorskip("pycurl")

TESTS = """
    import io, json, os
    import pycurl

    URL = os.environ["URL"]

    def handle(path, **options):
        curl, body = pycurl.Curl(), io.BytesIO()
        curl.setopt(curl.URL, URL + path)
        curl.setopt(pycurl.WRITEDATA, body)
        for name, value in options.items():
            curl.setopt(getattr(pycurl, name), value)
        return curl, body

    def test_alone():
        curl, body = handle("/health")
        curl.perform()
        assert json.loads(body.getvalue())["status"] == "ok"
        curl.setopt(pycurl.URL, URL + "/agents")
        curl.setopt(pycurl.HTTPHEADER, ["Authorization: Bearer token-of-ada", "Content-Type: application/json"])
        curl.setopt(pycurl.POSTFIELDS, json.dumps({"name": "curly"}))
        assert "curly" in curl.perform_rs()
        assert curl.getinfo(pycurl.RESPONSE_CODE) == 201
        curl.close()

    def test_many():
        multi, handles = pycurl.CurlMulti(), [handle("/health")[0], handle("/agents/none")[0]]
        for curl in handles:
            multi.add_handle(curl)
        running = len(handles)
        while running:
            multi.select(1.0)
            running = multi.perform()[1]
        codes = [curl.getinfo(pycurl.RESPONSE_CODE) for curl in handles]
        for curl in handles:
            multi.remove_handle(curl)
        assert codes == [200, 401]

    def test_nobody():
        curl, _ = handle("")
        curl.setopt(pycurl.URL, "http://127.0.0.1:9/")
        try:
            curl.perform()
        except pycurl.error:
            return
        assert False
"""


def test_every_transfer_is_an_exchange(tmp_path: Path) -> None:
    """Transfers are seen with status, bytes and principal, alone or side by side, and carry the test's trace."""
    with deployed() as service:
        output = run(tmp_path, TESTS, env={"URL": service.url}, hosts=(service.host,), workers=1)
        rows = [(row.path, row.trace) for row in service.rows]
    assert {name: end for name, end in outcomes(output).items() if end is not Outcome.PASSED} == {}
    seen = {nodeid.rpartition("::")[2]: attempt.sighting for nodeid, attempt in output.attempts.items()}
    alone, many, nobody = (seen[name] for name in ("test_alone", "test_many", "test_nobody"))
    assert alone is not None and many is not None and nobody is not None  # noqa: PT018 - for the type checker
    told = [(e.client, e.method, e.path, e.status, bool(e.principal)) for e in alone.exchanges]
    assert told == [("pycurl", "GET", "/health", 200, False), ("pycurl", "POST", "/agents", 201, True)]
    assert alone.bytes_received > 100
    assert {e.received for e in alone.exchanges}.isdisjoint({0, None})
    assert [(e.path, e.status) for e in many.exchanges] == [("/health", 200), ("/agents/none", 401)]
    assert [e.status for e in nobody.exchanges] == [None]
    assert [trace.rpartition("/")[2] for _, trace in rows] == [alone.trace, alone.trace, many.trace, many.trace]
