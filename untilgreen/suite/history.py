"""What each test did in every cycle so far: DuckDB over the results that the loops left in the state folder.

A test is flaky when it failed though it passed on the same revision: in the same cycle, where a rerun passed, or in
another cycle on the same commit and images. A cycle in which more tests failed than can be flaky says nothing of the
kind: something happened to the environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from glob import escape
from pathlib import Path
from typing import NamedTuple

import duckdb

from untilgreen.errors import EvidenceIncomplete
from untilgreen.ledger import Ledger
from untilgreen.model.delivery import Images
from untilgreen.model.document import Document
from untilgreen.model.suite import Outcome
from untilgreen.suite.step import FEW, FEW_SHARE, RESULTS

STEADY_AFTER = 30
"""A test that was flaky and has not been for so many runs is steady again: one that fails one run in ten would show
it within 30 runs in 96 of 100 cases."""
FAILING = 3
"""A flaky test that failed in so many cycles in a row, reruns included, is flaky no more: it is broken."""


class Kind(StrEnum):
    """What sort of test it is."""

    NEW = "new"  # it passed once
    STEADY = "steady"  # it passes
    FLAKY = "flaky"  # it failed and passed on the same revision
    PERSISTENT = "persistent"  # it fails, whenever it is run on this revision


class Record(Document):
    """One test's history. Cycles in which it was skipped or did not run do not count."""

    nodeid: str
    runs: int
    """Cycles in which it was executed."""
    passes: int
    """Cycles in which it passed at once."""
    failures: int
    """Cycles in which it ended badly: failed, errored or lost, in every attempt."""
    flakes: int
    """Cycles in which it failed though it passed on the same revision."""
    last: Outcome
    """Of the newest cycle in which it was executed."""
    streak: int
    """In how many of the newest cycles it ended badly, without a good one between."""
    since_flake: int
    """Runs since it was last flaky; all of them when it never was."""
    absent: int
    """Newer cycles with results of which it is no part: it is gone, or was not asked for."""
    median_s: float
    last_s: float

    @property
    def flake_rate(self) -> float:
        """Return the share of runs in which it was flaky, 0 to 1."""
        return self.flakes / self.runs

    @property
    def kind(self) -> Kind:
        """Return what sort of test it is."""
        if self.last.bad and (not self._flaky or self.streak >= FAILING):
            return Kind.PERSISTENT
        if self._flaky:
            return Kind.FLAKY
        return Kind.STEADY if self.runs > 1 else Kind.NEW

    @property
    def _flaky(self) -> bool:
        return self.flakes > 0 and self.since_flake < STEADY_AFTER


class Past(NamedTuple):
    """A cycle that left results."""

    at: datetime
    file: Path
    revision: str
    """Commit and digests of what it tested; empty when it cannot be told."""


def read_history(state: Path) -> tuple[Record, ...]:
    """Read the history of all tests of all loops, by node id.

    Args:
        state: the state folder; one without loops has no history.

    Raises:
        EvidenceIncomplete: a results file is damaged or is none; with its name.
    """
    cycles = past_cycles(state)
    if not cycles:
        return ()
    try:
        with duckdb.connect() as db:
            return _records(db, cycles)
    except duckdb.Error as error:
        told = " ".join(str(error).split(" Try setting ")[0].splitlines()[:1])
        raise EvidenceIncomplete(f"the history cannot be read: {told}. Remove that file.") from None


def past_cycles(state: Path) -> list[Past]:
    """Return all cycles that left results, oldest first.

    Raises:
        EvidenceIncomplete: what a cycle left behind is damaged; with the file's name.
    """
    return sorted(_past(file) for file in state.glob(f"loops/*/cycle-*/{RESULTS}"))


def _past(file: Path) -> Past:
    number = file.parent.name.removeprefix("cycle-")
    ledger = Ledger(file.parents[3], file.parents[1].name)
    opening = ledger.opening(int(number)) if number.isdigit() else None
    if opening is None:
        return Past(datetime.fromtimestamp(file.stat().st_mtime, UTC), file, "")
    images = ledger.recall(opening.number, Images)
    digests = sorted(f"{image.service}@{image.digest}" for image in images.images) if images else []
    return Past(opening.started, file, " ".join([opening.commit, *digests]))


