"""Runs a suite by untilgreen and prints what it took, as one line of JSON: `python ours.py '{"checkout": ...}'`."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.ports import SuiteOrder
from untilgreen.suite.watchers import UNHEARD

asked = json.loads(sys.argv[1])
order = SuiteOrder(
    run_id="benchmark",
    root=asked["checkout"],
    path="e2e",
    python=sys.executable,
    workers=asked["workers"],
    env={"URL": asked["url"]},
    hosts=(asked["url"].removeprefix("http://") or "127.0.0.1:9",),
    folder=str(Path(asked["checkout"], "suite")),
    deadline_s=600,
    test_timeout_s=60,
)
before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
output = PytestSuite().run(order, UNHEARD)
wall = time.perf_counter() - begun
own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
sights = [attempt.sighting for attempt in output.attempts.values()]
proven = [sight for sight in sights if sight and (sight.assertions or sight.constant_assertions)]
reached = [sight for sight in proven if sight.bytes_received and sight.exchanges]
if len(reached if asked["url"] else proven) != len(output.collected) or output.exit_code:
    raise SystemExit(f"only {len(reached)} of {len(output.collected)} tests were witnessed; {output.output_tail}")
cpu = sum(used.ru_utime + used.ru_stime for used in (own, children)) - before.ru_utime - before.ru_stime
print(json.dumps({"wall_s": wall, "cpu_s": cpu, "own_mb": own.ru_maxrss / 1024, "tests_mb": children.ru_maxrss / 1024}))
