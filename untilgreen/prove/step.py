"""Proves each passed test and writes the proofs down."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from untilgreen.model.delivery import Rollout
from untilgreen.model.document import Window
from untilgreen.model.evidence import Request
from untilgreen.model.suite import Outcome, Proof, ProofSummary, Reality, Result, SuiteRun
from untilgreen.ports import LogQuery, Logs
from untilgreen.prove.doubts import DOUBTS, Sides

PROOFS = "proofs.jsonl"

SKEW = timedelta(minutes=5)
"""The log's clock is not ours. The window only bounds the reading; rows are joined by trace."""
PATIENCE_S = 60.0
"""Cloud Logging shows a request some seconds after it was answered; a minute covers its slow days."""


def prove(
    results: Iterable[Result],
    requests: Iterable[Request],
    revisions: Mapping[str, str],
    *,
    log_complete: bool,
    hosts: Iterable[str] = (),
) -> list[Proof]:
    """Prove each passed test.

    Args:
        results: all results; what did not pass needs no proof.
        requests: rows of the platform's request log, of any revision, in any order.
        revisions: service -> the revision under test.
        log_complete: whether that log was read to its end.
        hosts: host or host:port of the deployed services; empty takes every exchange for one with them.
    """
    rows = _by_trace(requests)
    deployed = frozenset(host.lower() for host in hosts)
    return [
        _prove_one(_both_sides(result, rows, revisions, deployed, log_complete=log_complete))
        for result in results
        if result.outcome is Outcome.PASSED
    ]


def prove_run(results: Iterable[Result], rollout: Rollout, suite: SuiteRun, logs: Logs, folder: Path) -> ProofSummary:
    """Read the request log of a run, prove its passed tests, and leave one proof a line in the folder."""
    results = list(results)
    revisions = {served.service: served.revision for served in rollout.services}
    query = LogQuery(services=tuple(revisions), window=Window(start=suite.started - SKEW, end=suite.finished + SKEW))
    logs.settled(query, _awaited(results), PATIENCE_S)
    page = logs.read(query)
    hosts = [urlsplit(served.url).netloc for served in rollout.services]
    proofs = prove(results, page.requests, revisions, log_complete=page.complete, hosts=hosts)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / PROOFS).open("w", encoding="utf-8") as file:
        file.writelines(proof.model_dump_json() + "\n" for proof in proofs)
    return summarise(proofs, log_complete=page.complete)


def summarise(proofs: Iterable[Proof], *, log_complete: bool) -> ProofSummary:
    """Count proofs by what they are worth, and doubts by how often they were raised."""
    proofs = list(proofs)
    return ProofSummary(
        counts=dict(Counter(proof.reality for proof in proofs)),
        doubts=dict(Counter(doubt for proof in proofs for doubt in proof.doubts)),
        request_rows=sum(proof.requests for proof in proofs),
        log_complete=log_complete,
        proofs_file=PROOFS,
    )


def read_proofs(file: Path) -> list[Proof]:
    """Read one proof a line."""
    return [Proof.model_validate_json(line) for line in file.read_bytes().splitlines()]


def _awaited(results: Iterable[Result]) -> frozenset[str]:
    """Return the traces that must appear in the request log: their bytes arrived, so their rows will."""
    sightings = [result.last.sighting for result in results if result.outcome is Outcome.PASSED and result.last]
    return frozenset(seen.trace for seen in sightings if seen and seen.bytes_received and seen.exchanges)


def _prove_one(sides: Sides) -> Proof:
    doubts = [doubt for doubt in DOUBTS if doubt.holds(sides)]
    rows = (*sides.expected, *sides.others)
    return Proof(
        nodeid=sides.result.nodeid,
        reality=doubts[0].means if doubts else Reality.REAL,
        doubts=tuple(doubt.sentence for doubt in doubts),
        requests=len(sides.expected),
        revisions=tuple(sorted({row.revision for row in rows})),
    )


def _both_sides(
    result: Result,
    rows: Mapping[str, list[Request]],
    revisions: Mapping[str, str],
    deployed: frozenset[str],
    *,
    log_complete: bool,
) -> Sides:
    sighting = result.last.sighting if result.last else None
    exchanges = sighting.exchanges if sighting else ()
    found = rows.get(sighting.trace, []) if sighting else []
    return Sides(
        result=result,
        sighting=sighting,
        exchanges=tuple(exchange for exchange in exchanges if not deployed or _names(exchange.host) & deployed),
        expected=tuple(row for row in found if revisions.get(row.service) == row.revision),
        others=tuple(row for row in found if revisions.get(row.service) != row.revision),
        log_complete=log_complete,
    )


def _names(host: str) -> frozenset[str]:
    """Return host:port and, since URLs leave it out, the host alone where the port is its scheme's own."""
    name, _, port = host.lower().rpartition(":")
    return frozenset({host.lower(), name} if port in ("80", "443") else {host.lower()})


def _by_trace(requests: Iterable[Request]) -> dict[str, list[Request]]:
    """Index rows by trace id; the platform writes it with a project's name before it."""
    index: dict[str, list[Request]] = defaultdict(list)
    for row in requests:
        if row.trace:
            index[row.trace.rpartition("/")[2].lower()].append(row)
    return index
