"""One shard, where it is run: in this process, on a Dask worker, or on a worker of a work pool.

    <shard's folder>/order.json      what to run
                     1/              its first execution, in the layout of the runner
                     1/signs         grows while it lives: a line for each test that ended, an empty one as a heartbeat
                     1/stop          why it should end, once somebody wants that
                     1/output.json   what came of it, written whole or not at all
                     2/              the next one, if the first got lost with its worker: it runs what is left

Everything that a sender and a worker tell each other lies in this folder, so they need nothing but shared files.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from untilgreen.errors import SuiteCrashed
from untilgreen.ledger import write_whole
from untilgreen.model.document import Document
from untilgreen.model.suite import Outcome
from untilgreen.ports import Suite, SuiteOrder, SuiteOutput
from untilgreen.redaction import LAST_NET

ORDER, OUTPUT, SIGNS, STOP, BEAT = "order.json", "output.json", "signs", "stop", "beat"

BEAT_S = 2.0
"""How often both sides say that they are alive."""
ALONE_S = 120.0
"""A shard whose sender has been silent for so long ends: its results would not be read any more."""


class ShardOrder(Document):
    """A shard as it is sent: a few lines, for what to run lies in its folder."""

    number: int
    """From 1."""
    of: int
    folder: str
    """Absolute, and the same for whoever sends it and whoever runs it."""
    deadline_s: float


class ShardDone(Document):
    """What comes back: the results themselves lie in the folder."""

    number: int
    counts: dict[Outcome, int]

    def __str__(self) -> str:
        """Say it as the suite's last line does."""
        return ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.counts.items())) or "nothing ran"


def run_shard(shard: ShardOrder, suite: Suite, python: str = "") -> ShardDone:
    """Run what earlier executions of a shard have left over.

    Args:
        shard: which one.
        suite: runs tests on this machine.
        python: the tests' interpreter on this machine; empty means the one that the order names.

    Raises:
        SuiteCrashed: the runner could not even start here.
    """
    folder = Path(shard.folder)
    order = SuiteOrder.model_validate_json((folder / ORDER).read_bytes())
    runs = take_over(folder, order, suite)
    if not (runs and runs[-1].finished and not left_over(order.only, runs)):
        place = _begin(folder)
        wanted = _next_order(order, runs, place, shard.deadline_s)
        wanted = wanted.model_copy(update={"python": python or order.python})
        with _alive(place) as signs:
            output = suite.run(wanted, signs, _Leash(folder.parent, place))
            write_whole(place / OUTPUT, output.model_dump_json())
        runs = (*runs, output)
    return done(shard.number, runs)


def executions(folder: Path) -> list[Path]:
    """Return the folders of a shard's executions, in their order."""
    return sorted((place for place in folder.glob("[0-9]*") if place.name.isdecimal()), key=lambda p: int(p.name))


def read_runs(folder: Path, order: SuiteOrder, suite: Suite) -> tuple[SuiteOutput, ...]:
    """Return what came of each execution of a shard, as far as anything did, however it ended."""
    return tuple(output for place in executions(folder) if (output := _read_run(place, order, suite)))


def take_over(folder: Path, order: SuiteOrder, suite: Suite) -> tuple[SuiteOutput, ...]:
    """End executions that still think they are the shard's, and write down what they had finished."""
    for place in executions(folder):
        if not (place / OUTPUT).exists():
            write_whole(place / STOP, "another worker took its shard over")
            if output := _read_run(place, order, suite):
                write_whole(place / OUTPUT, output.model_dump_json())
    return read_runs(folder, order, suite)


def left_over(ids: Sequence[str], runs: Sequence[SuiteOutput]) -> tuple[str, ...]:
    """Return the tests that no execution finished: those that none began, then those that took a worker with them."""
    begun = {nodeid for run in runs for nodeid in run.lost}
    missing = [nodeid for nodeid in ids if not any(nodeid in run.attempts for run in runs)]
    return tuple(sorted(missing, key=begun.__contains__))


def done(number: int, runs: Sequence[SuiteOutput]) -> ShardDone:
    """Count how the tests of a shard ended."""
    last = {nodeid: attempt.outcome for run in runs for nodeid, attempt in run.attempts.items()}
    return ShardDone(number=number, counts=dict(Counter(last.values())))


def _read_run(place: Path, order: SuiteOrder, suite: Suite) -> SuiteOutput | None:
    with suppress(FileNotFoundError, ValidationError):
        return SuiteOutput.model_validate_json((place / OUTPUT).read_bytes())
    with suppress(SuiteCrashed):
        return suite.recover(order.model_copy(update={"folder": str(place)}))
    return None


def _begin(folder: Path) -> Path:
    """Make the folder of the next execution. That two of them begin at once would not make them one."""
    number = len(executions(folder)) + 1
    while True:
        with suppress(FileExistsError):
            (folder / str(number)).mkdir()
            return folder / str(number)
        number += 1


def _next_order(order: SuiteOrder, runs: Sequence[SuiteOutput], place: Path, deadline_s: float) -> SuiteOrder:
    """Order what is left; all of it when nothing is and yet the session's end was never seen.

    What ran when a worker was lost may have been the reason, so it comes last.
    """
    rest = left_over(order.only, runs) or order.only
    suspects = {nodeid for run in runs for nodeid in run.lost}
    first = tuple(nodeid for nodeid in rest if nodeid not in suspects) if suspects & {*rest} else order.first
    return order.model_copy(update={"only": rest, "first": first, "folder": str(place), "deadline_s": deadline_s})


class _Signs:
    """Tells the sender what ends, and that this side lives."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self.over = threading.Event()

    def collected(self, total: int) -> None:
        """The sender knows that already."""

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        self._write(json.dumps([nodeid, outcome, why]))

    def beat(self) -> None:
        while not self.over.wait(BEAT_S):
            self._write("")

    def _write(self, line: str) -> None:
        with self._lock, suppress(OSError):  # a full disk costs the view, not the tests
            self._file.write(LAST_NET.mask(line) + "\n")
            self._file.flush()


@contextmanager
def _alive(place: Path) -> Iterator[_Signs]:
    with (place / SIGNS).open("a", encoding="utf-8") as file:
        signs = _Signs(file)
        heart = threading.Thread(target=signs.beat, name="shard", daemon=True)
        heart.start()
        try:
            yield signs
        finally:
            signs.over.set()
            heart.join()


class _Leash:
    """Ends an execution when the sender says so, when another one took over, or when nobody waits for it any more."""

    def __init__(self, sender: Path, place: Path) -> None:
        self._stops = (sender / STOP, place / STOP)
        self._beat, self._heard = sender / BEAT, ""
        self._since = self._asked = time.monotonic()

    def __call__(self) -> str:
        for file in self._stops:
            with suppress(OSError):
                return file.read_text(encoding="utf-8")
        return self._alone(time.monotonic())

    def _alone(self, now: float) -> str:
        """Compare heartbeats, not clocks: those of two machines differ."""
        if now - self._asked >= BEAT_S:
            self._asked = now
            beat = self._beat.read_text(encoding="utf-8") if self._beat.exists() else ""
            self._since, self._heard = (self._since, beat) if beat == self._heard else (now, beat)
        return f"whoever sent this shard has been silent for {ALONE_S:g} s" if now - self._since > ALONE_S else ""
