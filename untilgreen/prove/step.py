"""Proves each passed test and writes the proofs down."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from untilgreen.model.delivery import Rollout
from untilgreen.model.document import Window
from untilgreen.model.evidence import Request
from untilgreen.model.suite import Control, Outcome, Proof, ProofSummary, Reality, Result, SuiteRun, Trial
from untilgreen.ports import LogPage, LogQuery, Logs
from untilgreen.prove.control import is_controlled, telling
from untilgreen.prove.doubts import DOUBTS, Sides, sentence_of
from untilgreen.prove.hosts import exchanges_with, hosts_of

PROOFS = "proofs.jsonl"

SKEW = timedelta(minutes=5)
"""The log's clock is not ours. The window only bounds the reading; rows are joined by trace."""
_ANY_CLOCK = timedelta(hours=26)
"""Further off than any time zone that was taken for another."""
_ONE_QUESTION = 200
"""Traces that fit into one question to the log."""
PATIENCE_S = 60.0
"""Cloud Logging shows a request some seconds after it was answered; a minute covers its slow days."""


@dataclass(frozen=True)
class Trials:
    """What the negative controls said, in this cycle or in an earlier one."""

    of: Mapping[str, tuple[Trial, ...]] = field(default_factory=dict)
    """Node id -> its trials."""
    status_only: tuple[str, ...] = ()
    """Patterns of tests that may be content with a status."""
    notes: tuple[str, ...] = ()


NO_TRIALS = Trials()


def prove(
    results: Iterable[Result],
    requests: Iterable[Request],
    revisions: Mapping[str, str],
    *,
    log_complete: bool,
    hosts: Iterable[str] = (),
    trials: Trials = NO_TRIALS,
) -> list[Proof]:
    """Prove each passed test.

    Args:
        results: all results; what did not pass needs no proof.
        requests: rows of the platform's request log, of any revision, in any order.
        revisions: service -> the revision under test.
        log_complete: whether that log was read to its end.
        hosts: host or host:port of the deployed services; empty takes every exchange for one with them.
        trials: what the negative controls said.
    """
    rows = _by_trace(requests)
    deployed = frozenset(host.lower() for host in hosts)
    passed = [result for result in results if result.outcome is Outcome.PASSED]
    return [
        _prove_one(
            sides_of(result, rows, revisions, deployed, trials, log_complete=log_complete),
            trials.of.get(result.nodeid, ()),
        )
        for result in passed
    ]


def prove_run(
    results: Iterable[Result],
    rollout: Rollout,
    suite: SuiteRun,
    logs: Logs,
    folder: Path,
    *,
    trials: Trials = NO_TRIALS,
) -> ProofSummary:
    """Read the request log of a run, prove its passed tests, and leave one proof a line in the folder."""
    results = list(results)
    revisions = {served.service: served.revision for served in rollout.services}
    window = Window(start=suite.started - SKEW, end=suite.finished + SKEW)
    query = LogQuery(services=tuple(revisions), window=window, part="requests")
    page = _read(logs, query, _awaited(results))
    hosts = hosts_of(served.url for served in rollout.services)
    proofs = prove(results, page.requests, revisions, log_complete=page.complete, hosts=hosts, trials=trials)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / PROOFS).open("w", encoding="utf-8") as file:
        file.writelines(proof.model_dump_json() + "\n" for proof in proofs)
    return summarise(proofs, log_complete=page.complete, notes=trials.notes)


def _read(logs: Logs, query: LogQuery, awaited: frozenset[str]) -> LogPage:
    """Read the request log of a run; what must be there and is not is looked for by its trace, whatever its clock."""
    page = logs.read(query)
    if missing := _missing(awaited, page):
        logs.settled(query, missing, PATIENCE_S)
        page = logs.read(query)
    late = sorted(_missing(awaited, page))
    window = Window(start=query.window.start - _ANY_CLOCK, end=query.window.end + _ANY_CLOCK)
    for at in range(0, len(late), _ONE_QUESTION):
        traces = tuple(late[at : at + _ONE_QUESTION])
        more = logs.read(query.model_copy(update={"window": window, "traces": traces}))
        complete = page.complete and more.complete
        page = page.model_copy(update={"requests": (*page.requests, *more.requests), "complete": complete})
    return page


