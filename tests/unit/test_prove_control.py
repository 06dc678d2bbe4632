"""The negative control: who is run against what, what that says, and what is remembered of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.suite_outputs import NOON, attempt, exchange, order, output, sighting
from untilgreen.controls import lines
from untilgreen.errors import SuiteCrashed
from untilgreen.model.evidence import Request
from untilgreen.model.suite import FROM_THE_START, Control, Exchange, Outcome, Reality, Result, Trial
from untilgreen.ports import Halt, SuiteOrder, SuiteOutput, Watcher, never
from untilgreen.prove import control as rules
from untilgreen.prove.control import Batch, failed_as_it_should, plan, redirects, telling, trials_of
from untilgreen.prove.controlling import Bench, Controlled, run_controls
from untilgreen.prove.digests import digests
from untilgreen.prove.memory import Memory
from untilgreen.prove.step import Trials, damning, prove, summarise
from untilgreen.testing import FakeStandIns

HOSTS = frozenset({"api.moon"})
REAL = {"api": "https://api.moon"}
STAND_INS = {"api": "http://127.0.0.1:4711"}
BATCH = Batch(control=Control.ERROR, entirely=False, nodeids=("a", "b", "c"), test_timeout_s=5)


def result(nodeid: str = "a", outcome: Outcome = Outcome.PASSED, seconds: float = 1, **seen: Any) -> Result:
    """Return a test that ended so."""
    last = attempt(outcome, duration_s=seconds, sighting=sighting("ab" * 16, **seen))
    return Result(nodeid=nodeid, outcome=outcome, attempts=(last,))


def trial(nodeid: str = "a", control: Control = Control.ERROR, outcome: Outcome = Outcome.FAILED) -> Trial:
    """Return a trial that met what was broken."""
    return Trial(nodeid=nodeid, control=control, outcome=outcome, reached=True)


def broken(**changes: Any) -> Exchange:
    """Return an exchange with a stand-in."""
    return exchange(**{"host": "127.0.0.1:4711", "status": 500} | changes)


def planned(*results: Result, settled: Iterable[tuple[str, Control]] = ()) -> list[tuple[str, bool, tuple[str, ...]]]:
    """Plan, and return what is due under control ERROR."""
    done = set(settled)
    batches = plan(results, lambda nodeid, control: (nodeid, control) in done, HOSTS, 60)
    return [(b.control, b.entirely, b.nodeids) for b in batches if b.control is Control.ERROR]


# -- who is due


def test_passed_tests_are_due_under_each_control() -> None:
    """A passed test that asked a deployed service is run under every control."""
    batches = plan([result()], lambda *_: False, HOSTS, 60)
    assert [(batch.control, batch.nodeids) for batch in batches] == [(c, ("a",)) for c in sorted(FROM_THE_START)]


@pytest.mark.parametrize(
    "idle",
    [
        result(outcome=Outcome.FAILED),
        result(outcome=Outcome.XPASSED),
        result(exchanges=()),
        result(exchanges=(exchange(host="elsewhere:443"),)),
        Result(nodeid="a", outcome=Outcome.PASSED, attempts=(attempt(Outcome.PASSED),)),
    ],
    ids=["failed", "xpassed", "asked nobody", "asked another", "no witness"],
)
def test_nothing_else_is_due(idle: Result) -> None:
    """What did not pass, or never asked a deployed service, cannot be controlled."""
    assert planned(idle) == []


def test_what_is_settled_is_not_due() -> None:
    """A control that has spoken is not repeated; the others are."""
    assert planned(result("a"), result("b"), settled=[("a", Control.ERROR)]) == [(Control.ERROR, False, ("b",))]


def test_tests_that_only_their_fixtures_ask_meet_everything_broken() -> None:
    """Where nothing of the test itself can be broken, its fixtures are."""
    idle = result("b", exchanges=(exchange(phase="setup"), exchange(phase="teardown")))
    both = result("c", exchanges=(exchange(phase="setup"), exchange()))
    assert planned(result("a"), idle, both) == [(Control.ERROR, False, ("a", "c")), (Control.ERROR, True, ("b",))]


def test_slow_tests_do_not_make_quick_ones_wait() -> None:
    """A test gets three times its real time and at least eight seconds, never more than the suite allows."""
    slow, slower = result("b", seconds=4), result("c", seconds=50)
    batches = plan([result(), slow, slower], lambda *_: False, HOSTS, 60)
    assert [(b.nodeids, b.test_timeout_s) for b in batches if b.control is Control.EMPTY] == [
        (("a",), 8.0),
        (("b", "c"), 60),
    ]
    assert len({batch.name for batch in batches}) == len(batches)


# -- what is ordered


def test_an_order_differs_only_in_where_the_services_are() -> None:
    """The same tests run in the same way, with URLs and hosts of the stand-ins, a name and a folder of their own."""
    base = order(env={"NO_PROXY": "127.0.0.1"}, args=("-m", "smoke"))
    wanted = rules.order(base, BATCH, {"API": "{api.url}/v1", "TIER": "staging"}, STAND_INS)
    assert wanted.env == {"NO_PROXY": "127.0.0.1", "API": "http://127.0.0.1:4711/v1", "TIER": "staging"}
    assert (wanted.hosts, wanted.only, wanted.test_timeout_s) == (("127.0.0.1:4711",), ("a", "b", "c"), 5)
    assert (wanted.run_id, wanted.folder) == ("loop/1/control-error", "/suite/control-error")
    assert (wanted.args[:2], wanted.workers, wanted.path) == (("-m", "smoke"), base.workers, base.path)


@pytest.mark.parametrize(("env", "turns"), [({"API": "{api.url}"}, True), ({"API": "https://api.moon"}, False)])
def test_urls_must_come_from_the_environment(env: dict[str, str], turns: bool) -> None:
    """Tests that know their services by heart cannot be turned to a stand-in."""
    assert redirects(env, REAL) is turns


# -- what it says


@pytest.mark.parametrize(
    ("exchanges", "entirely", "reached"),
    [
        ((broken(),), False, True),
        ((broken(phase="setup"), broken()), False, True),
        ((broken(phase="setup"),), False, False),
        ((broken(phase="setup"),), True, True),
        ((), False, False),
        ((broken(), exchange()), False, False),
        ((broken(), exchange(phase="setup")), True, False),
        ((broken(), exchange(host="other.example:443")), False, True),
    ],
)
def test_a_trial_counts_when_it_met_nothing_but_what_is_broken(
    exchanges: tuple[Exchange, ...], entirely: bool, reached: bool
) -> None:
    """It must have asked a stand-in where that breaks, and no real service at all."""
    ended = attempt(Outcome.PASSED, sighting=sighting("ab" * 16, exchanges=exchanges))
    batch = BATCH.model_copy(update={"entirely": entirely})
    (told,) = trials_of(output({}, attempts={"a": ended}), batch, STAND_INS, REAL)
    assert told == Trial(nodeid="a", control=Control.ERROR, outcome=Outcome.PASSED, reached=reached)


def test_what_was_not_run_has_no_trial() -> None:
    """A test that had no turn is left over; one that was ended before it met anything says nothing, nor a lost one."""
    told = trials_of(output({"a": Outcome.FAILED, "z": Outcome.PASSED}, lost={"b": "died"}), BATCH, STAND_INS, REAL)
    assert {t.nodeid: (t.outcome, t.reached) for t in told} == {
        "a": (Outcome.FAILED, False),
        "b": (Outcome.LOST, False),
    }


@pytest.mark.parametrize(
    ("outcome", "reached", "noticed"),
    [
        (Outcome.FAILED, True, True),
        (Outcome.FAILED, False, False),
        (Outcome.ERROR, True, True),
        (Outcome.ERROR, False, False),
        (Outcome.PASSED, True, False),
        (Outcome.SKIPPED, True, False),
    ],
)
def test_who_failed_as_it_should(outcome: Outcome, reached: bool, noticed: bool) -> None:
    """A failure counts if the test met what is broken."""
    assert failed_as_it_should(Trial(nodeid="a", control=Control.ERROR, outcome=outcome, reached=reached)) is noticed


def test_what_is_not_held_against_a_test() -> None:
    """A trial that never met the stand-in says nothing."""
    unmet = trial().model_copy(update={"reached": False})
    assert telling(result(), [trial(), unmet], HOSTS, ()) == [trial()]


@pytest.mark.parametrize(
    ("test", "status_only", "held"),
    [
        (result(), (), True),
        (result("e2e/test_health.py::test"), ("*test_health.py::*",), False),
        (result(exchanges=(exchange(method="DELETE", status=204),)), (), False),
        (result(exchanges=(exchange(method="HEAD"),)), (), False),
        (result(exchanges=(exchange(method="DELETE", status=204), exchange())), (), True),
        (result(exchanges=(exchange(phase="setup"), exchange(status=204))), (), False),
    ],
    ids=["body", "status only", "no content", "head", "one body", "body in a fixture"],
)
def test_an_empty_answer_is_no_reproach_where_nothing_else_was_expected(
    test: Result, status_only: tuple[str, ...], held: bool
) -> None:
    """An empty 200 is as good as the real answer when that had no body, or when only its status is looked at."""
    trials = [trial(control=control, outcome=Outcome.PASSED) for control in FROM_THE_START]
    kept = {t.control for t in telling(test, trials, HOSTS, status_only)}
    assert kept == set(FROM_THE_START) - (set() if held else {Control.EMPTY})
    assert telling(test, [trial(control=Control.EMPTY)], HOSTS, status_only) == [trial(control=Control.EMPTY)]


def judged(test: Result, *trials: Trial, status_only: tuple[str, ...] = ()) -> tuple[Reality, tuple[Control, ...], int]:
    """Return what a test is worth, under which controls it is found out, and whether it counts as controlled."""
    known = Trials(of={test.nodeid: trials}, status_only=status_only)
    row = Request(
        at=NOON,
        service="api",
        revision="api-1",
        method="GET",
        path="/",
        status=200,
        latency_s=0.1,
        trace="ab" * 16,
        insert_id="1",
    )
    (proof,) = prove([test], [row], {"api": "api-1"}, log_complete=True, hosts=HOSTS, trials=known)
    assert proof.trials == trials
    return proof.reality, damning(test, HOSTS, known), summarise([proof], log_complete=True).controlled


def test_a_proof_shows_its_trials_and_counts_them() -> None:
    """Failing under every control leaves no doubt; passing one of them is VACUOUS; an excuse is not held against it."""
    failed, empty = (
        [trial(control=control) for control in Control],
        trial(control=Control.EMPTY, outcome=Outcome.PASSED),
    )
    assert judged(result(), *failed) == (Reality.REAL, (), 1)
    assert judged(result(), failed[0], empty) == (Reality.VACUOUS, (Control.EMPTY,), 0)
    assert judged(result(), failed[0], empty, status_only=("a",)) == (Reality.REAL, (), 0)
    assert judged(result()) == (Reality.REAL, (), 0)


def test_a_control_is_told_in_a_line() -> None:
    """Who failed, who passed all the same, and who never met anything broken."""
    mute = Trial(nodeid="c", control=Control.ERROR, outcome=Outcome.ERROR, reached=False)
    told = list(lines([trial("a"), trial("b", outcome=Outcome.PASSED), mute, trial("a", Control.SILENCE)]))
    assert told == [
        "3 tests against errors (500): 1 failed as they should, 1 passed all the same, 1 said nothing",
        "1 tests against silence: 1 failed as they should",
    ]


# -- what tests are made of


def written(root: Path, files: dict[str, str]) -> Path:
    """Write a checkout."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


