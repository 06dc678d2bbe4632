"""A suite in shards loses nothing, whatever happens to those who run them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.shard_crew import PaperSuite, ThreadCrew, WorkerKilled
from tests.unit.suite_outputs import order
from untilgreen.errors import SuiteCrashed
from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOutput
from untilgreen.settings.suite import Shards
from untilgreen.suite import oversight
from untilgreen.suite.gaps import find_gaps
from untilgreen.suite.outcomes import conclude
from untilgreen.suite.shard import OUTPUT, SIGNS, STOP, ShardOrder
from untilgreen.suite.sharded import ShardedSuite
from untilgreen.testing import FakeNarrator

PASSED, FAILED = Outcome.PASSED, Outcome.FAILED
TESTS = {f"e2e/test_{n % 4}.py::test_{n}": FAILED if n % 10 == 0 else PASSED for n in range(40)}


class Killer:
    """Takes the worker with it, so many times."""

    def __init__(self, nodeid: str, times: int = 1) -> None:
        self.nodeid, self.times = nodeid, times
        self.lock = threading.Lock()

    def __call__(self, nodeid: str) -> None:
        """Strike."""
        with self.lock:
            strikes = nodeid == self.nodeid and self.times > 0
            self.times -= strikes
        if strikes:
            raise WorkerKilled(nodeid)


class World:
    """A sharded suite, and everybody around it."""

    def __init__(
        self,
        folder: Path,
        before: Callable[[str], None] = lambda _: None,
        act: Callable[[ShardOrder], bool] = lambda _: False,
        **wanted: Any,
    ) -> None:
        self.suite = PaperSuite(TESTS, before)
        self.crew = ThreadCrew(self.suite, act)
        self.narrator = FakeNarrator()
        self.lines: list[str] = []
        shards = Shards.model_validate({"count": 4} | wanted)
        self.sharded = ShardedSuite(self.suite, self.crew, shards, seconds={}, tell=self.lines.append, silence_s=0.5)
        self.order = order(folder=str(folder), workers=6)

    def run(self, **changes: Any) -> SuiteOutput:
        """Run it."""
        return self.sharded.run(self.order.model_copy(update=changes), self.narrator)


def outcomes(output: SuiteOutput) -> dict[str, Outcome]:
    """Return the one outcome of each test."""
    return {result.nodeid: result.outcome for result in conclude([output])}


def test_four_shards_are_one_suite(tmp_path: Path) -> None:
    """Shards give the outcomes of the whole, the watcher hears of each test once, and nothing is a gap."""
    world = World(tmp_path)
    output = world.run()
    assert outcomes(output) == TESTS == world.narrator.outcomes
    assert (world.narrator.total, find_gaps(output, 40), output.notes) == (40, (), ())
    assert min(world.lines) == "shard 1 of 4: 2 failed, 8 passed"
    assert len(world.crew.sent) == len(world.lines) == 4


def test_workers_are_divided_on_one_machine(tmp_path: Path) -> None:
    """Six workers for four shards here are two each; on other machines each shard has all six."""
    world = World(tmp_path / "here")
    world.run()
    assert {order.workers for order in world.suite.orders if not order.collect_only} == {2}
    far = World(tmp_path / "far")
    far.crew.here = False
    far.run()
    assert {order.workers for order in far.suite.orders} == {6}


def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    """When a worker is killed, its shard is sent again; what had finished is not run twice, and all is complete."""
    world = World(tmp_path, before=Killer("e2e/test_1.py::test_21"))
    output = world.run()
    assert outcomes(output) == TESTS
    assert find_gaps(output, 40) == ()
    assert sorted(world.suite.ran) == sorted(TESTS)
    assert len(world.crew.sent) == 5
    assert [note for note in output.notes if "was lost (WorkerKilled: e2e/test_1.py::test_21); 5 of 10 tests" in note]


def test_what_was_lost_with_a_worker_comes_last(tmp_path: Path) -> None:
    """The test that ran when a worker died may be the reason: everything else of its shard is run before it."""
    world = World(tmp_path, before=Killer("e2e/test_1.py::test_1", times=3))
    output = world.run()
    ended = outcomes(output)
    assert ended.pop("e2e/test_1.py::test_1") is Outcome.LOST
    assert ended == {nodeid: outcome for nodeid, outcome in TESTS.items() if nodeid != "e2e/test_1.py::test_1"}
    assert any("e2e/test_1.py::test_1" in gap for gap in find_gaps(output, 40))


def test_a_shard_that_nobody_can_run_is_not_forgotten(tmp_path: Path) -> None:
    """A shard that is lost each time leaves its tests as not run, for the reason, and the run is not complete."""

    def act(shard: ShardOrder) -> bool:
        if shard.number == 2:
            raise OSError("no space left on device")
        return False

    world = World(tmp_path, act=act, reruns=1)
    output = world.run()
    missing = [result for result in conclude([output]) if result.outcome is Outcome.NOT_RUN]
    assert len(missing) == 10
    assert {result.reason for result in missing} == {"shard 2 of 4: OSError: no space left on device"}
    assert not output.finished
    assert len(world.crew.sent) == 5


def test_a_silent_worker_is_lost(tmp_path: Path) -> None:
    """A worker that began a shard and gives no sign of life is told to end, and its shard is run by another."""
    silent = threading.Event()

    def act(shard: ShardOrder) -> bool:
        if shard.number == 3 and not Path(shard.folder, "1").exists():
            Path(shard.folder, "1").mkdir()
            Path(shard.folder, "1", SIGNS).touch()
            silent.wait(30)
            return True
        return False

    world = World(tmp_path, act=act)
    output = world.run()
    silent.set()
    assert outcomes(output) == TESTS
    assert (tmp_path / "shards-1" / "shard-03" / "1" / STOP).read_text() == "another worker took its shard over"
    assert [job.dropped for job in world.crew.jobs if job.dropped] == ["its worker gave no sign of life for 0.5 s"]


def test_a_shard_that_another_worker_finished_is_not_run_again(tmp_path: Path) -> None:
    """A platform that starts a shard a second time by itself finds it done."""
    world = World(tmp_path)
    world.run()
    world.crew.send(world.crew.sent[0])
    while world.crew.jobs[-1].ended() is None:
        pass
    assert sorted(world.suite.ran) == sorted(TESTS)


def test_a_shard_that_moves_is_noted(tmp_path: Path) -> None:
    """A platform that gives a shard to another worker by itself, as Dask does, is seen doing it."""

    def act(shard: ShardOrder) -> bool:
        place = Path(shard.folder, "1")
        if shard.number == 1 and not place.exists():
            place.mkdir()
            time.sleep(0.3)
        return False

    output = World(tmp_path, act=act).run()
    assert outcomes(output) == TESTS
    assert output.notes == ("shard 1 of 4 lost its worker; another one runs what was left of it",)


def test_an_output_that_cannot_be_read_is_not_a_pass(tmp_path: Path) -> None:
    """Results of which nothing is left are lost, however well the worker says it ended; the shard is run again."""

    def act(shard: ShardOrder) -> bool:
        place = Path(shard.folder, "1")
        if shard.number == 1 and not place.exists():
            place.mkdir()
            (place / OUTPUT).write_text('{"command": [')
            return True
        return False

    world = World(tmp_path, act=act)
    output = world.run()
    assert outcomes(output) == TESTS
    assert [line for line in world.lines if "shard 1 of 4 was lost (it left no results)" in line]


def test_a_session_without_end_is_run_again(tmp_path: Path) -> None:
    """Where every test ended and the session did not, the whole shard is run again: its end was never seen."""
    world = World(tmp_path)

    def act(shard: ShardOrder) -> bool:
        if shard.number == 1 and not Path(shard.folder, "1").exists():
            world.suite.run(order_of(shard), FakeNarrator())
            paper = Path(shard.folder, "1", "paper.jsonl")
            paper.write_text(
                "".join(line for line in paper.read_text().splitlines(keepends=True) if "finish" not in line)
            )
            raise OSError("gone")
        return False

    world.crew._act = act
    output = world.run()
    assert (outcomes(output), find_gaps(output, 40)) == (TESTS, ())
    assert sorted(Counter(world.suite.ran).values()) == [1] * 30 + [2] * 10


def order_of(shard: ShardOrder) -> Any:
    """Return the order of a shard's first execution."""
    from untilgreen.ports import SuiteOrder  # noqa: PLC0415 - only here

    wanted = SuiteOrder.model_validate_json(Path(shard.folder, "order.json").read_bytes())
    return wanted.model_copy(update={"folder": str(Path(shard.folder, "1"))})


