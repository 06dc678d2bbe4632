"""Cloud Logging by Google's raw client: its pages cost 2 us an entry, the friendly client's 50 and more."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from google.api_core import exceptions
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.logging_v2.types import ListLogEntriesRequest

from untilgreen.adapters.cloud_logging_documents import Translation, is_request
from untilgreen.adapters.google_connection import connect, patient
from untilgreen.collect.log_lines import with_exceptions
from untilgreen.collect.streams import trace_id
from untilgreen.ports import LogPage, LogQuery, Redaction
from untilgreen.redaction import Redactor

PAGE = 1_000
"""Entries a call: the most that the API gives. It allows 60 calls a minute, so fewer would only take longer."""

FEW = 200
"""Traces that fit into one question: a filter has at most 20,000 characters."""


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
        translation, gap = Translation(self._redaction), ""
        most = min(query.most or self._limit, self._limit)
        left = most
        try:
            with _no_collector():
                for rows in self._pages(self._filter(query)):
                    translation.take(rows[:left])
                    left -= len(rows)
                    if left < 0:
                        gap = f"stopped after {most} rows"
                        break
        except (exceptions.GoogleAPICallError, exceptions.RetryError) as error:
            gap = f"Cloud Logging stopped answering after {most - left} rows: {error}"
        found = tuple(with_exceptions(translation.entries, translation.sources))
        return LogPage(entries=found, requests=tuple(translation.requests), complete=not gap, gap=gap)

    def settled(self, query: LogQuery, traces: frozenset[str], patience_s: float) -> bool:
        """Wait until the request log holds a row for each of these traces, or patience ends.

        Returns:
            Whether all of them were seen.
        """
        deadline, pause = time.monotonic() + patience_s, 0.1
        missing = set(traces)
        while missing:
            # A question about a few takes one call each time; the whole request log takes one for each 1,000 rows.
            some = tuple(missing) if len(missing) <= FEW else query.traces
            missing -= self._traces(self._filter(query.model_copy(update={"part": "requests", "traces": some})))
            if not missing or time.monotonic() >= deadline:
                break
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(pause * 1.5, 10)
        return not missing

    def _traces(self, wanted: str) -> set[str]:
        try:
            return {trace_id(row.trace) for page in self._pages(wanted) for row in page if is_request(row)}
        except (exceptions.GoogleAPICallError, exceptions.RetryError):
            return set()  # not seen is not settled; the caller's patience decides

    def _pages(self, wanted: str) -> Iterator[Sequence[Any]]:
        request = ListLogEntriesRequest(
            resource_names=[f"projects/{self._project}"], filter=wanted, order_by="timestamp asc", page_size=PAGE
        )
        for page in self._client.list_log_entries(request=request, retry=self._retry).pages:
            yield type(page).pb(page).entries

    def _filter(self, query: LogQuery) -> str:
        """Write a question in the Logging query language."""
        terms = [_any("resource.labels.service_name", query.services), _any("trace", query.traces, sign=":")]
        terms.append(_any("resource.labels.revision_name", query.revisions))
        terms += [f'timestamp>="{_moment(query.window.start)}"', f'timestamp<="{_moment(query.window.end)}"']
        if query.part != "all":
            terms.append(f'logName{"=" if query.part == "requests" else "!="}"{self._log("requests")}"')
        if query.alarming:
            loud = (f'logName="{self._log(name)}"' for name in ("stderr", "varlog%2Fsystem"))
            terms.append(f"(severity>=ERROR OR {' OR '.join(loud)})")
        return " ".join(['resource.type="cloud_run_revision"', *filter(None, terms)])

    def _log(self, name: str) -> str:
        return f"projects/{self._project}/logs/run.googleapis.com%2F{name}"


@contextmanager
def _no_collector() -> Iterator[None]:
    """Let Python not look for garbage: all that is made here stays, and looking at it again and again costs more."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _any(field: str, values: Sequence[str], sign: str = "=") -> str:
    return f"({' OR '.join(f'{field}{sign}{chr(34)}{value}{chr(34)}' for value in sorted(values))})" if values else ""


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