TREE = {
    "conftest.py": "1",
    "e2e/conftest.py": "1",
    "e2e/test_a.py": "1",
    "e2e/test_b.py": "1",
    "e2e/people.py": "1",
    "e2e/sub/conftest.py": "1",
    "e2e/sub/test_c.py": "1",
    "service/main.py": "1",
    "e2e/__pycache__/people.py": "1",
    "e2e/data.json": "1",
}
IDS = ("e2e/test_a.py::t", "e2e/test_b.py::t[x::y]", "e2e/sub/test_c.py::T::t")


@pytest.mark.parametrize(
    ("changed", "due"),
    [
        ("conftest.py", IDS),
        ("e2e/conftest.py", IDS),
        ("e2e/people.py", IDS),
        ("e2e/new.py", IDS),
        ("e2e/test_not_collected.py", ()),
        ("e2e/test_a.py", IDS[:1]),
        ("e2e/sub/conftest.py", IDS[2:]),
        ("e2e/sub/test_c.py", IDS[2:]),
        ("service/main.py", ()),
        ("e2e/__pycache__/people.py", ()),
        ("e2e/data.json", ()),
    ],
)
def test_what_makes_a_test_another_one(tmp_path: Path, changed: str, due: tuple[str, ...]) -> None:
    """Its own file, conftests above it, and modules beside the tests; nothing else."""
    root = written(tmp_path, TREE)
    before = digests(IDS, root, root / "e2e")
    written(root, {changed: "2"})
    after = digests(IDS, root, root / "e2e")
    assert tuple(nodeid for nodeid in IDS if before[nodeid] != after[nodeid]) == due


