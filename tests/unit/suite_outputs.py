"""Outputs of suites, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from untilgreen.model.suite import Attempt, Exchange, Failure, Outcome, Sighting
from untilgreen.ports import SuiteOrder, SuiteOutput

NOON = datetime(2031, 5, 6, 12, 0, tzinfo=UTC)


def attempt(outcome: Outcome, number: int = 1, **changes: Any) -> Attempt:
    """Return an execution that took a second."""
    failure = Failure(phase="call", exception="AssertionError", message="no") if outcome.bad else None
    fields = {"number": number, "outcome": outcome, "started": NOON, "duration_s": 1.0, "failure": failure}
    return Attempt.model_validate(fields | changes)


def output(ended: dict[str, Outcome], number: int = 1, **changes: Any) -> SuiteOutput:
    """Return a complete output in which each test ended so."""
    bad = any(outcome.bad for outcome in ended.values())
    fields: dict[str, Any] = {
        "command": ("python", "-m", "pytest"),
        "python": "Python 3",
        "collected": tuple(ended),
        "attempts": {nodeid: attempt(outcome, number) for nodeid, outcome in ended.items()},
        "exit_code": 1 if bad else 0,
        "finished": True,
    }
    return SuiteOutput.model_validate(fields | changes)


def order(**changes: Any) -> SuiteOrder:
    """Return an order."""
    fields: dict[str, Any] = {
        "run_id": "loop/1",
        "root": "/checkout",
        "path": "e2e",
        "python": "python",
        "workers": 4,
        "hosts": ("api.moon:443",),
        "folder": "/suite",
        "deadline_s": 100,
        "test_timeout_s": 10,
    }
    return SuiteOrder.model_validate(fields | changes)


def exchange(**changes: Any) -> Exchange:
    """Return an answered request to the deployed service."""
    fields: dict[str, Any] = {
        "client": "httpx",
        "method": "GET",
        "host": "api.moon:443",
        "path": "/agents",
        "status": 200,
        "latency_ms": 3.0,
    }
    return Exchange.model_validate(fields | changes)


def sighting(trace: str, **changes: Any) -> Sighting:
    """Return what a witness says of an honest test."""
    fields: dict[str, Any] = {
        "trace": trace,
        "exchanges": (exchange(),),
        "bytes_sent": 300,
        "bytes_received": 200,
        "assertions": 2,
    }
    return Sighting.model_validate(fields | changes)