def _records(db: duckdb.DuckDBPyConnection, cycles: Sequence[Past]) -> tuple[Record, ...]:
    files = [escape(str(past.file)) for past in cycles]
    db.execute(_LOAD, {"files": files})
    if strange := db.execute(_STRANGE).fetchone():
        raise EvidenceIncomplete(f"{strange[0]}: a line of it is no test's result. Remove that file.")
    numbers = list(range(len(cycles)))
    names, revisions = [str(past.file) for past in cycles], [past.revision for past in cycles]
    db.execute(_CYCLES, {"numbers": numbers, "files": names, "revisions": revisions})
    found = db.execute(_HISTORY, {"few": FEW, "share": FEW_SHARE, "cycles": len(cycles)})
    fields = [column[0] for column in found.description]
    return tuple(Record.model_validate(dict(zip(fields, row, strict=True))) for row in found.fetchall())


_LOAD = """
    CREATE TEMP TABLE line AS
    SELECT filename AS file, nodeid, outcome, [attempt.outcome FOR attempt IN attempts] AS outcomes,
           coalesce(attempts[-1].duration_s, 0) AS seconds
    FROM read_json($files, format = 'newline_delimited', filename = true, columns = {
        nodeid: 'VARCHAR', outcome: 'VARCHAR', attempts: 'STRUCT(outcome VARCHAR, duration_s DOUBLE)[]'})"""

_STRANGE = f"""
    SELECT file FROM line
    WHERE nodeid IS NULL OR outcome IS NULL OR outcomes IS NULL
       OR outcome NOT IN ({", ".join(f"'{outcome}'" for outcome in Outcome)})"""  # noqa: S608 - our own enum

_CYCLES = """
    CREATE TEMP TABLE cycle AS
    SELECT unnest($numbers) AS number, unnest($files) AS file, unnest($revisions) AS revision"""

_BAD = ", ".join(f"'{outcome}'" for outcome in Outcome if outcome.bad)

_HISTORY = f"""
    WITH test AS (  -- one row per test and cycle; of two tests that share a name nobody knows which is which
        SELECT nodeid, number, revision, max_by(outcome, outcome IN ({_BAD})) AS outcome, max(seconds) AS seconds,
               bool_or(outcome IN ({_BAD})) AS failed,
               bool_or(list_has_any(outcomes, [{_BAD}])) AS once_failed,
               count(*) = 1 AND bool_or(list_contains(outcomes, 'passed')) AS once_passed
        FROM line JOIN cycle USING (file)
        WHERE outcome NOT IN ('skipped', 'not_run')
        GROUP BY ALL
    ), environment AS (
        SELECT number FROM test GROUP BY number HAVING count_if(failed) > greatest($few, $share * count(*))
    ), judged AS (
        SELECT *, once_failed AND (once_passed OR (
                   revision <> '' AND number NOT IN (FROM environment)
                   AND bool_or(once_passed) OVER (PARTITION BY nodeid, revision))) AS flaked,
               row_number() OVER (PARTITION BY nodeid ORDER BY number DESC) AS age
        FROM test
    )
    SELECT nodeid, count(*) AS runs, count_if(NOT failed AND NOT once_failed) AS passes, count_if(failed) AS failures,
           count_if(flaked) AS flakes, min_by(outcome, age) AS last,
           coalesce(min(age) FILTER (NOT failed) - 1, count(*)) AS streak,
           coalesce(min(age) FILTER (flaked) - 1, count(*)) AS since_flake,
           $cycles - 1 - max(number) AS absent,
           median(seconds) AS median_s, min_by(seconds, age) AS last_s
    FROM judged
    GROUP BY nodeid ORDER BY nodeid"""  # noqa: S608 - our own enum