@pytest.mark.parametrize("nodeid", ["e2e/test_a.py::t", "test_a.py::t"])
def test_files_are_found_wherever_the_names_begin(tmp_path: Path, nodeid: str) -> None:
    """Pytest's rootdir may be the checkout or the tests' folder."""
    root = written(tmp_path, TREE)
    before = digests([nodeid], root, root / "e2e")
    written(root, {"e2e/test_a.py": "2"})
    assert digests([nodeid], root, root / "e2e") != before


def test_a_single_file_of_tests(tmp_path: Path) -> None:
    """The tests may be one file, and a test whose file is not there has a digest as well."""
    root = written(tmp_path, TREE)
    assert len(digests(["e2e/test_a.py::t", "gone.py::t"], root, root / "e2e/test_a.py")) == 2


# -- what is remembered


def test_trials_are_remembered_until_files_change(tmp_path: Path) -> None:
    """The next cycle and the next loop find them; a test whose files have changed begins anew."""
    Memory(tmp_path / "c", "one").keep([trial()], {"a": "d1"})
    later = Memory(tmp_path / "c", "two")
    assert later.trials("a", "d1") == (trial(),)
    assert (later.settled("a", "d1", Control.ERROR), later.settled("a", "d1", Control.EMPTY)) == (True, False)
    assert (later.trials("a", "d2"), later.settled("a", "d2", Control.ERROR)) == ((), False)
    later.keep([trial(control=Control.EMPTY)], {"a": "d2"})
    assert Memory(tmp_path / "c", "two").trials("a", "d2") == (trial(control=Control.EMPTY),)


