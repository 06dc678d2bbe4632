"""What step prove costs when services print much: prints the seconds with few log entries and with many, as JSON."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.triage.logbook import PROJECT, around_now, emulator, row, trace, write
from untilgreen.adapters.cloud_logging import CloudLogging
from untilgreen.model.delivery import Rollout, Served, ServingStatus
from untilgreen.model.suite import Attempt, Exchange, Outcome, Reality, Result, Sighting, SuiteRun
from untilgreen.prove.step import prove_run

SERVICE, TESTS = "shop", 1_000


def passed(test: int) -> Result:
    """Return a test that passed on a trace of its own, and reached the service."""
    exchange = Exchange(client="httpcore", method="GET", host="shop.test", path="/orders", status=200, latency_ms=5)
    seen = Sighting(trace=trace(10 * test), exchanges=(exchange,), bytes_sent=90, bytes_received=90)
    attempt = Attempt(
        number=1, outcome=Outcome.PASSED, started=datetime.now(UTC), duration_s=0.1, failure=None, sighting=seen
    )
    return Result(nodeid=f"e2e/test_it.py::test_it[{test}]", outcome=Outcome.PASSED, attempts=(attempt,))


def proving(endpoint: str) -> float:
    """Prove a thousand tests; return the seconds that took."""
    now, window = datetime.now(UTC), around_now()
    served = Served(service=SERVICE, status=ServingStatus.SERVING, url="https://shop.test", revision=f"{SERVICE}-1")
    rollout = Rollout(commit="c", started=now, finished=now, services=(served,))
    suite = SuiteRun(
        started=window.start, finished=window.end, ran=True, command=(), python="", workers=1, collected=TESTS,
        counts={}, exit_code=0, results_file="results.jsonl",
    )  # fmt: skip
    results = [passed(test) for test in range(TESTS)]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        summary = prove_run(results, rollout, suite, CloudLogging(PROJECT, endpoint), Path(folder))
        spent = time.perf_counter() - start
    if Reality.UNPROVEN in summary.counts:
        raise SystemExit(f"the log was not read: {summary.doubts}")
    return spent


def main() -> None:
    """Prove beside an empty log, then beside a full one."""
    number, rounds = int(sys.argv[1]), int(sys.argv[2])
    with emulator() as endpoint:
        write(endpoint, (row("request", SERVICE, n) for n in range(10 * TESTS)))
        few = [proving(endpoint) for _ in range(rounds)]
        write(endpoint, (row("text", SERVICE, n) for n in range(number)))
        many = [proving(endpoint) for _ in range(rounds)]
    print(json.dumps({"tests": TESTS, "entries": number, "few": few, "many": many}))


if __name__ == "__main__":
    main()
