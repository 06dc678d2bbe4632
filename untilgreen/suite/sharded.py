"""A suite that is run in shards, by whoever takes them. It loses none: a shard that got lost is run again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from untilgreen.errors import SuiteCrashed
from untilgreen.ledger import write_whole
from untilgreen.model.document import Document
from untilgreen.ports import Halt, Suite, SuiteOrder, SuiteOutput, Watcher, never
from untilgreen.settings.suite import Shards
from untilgreen.suite.oversight import SILENCE_S, Crew, Oversight, Sent
from untilgreen.suite.shard import ORDER, STOP, read_runs
from untilgreen.suite.shards import Shard, merge, plan
from untilgreen.suite.watchers import UNHEARD

PLAN = "plan.json"
FEW = 20
"""A rerun of failures is one shard for so many tests: each shard imports the whole suite again."""


class Plan(Document):
    """What was sent, for whoever must put it together after an interrupt."""

    collection: SuiteOutput
    shards: tuple[tuple[str, ...], ...]


class ShardedSuite:
    """A suite in shards.

    Args:
        suite: collects, and reads what executions left behind.
        crew: runs the shards.
        wanted: into how many shards it is cut, and how often one may be run again.
        seconds: node id -> how long the test took, as far as that is known.
        tell: is told in a line what became of each shard.
        silence_s: after so long without a sign of life a shard is lost.
    """

    def __init__(
        self,
        suite: Suite,
        crew: Crew,
        wanted: Shards,
        *,
        seconds: Mapping[str, float],
        tell: Callable[[str], None],
        silence_s: float = SILENCE_S,
    ) -> None:
        self._suite, self._crew, self._wanted = suite, crew, wanted
        self._seconds, self._tell, self._silence_s = seconds, tell, silence_s
        self._groups: Mapping[str, str] = {}

    def run(self, order: SuiteOrder, watcher: Watcher, halt: Halt = never) -> SuiteOutput:
        """Collect once, cut, send, follow, and merge.

        Raises:
            SuiteCrashed: nothing could be collected, or a test ran in two shards.
            KeyboardInterrupt: somebody stopped it; every shard was told to end, and `recover` gives what had finished.
        """
        if order.collect_only:
            return self._suite.run(order, watcher, halt)
        deadline, folder = time.monotonic() + order.deadline_s, _fresh(Path(order.folder))
        collection = self._collect(order, halt, folder)
        shards = plan(collection.collected, self._seconds, self._count(order), collection.groups)
        if collection.stopped or not collection.finished or not shards:
            return collection
        watcher.collected(len(collection.collected))
        sent = self._lay_out(order, collection, shards, folder)
        oversight = Oversight(
            self._suite,
            self._crew,
            reruns=self._wanted.reruns,
            watcher=watcher,
            tell=self._tell,
            silence_s=self._silence_s,
        )
        oversight.follow(sent, folder, deadline, lambda: halt() or _overdue(order, deadline))
        return merge(collection, [shard.known for shard in sent], oversight.stopped, oversight.notes)

    def recover(self, order: SuiteOrder) -> SuiteOutput:
        """Return what an interrupted run had finished.

        Raises:
            SuiteCrashed: nothing was sent yet.
        """
        folder = ([Path(order.folder), *_tries(Path(order.folder))])[-1]
        if not (folder / PLAN).exists():
            raise SuiteCrashed(f"{folder}: the suite was interrupted before any shard was sent.")
        kept = Plan.model_validate_json((folder / PLAN).read_bytes())
        shards = []
        for number, ids in enumerate(kept.shards, start=1):
            place = _place(folder, number)
            wanted = SuiteOrder.model_validate_json((place / ORDER).read_bytes())
            shards.append(Shard(number, ids, read_runs(place, wanted, self._suite)))
        return merge(kept.collection, shards, stopped="it was interrupted")

    def _collect(self, order: SuiteOrder, halt: Halt, folder: Path) -> SuiteOutput:
        """Find out which tests there are; those of a rerun are known."""
        if order.only:
            groups = {nodeid: self._groups[nodeid] for nodeid in order.only if nodeid in self._groups}
            return SuiteOutput(
                command=(),
                python=order.python,
                collected=order.only,
                groups=groups,
                attempts={},
                exit_code=0,
                finished=True,
            )
        look = order.model_copy(update={"collect_only": True, "folder": str(folder / "collection")})
        found = self._suite.run(look, UNHEARD, halt)
        self._groups = found.groups
        return found

    def _count(self, order: SuiteOrder) -> int:
        return min(self._wanted.count, math.ceil(len(order.only) / FEW) if order.only else self._wanted.count)

    def _lay_out(
        self, order: SuiteOrder, collection: SuiteOutput, shards: Sequence[tuple[str, ...]], folder: Path
    ) -> list[Sent]:
        """Write down what is sent before any of it is."""
        workers = math.ceil(order.workers / len(shards)) if self._crew.here else order.workers
        sent = [Sent(number, len(shards), ids, _place(folder, number)) for number, ids in enumerate(shards, start=1)]
        for shard in sent:
            mine = {*shard.ids}
            changes: dict[str, Any] = {"only": shard.ids, "select": (), "folder": str(shard.folder)}
            changes["first"] = tuple(nodeid for nodeid in order.first if nodeid in mine)
            changes |= {"workers": workers, "first_worker": order.first_worker + (shard.number - 1) * workers}
            write_whole(shard.folder / ORDER, order.model_copy(update=changes).model_dump_json())
        write_whole(folder / PLAN, Plan(collection=collection, shards=tuple(shards)).model_dump_json())
        return sent


def _overdue(order: SuiteOrder, deadline: float) -> str:
    return f"the deadline of {order.deadline_s:g} s was over" if time.monotonic() > deadline else ""


def _place(folder: Path, number: int) -> Path:
    return folder / f"shard-{number:02d}"


def _tries(folder: Path) -> list[Path]:
    return sorted(folder.glob("shards-*"), key=lambda place: (len(place.name), place.name))


def _fresh(folder: Path) -> Path:
    """Make the folder of this run, and end what an earlier one may have left running somewhere."""
    before = _tries(folder)
    for old in before:
        write_whole(old / STOP, "the suite was begun again")
    new = folder / f"shards-{len(before) + 1}"
    new.mkdir(parents=True)
    return new