def test_what_said_nothing_is_tried_again_in_another_loop(tmp_path: Path) -> None:
    """Once a loop, not once a cycle."""
    mute = Trial(nodeid="a", control=Control.ERROR, outcome=Outcome.ERROR, reached=False)
    Memory(tmp_path / "c", "one").keep([mute], {"a": "d"})
    same, other = Memory(tmp_path / "c", "one"), Memory(tmp_path / "c", "two")
    assert [memory.settled("a", "d", Control.ERROR) for memory in (same, other)] == [True, False]


@given(cut=st.integers(min_value=0, max_value=400), junk=st.binary(max_size=30))
def test_a_damaged_memory_forgets_and_nothing_worse(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes
) -> None:
    """Half a line, or garbage, costs at most the tests that it stood for."""
    file = tmp_path_factory.mktemp("memory") / "c"
    Memory(file, "one").keep([trial("a"), trial("b")], {"a": "d", "b": "d"})
    whole = file.read_bytes()
    file.write_bytes(whole[:cut] + junk)
    known = [name for name in "ab" if Memory(file, "two").trials(name, "d")]
    lines = [len(line) for line in whole.splitlines(keepends=True)]
    assert len(known) >= sum(cut >= size for size in (lines[0], lines[0] + lines[1]))
    assert json.loads(whole.splitlines()[0])["nodeid"] == "a"


