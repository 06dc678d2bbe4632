"""What reading an entry costs the client, against the emulator: prints one JSON object for each sort of entry."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.logging_v2.types import ListLogEntriesRequest, LogEntry, WriteLogEntriesRequest

from untilgreen.adapters.cloud_logging import CloudLogging
from untilgreen.adapters.google_connection import connect
from untilgreen.model.document import Window
from untilgreen.ports import LogQuery

PROJECT = "emulator-moon"
BATCH = 1_000


def row(sort: str, number: int) -> LogEntry:
    """Return an entry as the platform or an application writes it."""
    labels = {"project_id": PROJECT, "service_name": sort, "revision_name": f"{sort}-1", "location": "l"}
    name = "requests" if sort == "request" else "stdout"
    entry = LogEntry(
        log_name=f"projects/{PROJECT}/logs/run.googleapis.com%2F{name}",
        resource={"type": "cloud_run_revision", "labels": labels},
        labels={"instanceId": f"i{number % 3}"},
        insert_id=f"{sort}{number:012d}",
        timestamp=datetime.now(UTC),
        severity=200,
        trace=f"projects/{PROJECT}/traces/{number // 10:032x}",
    )
    if sort == "text":
        entry.text_payload = f"INFO order {number} was paid by user{number}@example.com in {number % 90} ms"
    elif sort == "json":
        entry.json_payload = {"message": f"order {number} was paid", "order": number, "user": "ada", "ms": 17}
    else:
        url = f"https://a.run.app/orders/{number}?x=1"
        entry.http_request = {
            "request_method": "GET",
            "request_url": url,
            "status": 200,
            "latency": timedelta(milliseconds=5),
        }
    return entry


def measure(endpoint: str, sort: str, number: int) -> dict[str, Any]:
    """Read entries of one sort, once with the raw client alone and once into documents."""
    client = connect(LoggingServiceV2Client, LoggingServiceV2GrpcTransport, endpoint)
    for start in range(0, number, BATCH):
        rows = [row(sort, n) for n in range(start, min(start + BATCH, number))]
        client.write_log_entries(request=WriteLogEntriesRequest(entries=rows))
    time.sleep(1)
    raw = min(_raw(client, sort) for _ in range(3))
    now = datetime.now(UTC)
    window = Window(start=now - timedelta(hours=1), end=now + timedelta(hours=1))
    logs = CloudLogging(PROJECT, endpoint)
    spent = []
    for _ in range(3):
        before = time.process_time()
        page = logs.read(LogQuery(services=(sort,), window=window))
        spent.append(time.process_time() - before)
        if len(page.entries) + len(page.requests) != number:
            raise SystemExit(f"{len(page.entries) + len(page.requests)} of {number} entries came: {page.gap}")
    return {"sort": sort, "entries": number, "us": min(spent) / number * 1e6, "raw_us": raw / number * 1e6}


def _raw(client: LoggingServiceV2Client, sort: str) -> float:
    """Fetch and parse pages, and do nothing with them: what Google's own library costs."""
    before = time.process_time()
    request = ListLogEntriesRequest(
        resource_names=[f"projects/{PROJECT}"], filter=f'resource.labels.service_name="{sort}"', page_size=BATCH
    )
    for page in client.list_log_entries(request=request).pages:
        len(type(page).pb(page).entries)
    return time.process_time() - before


def main() -> None:
    """Start an emulator, fill its log, and read. It has no quota unless it is given one."""
    number = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as state:
        command = [sys.executable, "-m", "untilgreen.emulator", "--state", state, "--with-parent"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            endpoint = json.loads(process.stdout.readline() if process.stdout else b"{}")["endpoint"]
            try:
                for sort in ("text", "json", "request"):
                    print(json.dumps(measure(endpoint, sort, number)), flush=True)
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
