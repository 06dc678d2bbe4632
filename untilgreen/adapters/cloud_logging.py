"""Cloud Logging by Google's raw client: its pages cost 2 us an entry, the friendly client's 50 and more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from google.api_core import exceptions
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.logging_v2.types import ListLogEntriesRequest

from untilgreen.adapters.cloud_logging_documents import as_entry, as_request, is_request, source
from untilgreen.adapters.google_connection import connect, patient
from untilgreen.collect.log_lines import with_exceptions
from untilgreen.collect.streams import trace_id
from untilgreen.model.evidence import Entry, Request
from untilgreen.ports import LogPage, LogQuery, Redaction
from untilgreen.redaction import Redactor

PAGE = 1_000
"""Entries a call: the most that the API gives. It allows 60 calls a minute, so fewer would only take longer."""


class CloudLogging:
    """The logs of one project.

    Args:
        project: Google Cloud project id.
        endpoint: host:port of an emulator; empty for Google Cloud.
        patience_s: how long one page may be asked for again; quotas are counted by the minute.
        limit: rows after which reading stops and says so; half a million take about 1 GB of memory.
        redaction: takes secrets out of what was logged; left out, whatever looks like a credential.
    """

    def __init__(
        self,
        project: str,
        endpoint: str = "",
        patience_s: float = 180,
        limit: int = 500_000,
        redaction: Redaction | None = None,
    ) -> None:
        self._project = project
        self._client = connect(LoggingServiceV2Client, LoggingServiceV2GrpcTransport, endpoint)
        self._retry = patient(patience_s)
        self._limit = limit
        self._redaction = redaction or Redactor()

    def read(self, query: LogQuery) -> LogPage:
        """Read everything that these services and the platform logged about them in the window.

        Returns:
            What came, in time order. A fault in the middle keeps what was read and makes it incomplete.
        """
        entries: list[Entry] = []
        sources: list[str] = []
        requests: list[Request] = []
        gap = ""
        try:
            for count, row in enumerate(_once(self._rows(_filter(query)))):
                if count >= self._limit:
                    gap = f"stopped after {self._limit} rows"
                    break
                if is_request(row):
                    requests.append(as_request(row, self._redaction))
                else:
                    entries.append(as_entry(row, self._redaction))
                    sources.append(source(row))
        except (exceptions.GoogleAPICallError, exceptions.RetryError) as error:
            gap = f"Cloud Logging stopped answering after {len(entries) + len(requests)} rows: {error}"
        found = tuple(with_exceptions(entries, sources))
        return LogPage(entries=found, requests=tuple(requests), complete=not gap, gap=gap)

    def settled(self, query: LogQuery, traces: frozenset[str], patience_s: float) -> bool:
        """Wait until the request log holds a row for each of these traces, or patience ends.

        Returns:
            Whether all of them were seen.
        """
        wanted = f'{_filter(query)} logName="projects/{self._project}/logs/run.googleapis.com%2Frequests"'
        deadline, pause = time.monotonic() + patience_s, 0.1
        missing = set(traces)
        while missing:
            missing -= self._traces(wanted)
            if not missing or time.monotonic() >= deadline:
                break
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(pause * 1.5, 10)
        return not missing

    def _traces(self, wanted: str) -> set[str]:
        try:
            return {trace_id(row.trace) for row in self._rows(wanted) if is_request(row)}
        except (exceptions.GoogleAPICallError, exceptions.RetryError):
            return set()  # not seen is not settled; the caller's patience decides

    def _rows(self, wanted: str) -> Iterator[Any]:
        request = ListLogEntriesRequest(
            resource_names=[f"projects/{self._project}"], filter=wanted, order_by="timestamp asc", page_size=PAGE
        )
        for page in self._client.list_log_entries(request=request, retry=self._retry).pages:
            yield from type(page).pb(page).entries


def _filter(query: LogQuery) -> str:
    services = " OR ".join(f'resource.labels.service_name="{name}"' for name in sorted(query.services))
    window = f'timestamp>="{_moment(query.window.start)}" timestamp<="{_moment(query.window.end)}"'
    wanted = f'resource.type="cloud_run_revision" ({services}) {window}'
    traces = " OR ".join(f'trace:"{trace}"' for trace in sorted(query.traces))
    return f"{wanted} ({traces})" if traces else wanted


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _once(rows: Iterator[Any]) -> Iterator[Any]:
    """Leave out rows that were delivered before: the log promises at least once, not once."""
    seen: set[tuple[str, str, int, int]] = set()
    for row in rows:
        key = (row.log_name, row.insert_id, row.timestamp.seconds, row.timestamp.nanos)
        if key not in seen:
            seen.add(key)
            yield row
