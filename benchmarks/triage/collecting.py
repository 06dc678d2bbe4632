"""What reading an entry costs the client, against the emulator: prints one JSON object for each sort of entry.

Beside it, in the same run: Google's raw pages, fetched, parsed and only counted, below which nobody can go; and its
own client for people, `google.cloud.logging.Client.list_entries`, which also makes an object of each entry.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud.logging import Client
from google.cloud.logging_v2 import _gapic
from google.cloud.logging_v2.types import ListLogEntriesRequest

from benchmarks.triage.logbook import BATCH, PROJECT, around_now, client_of, emulator, row, write
from untilgreen.adapters.cloud_logging import CloudLogging
from untilgreen.collect.bundle import Bundle
from untilgreen.collect.log_evidence import Expected, log_evidence
from untilgreen.model.evidence import Manifest
from untilgreen.ports import LogQuery

SORTS = ("text", "json", "request")


def measure(endpoint: str, sort: str, number: int, rounds: int) -> dict[str, Any]:
    """Read entries of one sort in three ways, in turn; return microseconds of CPU an entry, one figure a round."""
    write(endpoint, (row(sort, sort, n) for n in range(number)))
    query = LogQuery(services=(sort,), window=around_now())
    ways: dict[str, Callable[[], int]] = {
        "ours": lambda: _ours(CloudLogging(PROJECT, endpoint), query),
        "raw": lambda: _raw(endpoint, sort),
        "kept": lambda: _kept(CloudLogging(PROJECT, endpoint), query),
        "friendly": lambda: _friendly(endpoint, sort, number // 5),
    }
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, read in ways.items():
            before = time.process_time()
            count = read()
            found[way].append((time.process_time() - before) / count * 1e6)
            if way != "friendly" and count != number:
                raise SystemExit(f"{way}: {count} of {number} entries came")
    return {"sort": sort, "entries": number, **found}


def _ours(logs: CloudLogging, query: LogQuery) -> int:
    page = logs.read(query)
    return len(page.entries) + len(page.requests)


def _kept(logs: CloudLogging, query: LogQuery) -> int:
    """Go the whole way of step collect with what a log holds: read it, and leave a bundle on disk."""
    gathered = log_evidence(logs, query.services, query.window, Expected(most=10**6))
    manifest = Manifest(
        loop="l", cycle=1, commit="c", window=query.window, revisions={}, coverage=tuple(gathered.coverage), counts={},
        folder="bundle",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        bundle = Bundle.counted(manifest, gathered.items)
        bundle.save(Path(folder))
    return sum(bundle.manifest.counts.values())


def _raw(endpoint: str, service: str) -> int:
    request = ListLogEntriesRequest(
        resource_names=[f"projects/{PROJECT}"], filter=_filter(service), order_by="timestamp asc", page_size=BATCH
    )
    return sum(len(type(page).pb(page).entries) for page in client_of(endpoint).list_log_entries(request=request).pages)


def _friendly(endpoint: str, service: str, most: int) -> int:
    client = Client(project=PROJECT, credentials=AnonymousCredentials())
    client._logging_api = _gapic._LoggingAPI(client_of(endpoint), client)  # noqa: SLF001 - it has no way to a plain channel
    return sum(1 for _ in client.list_entries(filter_=_filter(service), page_size=BATCH, max_results=most))


def _filter(service: str) -> str:
    return f'resource.labels.service_name="{service}" timestamp>="2020-01-01T00:00:00Z"'


if __name__ == "__main__":
    with emulator() as there:
        for one in SORTS:
            print(json.dumps(measure(there, one, int(sys.argv[1]), int(sys.argv[2]))), flush=True)