def _missing(awaited: frozenset[str], page: LogPage) -> frozenset[str]:
    return awaited - {row.trace.rpartition("/")[2].lower() for row in page.requests}


def damning(result: Result, hosts: frozenset[str], trials: Trials) -> tuple[Control, ...]:
    """Return the controls that raise a doubt about a test, by the same rules as its proof."""
    sides = sides_of(result, {}, {}, hosts, trials, log_complete=False)
    before = {doubt.sentence for doubt in DOUBTS if doubt.holds(replace(sides, trials=()))}
    return tuple(
        trial.control
        for trial in sides.trials
        if any(doubt.holds(replace(sides, trials=(trial,))) for doubt in DOUBTS if doubt.sentence not in before)
    )


def summarise(proofs: Iterable[Proof], *, log_complete: bool, notes: tuple[str, ...] = ()) -> ProofSummary:
    """Count proofs by what they are worth, and doubts by how often they were raised."""
    proofs = list(proofs)
    return ProofSummary(
        counts=dict(Counter(proof.reality for proof in proofs)),
        doubts=dict(Counter(sentence_of(doubt) for proof in proofs for doubt in proof.doubts)),
        request_rows=sum(proof.requests for proof in proofs),
        log_complete=log_complete,
        proofs_file=PROOFS,
        controlled=sum(is_controlled(proof.trials) for proof in proofs),
        control_notes=notes,
    )


def read_proofs(file: Path) -> list[Proof]:
    """Read one proof a line."""
    return [Proof.model_validate_json(line) for line in file.read_bytes().splitlines()]


def _awaited(results: Iterable[Result]) -> frozenset[str]:
    """Return the traces that must appear in the request log: their bytes arrived, so their rows will."""
    sightings = [result.last.sighting for result in results if result.outcome is Outcome.PASSED and result.last]
    return frozenset(seen.trace for seen in sightings if seen and seen.bytes_received and seen.exchanges)


def _prove_one(sides: Sides, trials: tuple[Trial, ...]) -> Proof:
    doubts = [doubt for doubt in DOUBTS if doubt.holds(sides)]
    rows = (*sides.expected, *sides.others)
    return Proof(
        nodeid=sides.result.nodeid,
        reality=doubts[0].means if doubts else Reality.REAL,
        doubts=tuple(doubt.told(sides) for doubt in doubts),
        requests=len(sides.expected),
        revisions=tuple(sorted({row.revision for row in rows})),
        trials=trials,
    )


def sides_of(
    result: Result,
    rows: Mapping[str, list[Request]],
    revisions: Mapping[str, str],
    deployed: frozenset[str],
    trials: Trials,
    *,
    log_complete: bool,
) -> Sides:
    """Return what is known of one test.

    Args:
        result: of the test.
        rows: trace -> its rows of the request log.
        revisions: service -> the revision under test.
        deployed: hosts of the deployed services.
        trials: what the negative controls said.
        log_complete: whether the request log was read to its end.
    """
    sighting = result.last.sighting if result.last else None
    exchanges = sighting.exchanges if sighting else ()
    found = rows.get(sighting.trace, []) if sighting else []
    return Sides(
        result=result,
        sighting=sighting,
        exchanges=exchanges_with(exchanges, deployed),
        expected=tuple(row for row in found if revisions.get(row.service) == row.revision),
        others=tuple(row for row in found if revisions.get(row.service) != row.revision),
        log_complete=log_complete,
        trials=tuple(telling(result, trials.of.get(result.nodeid, ()), deployed, trials.status_only)),
    )


def _by_trace(requests: Iterable[Request]) -> dict[str, list[Request]]:
    """Index rows by trace id; the platform writes it with a project's name before it."""
    index: dict[str, list[Request]] = defaultdict(list)
    for row in requests:
        if row.trace:
            index[row.trace.rpartition("/")[2].lower()].append(row)
    return index
