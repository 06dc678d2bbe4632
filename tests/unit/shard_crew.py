"""A suite on paper that can lose its worker, and a crew of threads that can be told to misbehave."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.unit.suite_outputs import attempt
from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Outcome
from untilgreen.ports import Halt, SuiteOrder, SuiteOutput, Watcher, never
from untilgreen.suite.shard import ShardDone, ShardOrder, run_shard

PAPER = "paper.jsonl"


class WorkerKilled(BaseException):
    """Nothing of the worker goes on."""


class PaperSuite:
    """Writes each test's end into its folder at once, as the real one does.

    Args:
        outcomes: node id -> how it ends.
        before: is called with each test before it runs, and may raise.
    """

    def __init__(self, outcomes: Mapping[str, Outcome], before: Callable[[str], None] = lambda _: None) -> None:
        self._outcomes, self._before = dict(outcomes), before
        self.orders: list[SuiteOrder] = []
        self.ran: list[str] = []

    def run(self, order: SuiteOrder, watcher: Watcher, halt: Halt = never) -> SuiteOutput:
        """Run the tests one by one."""
        self.orders.append(order)
        there = [nodeid for nodeid in self._outcomes if not order.only or nodeid in order.only]
        watcher.collected(len(there))
        paper = Path(order.folder, PAPER)
        paper.parent.mkdir(parents=True, exist_ok=True)
        paper.write_text("")
        for nodeid in [] if order.collect_only else sorted(there, key=lambda n: n not in order.first):
            if why := halt():
                self._write(paper, ["stop", why])
                break
            self._write(paper, ["begin", nodeid])
            self._before(nodeid)
            self.ran.append(nodeid)
            self._write(paper, ["end", nodeid])
            watcher.finished(nodeid, self._outcomes[nodeid])
        self._write(paper, ["finish", ""])
        return self.recover(order).model_copy(update={"collected": tuple(there)})

    def recover(self, order: SuiteOrder) -> SuiteOutput:
        """Read what was written."""
        paper = Path(order.folder, PAPER)
        if not paper.exists():
            raise SuiteCrashed
        events = [json.loads(line) for line in paper.read_text().splitlines()]
        said = {kind: [what for event, what in events if event == kind] for kind in ("begin", "end", "stop", "finish")}
        ended = {nodeid: self._outcomes[nodeid] for nodeid in said["end"]}
        bad = any(outcome.bad for outcome in ended.values())
        return SuiteOutput(
            command=("paper",),
            python=order.python,
            collected=tuple(said["begin"]),
            attempts={nodeid: attempt(outcome, order.attempt) for nodeid, outcome in ended.items()},
            lost=dict.fromkeys((n for n in said["begin"] if n not in ended), "the runner was stopped"),
            exit_code=(2 if said["stop"] else int(bad)) if said["finish"] else None,
            finished=bool(said["finish"]),
            stopped="".join(said["stop"]),
        )

    def _write(self, paper: Path, event: list[str]) -> None:
        with paper.open("a") as file:
            file.write(json.dumps(event) + "\n")


class ThreadJob:
    """A shard in a thread."""

    def __init__(self, future: Future[ShardDone]) -> None:
        self._future = future
        self.dropped = ""

    def ended(self) -> str | None:
        """Return the exception as the reason."""
        if not self._future.done():
            return None
        error = self._future.exception()
        return "" if error is None else f"{type(error).__name__}: {error}"

    def drop(self, why: str) -> None:
        """Remember it."""
        self.dropped = why


class ThreadCrew:
    """Runs shards in threads.

    Args:
        suite: what each thread runs.
        act: called with a shard instead of running it; returns whether it took care of it.
    """

    here = True

    def __init__(self, suite: PaperSuite, act: Callable[[ShardOrder], bool] = lambda _: False) -> None:
        self._suite, self._act = suite, act
        self._pool = ThreadPoolExecutor(16)
        self.sent: list[ShardOrder] = []
        self.jobs: list[ThreadJob] = []
        self.why_nobody = ""

    def send(self, shard: ShardOrder) -> ThreadJob:
        """Start it."""
        self.sent.append(shard)
        self.jobs.append(ThreadJob(self._pool.submit(self._run, shard)))
        return self.jobs[-1]

    def trouble(self) -> str:
        """Say what the test wants."""
        return self.why_nobody

    def _run(self, shard: ShardOrder) -> ShardDone:
        if self._act(shard):
            return ShardDone(number=shard.number, counts={})
        return run_shard(shard, self._suite)