def until_stopped(folder: Path) -> Callable[[str], None]:
    """Return what holds every test but two until the suite was told to stop."""

    def before(nodeid: str) -> None:
        while not nodeid.endswith(("::test_0", "::test_1")) and not (folder / "shards-1" / STOP).exists():
            time.sleep(0.01)

    return before


def test_a_halt_reaches_every_shard(tmp_path: Path) -> None:
    """When a service is gone, every shard ends, and what has not run says why."""
    world = World(tmp_path, before=until_stopped(tmp_path))

    def halt() -> str:
        return "backend has not answered" if len(world.suite.ran) >= 2 else ""

    output = world.sharded.run(world.order, world.narrator, halt)
    assert output.stopped == "backend has not answered"
    ended = [result.reason for result in conclude([output]) if result.outcome is Outcome.NOT_RUN]
    assert len(ended) >= 30
    assert set(ended) == {"backend has not answered"}


def test_the_deadline_holds_for_all(tmp_path: Path) -> None:
    """The deadline of the order ends every shard, and is the reason that is shown."""
    output = World(tmp_path, before=until_stopped(tmp_path)).run(deadline_s=0.2)
    assert output.stopped == "the deadline of 0.2 s was over"


def test_an_interrupt_ends_all_and_keeps_what_finished(tmp_path: Path) -> None:
    """Ctrl-C: every shard is told to end, and what had finished can be recovered from their folders."""
    world = World(tmp_path, before=until_stopped(tmp_path))

    def halt() -> str:
        if len(world.suite.ran) >= 2:
            raise KeyboardInterrupt
        return ""

    with pytest.raises(KeyboardInterrupt):
        world.sharded.run(world.order, world.narrator, halt)
    assert all(job.ended() == "" for job in world.crew.jobs)
    kept = world.sharded.recover(world.order)
    assert set(kept.attempts) == set(world.suite.ran)
    assert (kept.collected, kept.stopped) == (tuple(TESTS), "it was interrupted")


