"""Files as other tools write them, small enough to read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TRACE = "0123456789abcdef0123456789abcdef"


def entry(number: int = 1, **fields: Any) -> dict[str, Any]:
    """Return a log entry as gcloud prints it; a field of None is left out."""
    record = {
        "insertId": f"i{number}",
        "logName": "projects/p/logs/run.googleapis.com%2Fstdout",
        "resource": {
            "type": "cloud_run_revision",
            "labels": {"service_name": "backend", "revision_name": "backend-00002-abc", "location": "l"},
        },
        "labels": {"instanceId": "one"},
        "timestamp": f"2026-03-04T09:00:{number % 60:02d}.123456789Z",
        "receiveTimestamp": f"2026-03-04T09:00:{number % 60:02d}.5Z",
        "severity": "INFO",
        "textPayload": f"line {number}",
        "trace": f"projects/p/traces/{TRACE}",
    }
    return {key: value for key, value in (record | fields).items() if value is not None}


def request(number: int = 1, status: int = 500, path: str = "/agents/1", **fields: Any) -> dict[str, Any]:
    """Return a row of the request log as gcloud prints it."""
    http = {
        "requestMethod": "GET",
        "requestUrl": f"https://backend.example.run.app{path}?x=1",
        "status": status,
        "latency": "0.012s",
    }
    name = "projects/p/logs/run.googleapis.com%2Frequests"
    return entry(number, logName=name, httpRequest=http, textPayload=None, **fields)


def as_array(file: Path, records: list[dict[str, Any]]) -> Path:
    """Write an array, as `gcloud logging read --format=json` does: the newest first."""
    file.write_text(json.dumps(records, indent=2), "utf-8")
    return file


def as_lines(file: Path, records: list[dict[str, Any]]) -> Path:
    """Write one record a line."""
    file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return file
