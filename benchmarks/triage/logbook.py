"""An emulator with a filled log, for what reads it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.logging_v2.types import LogEntry, WriteLogEntriesRequest

from untilgreen.adapters.google_connection import connect
from untilgreen.model.document import Window

PROJECT = "emulator-moon"
BATCH = 1_000


@contextmanager
def emulator() -> Iterator[str]:
    """Start an emulator and return its endpoint. It has no quota unless it is given one."""
    with tempfile.TemporaryDirectory() as state:
        command = [sys.executable, "-m", "untilgreen.emulator", "--state", state, "--with-parent"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            try:
                yield json.loads(process.stdout.readline() if process.stdout else b"{}")["endpoint"]
            finally:
                process.terminate()


def client_of(endpoint: str) -> LoggingServiceV2Client:
    """Return Google's raw client."""
    return connect(LoggingServiceV2Client, LoggingServiceV2GrpcTransport, endpoint)


def write(endpoint: str, rows: Iterable[LogEntry]) -> None:
    """Write rows, and wait until the emulator has them on disk."""
    client = client_of(endpoint)
    waiting: list[LogEntry] = []
    for entry in rows:
        waiting.append(entry)
        if len(waiting) == BATCH:
            client.write_log_entries(request=WriteLogEntriesRequest(entries=waiting))
            waiting = []
    client.write_log_entries(request=WriteLogEntriesRequest(entries=waiting))
    time.sleep(1)


def row(sort: str, service: str, number: int) -> LogEntry:
    """Return an entry as the platform or an application writes it: text, json or request."""
    labels = {"project_id": PROJECT, "service_name": service, "revision_name": f"{service}-1", "location": "l"}
    entry = LogEntry(
        log_name=f"projects/{PROJECT}/logs/run.googleapis.com%2F{'requests' if sort == 'request' else 'stdout'}",
        resource={"type": "cloud_run_revision", "labels": labels},
        labels={"instanceId": f"i{number % 3}"},
        insert_id=f"{sort}{number:012d}",
        timestamp=datetime.now(UTC),
        severity=200,
        trace=f"projects/{PROJECT}/traces/{trace(number)}",
    )
    if sort == "text":
        entry.text_payload = f"INFO order {number} was paid by user{number}@example.com in {number % 90} ms"
    elif sort == "json":
        entry.json_payload = {"message": f"order {number} was paid", "order": number, "user": "ada", "ms": 17}
    else:
        entry.http_request = {
            "request_method": "GET",
            "request_url": f"https://a.run.app/orders/{number}?x=1",
            "status": 200,
            "latency": timedelta(milliseconds=5),
        }
    return entry


def trace(number: int) -> str:
    """Return the trace that ten rows in a row share."""
    return f"{number // 10:032x}"


def around_now() -> Window:
    """Return two hours around now."""
    now = datetime.now(UTC)
    return Window(start=now - timedelta(hours=1), end=now + timedelta(hours=1))