def test_nothing_to_recover(tmp_path: Path) -> None:
    """An interrupt before anything was sent leaves nothing, and says so."""
    with pytest.raises(SuiteCrashed, match="before any shard was sent"):
        World(tmp_path).sharded.recover(order(folder=str(tmp_path)))


def test_nobody_who_takes_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no worker is there, the suite does not wait until its deadline: it says what is missing."""
    monkeypatch.setattr(oversight, "PATIENCE_S", 0.2)
    monkeypatch.setattr(oversight, "BEAT_S", 0.05)
    never = threading.Event()
    world = World(tmp_path, act=lambda _: never.wait(30), reruns=0)
    world.crew.why_nobody = "no worker of the pool is online"
    output = world.run()
    never.set()
    assert {result.reason.split(": ", 1)[1] for result in conclude([output])} >= {
        "no worker of the pool is online"
    } or ("no worker of the pool is online" in output.stopped)
    assert world.lines[0] == "4 shards wait: no worker of the pool is online"


def test_a_rerun_of_failures_is_one_shard(tmp_path: Path) -> None:
    """A few failures are run again in one shard, without collecting first."""
    world = World(tmp_path)
    failed = tuple(nodeid for nodeid, outcome in TESTS.items() if outcome is FAILED)
    output = world.run(only=failed, attempt=2)
    assert set(output.attempts) == {*failed}
    assert [order.collect_only for order in world.suite.orders] == [False]


def test_each_shard_begins_with_what_it_has_of_the_first(tmp_path: Path) -> None:
    """Failed-first holds inside of each shard."""
    world = World(tmp_path)
    first = ("e2e/test_3.py::test_39", "e2e/test_2.py::test_38")
    world.run(first=first)
    asked = [order.first for order in world.suite.orders if not order.collect_only]
    assert sorted(asked) == [(), (), (first[1],), (first[0],)]
