"""Cloud Logging v2: `google.logging.v2.LoggingServiceV2`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from untilgreen.emulator import protos
from untilgreen.emulator.faults import Faults
from untilgreen.emulator.logs_filter import FilterError
from untilgreen.emulator.logs_match import Predicate
from untilgreen.emulator.logs_store import BadToken, LogStore, Query, matcher, project_of
from untilgreen.emulator.protos import Message
from untilgreen.emulator.quotas import ReadQuota
from untilgreen.emulator.rpc import Caller, Method, invalid, page

SERVICE = "/google.logging.v2.LoggingServiceV2/"
_ORDERS = {"": False, "timestamp": False, "timestamp asc": False, "timestamp desc": True}
_LARGEST_PAGE = 1000


class CloudLogging:
    """Answers the methods of Cloud Logging.

    Args:
        store: where entries are kept.
        faults: gives what holds now of quotas and tokens.
    """

    def __init__(self, store: LogStore, faults: Callable[[], Faults]) -> None:
        self._store = store
        self._faults = faults
        self._quota = ReadQuota(lambda: faults().read_quota)

    def methods(self) -> dict[str, Method]:
        """Return the methods by name."""
        return {
            SERVICE + "ListLogEntries": Method(protos.ListLogEntriesRequest, self.list_entries),
            SERVICE + "WriteLogEntries": Method(protos.WriteLogEntriesRequest, self.write_entries),
            SERVICE + "ListLogs": Method(protos.ListLogsRequest, self.list_logs),
            SERVICE + "TailLogEntries": Method(protos.TailLogEntriesRequest, stream=self.tail_entries),
        }

    async def list_entries(self, request: Message, _: Caller) -> Message:
        """Return a page of entries that match a filter."""
        order = " ".join(request.order_by.lower().split())
        if order not in _ORDERS:
            raise invalid(f"Invalid order_by: '{request.order_by}'")
        projects = _projects(request.resource_names)
        self._quota.take(projects[0])
        query = Query(
            projects=projects,
            filter=request.filter,
            descending=_ORDERS[order],
            size=min(request.page_size or 50, _LARGEST_PAGE),
            token=request.page_token,
            token_life=self._faults().page_token_life,
        )
        try:
            entries, token = await self._store.read(query)
        except (FilterError, BadToken) as error:
            raise invalid(str(error)) from None
        response = protos.ListLogEntriesResponse(next_page_token=token)
        for entry in entries:
            response.entries.add().MergeFromString(entry)
        return response

    async def write_entries(self, request: Message, _: Caller) -> Message:
        """Take entries that someone writes; what an entry leaves out comes from the request."""
        entries = [_completed(entry, request) for entry in request.entries]
        if not request.dry_run:
            self._store.add(*entries)
        return protos.WriteLogEntriesResponse()

    async def list_logs(self, request: Message, _: Caller) -> Message:
        """Return the names of the logs that have entries."""
        parents = list(request.resource_names) or [request.parent]
        names = [name for project in _projects(parents) for name in self._store.names(project)]
        rows, token = page(names, request.page_size, request.page_token)
        return protos.ListLogsResponse(log_names=rows, next_page_token=token)

    async def tail_entries(self, requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
        """Give entries as they come in. Nothing is ever suppressed here."""
        first = await anext(requests, None)
        if first is None:
            return
        projects = set(_projects(first.resource_names))
        try:
            test = matcher(first.filter)
        except FilterError as error:
            raise invalid(str(error)) from None
        batches: asyncio.Queue[list[Message]] = asyncio.Queue()
        stop = self._store.listen(batches.put_nowait)
        try:
            while True:
                matching = _matching(await batches.get(), projects, test)
                if matching:
                    yield protos.TailLogEntriesResponse(entries=matching)
        finally:
            stop()


def _projects(names: Sequence[str]) -> tuple[str, ...]:
    projects = tuple(project_of(name) for name in names)
    if not projects or not all(projects):
        raise invalid("resource_names: at least one name of the form projects/PROJECT_ID is needed")
    return projects


def _matching(entries: list[Message], projects: set[str], test: Predicate) -> list[Message]:
    return [entry for entry in entries if project_of(entry.log_name) in projects and test(entry)]


def _completed(given: Message, request: Message) -> Message:
    entry = protos.LogEntry()
    entry.CopyFrom(given)
    entry.log_name = entry.log_name or request.log_name
    if not project_of(entry.log_name) or "/logs/" not in entry.log_name:
        raise invalid(f"Log name '{entry.log_name}' is not of the form projects/PROJECT_ID/logs/LOG_ID")
    if "%2Fvarlog%2Fsystem" in entry.log_name:
        raise invalid("Only the platform writes varlog/system")
    if not entry.resource.type:
        entry.resource.CopyFrom(request.resource)
    for name, value in request.labels.items():
        if name not in entry.labels:
            entry.labels[name] = value
    return entry