# -- how controls are run


class Breakable:
    """A suite that looks at what stands in for its service.

    Args:
        ends: node id -> how it ends, whatever is broken; the others fail.
        crashes: controls under which nothing even starts.
        stays: how many tests of each order do not get their turn.
    """

    def __init__(self, ends: dict[str, Outcome], crashes: Iterable[Control] = (), stays: int = 0) -> None:
        self._ends, self._crashes, self._stays = ends, frozenset(crashes), stays
        self.orders: list[SuiteOrder] = []
        self.stopped: list[str] = []

    def run(self, order: SuiteOrder, watcher: Watcher, halt: Halt = never) -> SuiteOutput:
        """End each test as it does."""
        self.orders.append(order)
        (host,) = order.hosts
        if host.split(".")[1] in self._crashes:
            raise SuiteCrashed("no such interpreter\nat all")
        asked = sighting("ab" * 16, exchanges=(exchange(host=f"{host}:80", status=None),))
        tests = order.only[: len(order.only) - self._stays]
        ended = {name: attempt(self._ends.get(name, Outcome.FAILED), sighting=asked) for name in tests}
        for name, how in ended.items():
            watcher.finished(name, how.outcome)
        self.stopped.append(halt())
        return output({}, collected=order.only, attempts=ended)

    def recover(self, order: SuiteOrder) -> SuiteOutput:
        """Never needed here."""
        raise NotImplementedError


def ran(suite: Breakable, *results: Result, deadline_s: float = 60) -> tuple[Controlled, ...]:
    """Run what is due, with every stand-in closed again afterwards."""
    stand_ins = FakeStandIns()
    bench = Bench(suite, stand_ins, order(), {"API": "{api.url}"}, REAL)
    heard: list[Controlled] = []
    done = run_controls(bench, plan(results, lambda *_: False, HOSTS, 60), deadline_s, heard.append)
    assert not stand_ins.open
    assert {told.control for told in heard} == {told.control for told in done}
    return done


def test_a_test_that_always_passes_is_found_under_each_control() -> None:
    """Each control says how each test ended, in the order of the controls."""
    done = ran(Breakable({"liar": Outcome.PASSED}), result("honest"), result("liar"))
    assert [told.control for told in done] == list(FROM_THE_START)
    for told in done:
        assert {t.nodeid: t.outcome for t in told.trials} == {"honest": Outcome.FAILED, "liar": Outcome.PASSED}
        assert all(t.reached for t in told.trials)


def test_one_control_that_does_not_start_leaves_the_others() -> None:
    """What cannot be controlled is said, and is no doubt."""
    done = ran(Breakable({}, crashes=[Control.EMPTY]), result())
    assert [len(told.trials) for told in done] == [1, 0, 1]
    assert done[1].notes == ("control empty did not start: no such interpreter",)


def test_what_is_not_reached_in_time_is_told() -> None:
    """Left-over tests have no trial, and a note says how many they are."""
    done = ran(Breakable({}, stays=1), result("a"), result("b"))
    assert [len(told.trials) for told in done] == [1, 1, 1]
    assert all("did not come to 1 tests" in told.notes[0] for told in done)
    late = ran(suite := Breakable({}), result("a"), deadline_s=0)
    assert (suite.orders, [told.trials for told in late]) == ([], [(), (), ()])


def test_an_interrupt_ends_all_controls() -> None:
    """Whatever the listener raises comes out, and every control is told to stop."""

    def interrupt(_: Controlled) -> None:
        raise KeyboardInterrupt

    bench = Bench(Breakable({}), FakeStandIns(), order(), {"API": "{api.url}"}, REAL)
    with pytest.raises(KeyboardInterrupt):
        run_controls(bench, plan([result()], lambda *_: False, HOSTS, 60), 60, interrupt)
