"""What tests of one function show for one another, and what only each can show for itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.suite_outputs import attempt, exchange, sighting
from untilgreen.controls import lines
from untilgreen.model.suite import FROM_THE_START, Control, Exchange, Outcome, Result, Trial
from untilgreen.prove.prelude import prelude
from untilgreen.prove.twins import spread

HOSTS = frozenset({"api.moon"})
LOG_IN = exchange(method="POST", path="/login")


def result(nodeid: str, *exchanges: Exchange, **seen: int) -> Result:
    """Return a test that passed."""
    last = attempt(Outcome.PASSED, sighting=sighting("ab" * 16, exchanges=exchanges or (exchange(),), **seen))
    return Result(nodeid=nodeid, outcome=Outcome.PASSED, attempts=(last,))


def twins(count: int, name: str = "test_a") -> list[Result]:
    """Return tests of one function."""
    return [result(f"e2e/test_it.py::{name}[{number}]") for number in range(count)]


@given(st.integers(0, 40), st.integers(0, 20), st.data())
def test_every_control_of_every_test_is_shown_or_run(count: int, others: int, data: st.DataObject) -> None:
    """However trials end: each test has each control by its own trial, by a twin's, or is to be run by itself."""
    results = [*twins(count), *twins(others, "test_b")]
    shared = spread(results, HOSTS)
    ends = st.sampled_from([(Outcome.FAILED, True), (Outcome.PASSED, True), (Outcome.ERROR, False)])
    told = [
        Trial(nodeid=r.nodeid, control=control, outcome=end[0], reached=end[1])
        for r in results
        for control in FROM_THE_START
        if not shared.leaves(r.nodeid, control)
        for end in [data.draw(ends)]
    ]
    lent, alone = shared.lend(told)
    known = {(trial.nodeid, trial.control) for trial in (*told, *lent)}
    assert known | alone == {(r.nodeid, control) for r in results for control in FROM_THE_START}
    assert not known & alone
    assert all(trial.twin and trial.outcome.bad and trial.reached for trial in lent)


def test_a_large_family_is_run_once() -> None:
    """Each of many twins stands under one control, and their failures speak for all."""
    results = twins(60)
    shared = spread(results, HOSTS)
    turns = [(r.nodeid, c) for r in results for c in FROM_THE_START if not shared.leaves(r.nodeid, c)]
    assert len(turns) == 60
    lent, alone = shared.lend(Trial(nodeid=n, control=c, outcome=Outcome.FAILED, reached=True) for n, c in turns)
    assert (len(lent), alone) == (120, frozenset())
    (line, *_) = lines(lent)
    assert (
        line
        == "40 tests against errors (500): 40 failed as they should; 40 of them by what others of their function show"
    )


def test_one_that_passes_sends_all_of_them() -> None:
    """A twin that passes proves nothing about the others but that each must be run under that control."""
    results = twins(6)
    shared = spread(results, HOSTS)
    told = [
        Trial(
            nodeid=r.nodeid,
            control=control,
            outcome=Outcome.PASSED if control is Control.EMPTY and number < 3 else Outcome.FAILED,
            reached=True,
        )
        for number, r in enumerate(results)
        for control in FROM_THE_START
        if not shared.leaves(r.nodeid, control)
    ]
    _, alone = shared.lend(told)
    assert {control for _, control in alone} == {Control.EMPTY}
    assert len(alone) == 4


@pytest.mark.parametrize(
    "odd",
    [
        result("e2e/test_it.py::test_b[0]"),
        result("e2e/test_it.py::test_a[x]", exchange(status=404)),
        result("e2e/test_it.py::test_a[x]", assertions=3),
        result("e2e/test_it.py::test_a[x]", exchange(), exchange()),
    ],
    ids=["another function", "another answer", "another check", "another call"],
)
def test_who_did_something_else_is_no_twin(odd: Result) -> None:
    """Parameters may change what a test does; then it stands for itself."""
    shared = spread([*twins(6), odd], HOSTS)
    assert len(shared.families) == 1
    assert not any(shared.leaves(odd.nodeid, control) for control in Control)


def test_a_few_are_not_worth_it() -> None:
    """Fewer than two under each control show too little."""
    assert spread(twins(5), HOSTS).families == ()


@pytest.mark.parametrize(
    ("exchanges", "checks", "expected"),
    [
        ((LOG_IN, exchange(principal="p")), 1, 1),
        ((LOG_IN, exchange(principal="p", checks=1)), 1, 1),
        ((LOG_IN, exchange(method="POST", principal="p")), 1, 1),
        ((LOG_IN, exchange(method="POST", principal="p", checks=1)), 1, 0),
        ((LOG_IN, exchange(principal="p", status=404)), 1, 0),
        ((exchange(phase="setup", principal="p"), LOG_IN, exchange(principal="p")), 1, 0),
        ((exchange(), exchange(principal="p")), 1, 0),
        ((exchange(principal="p"), exchange(principal="p")), 1, 0),
        ((exchange(method="POST"), exchange()), 0, 1),
        ((exchange(method="POST"), exchange(method="DELETE")), 0, 0),
        ((exchange(),), 0, 0),
        ((*(LOG_IN for _ in range(21)), exchange(principal="p")), 1, 0),
    ],
    ids=[
        *("log-in", "log-in that is checked", "log-in, then a change", "checked log-in, then a change"),
        *("refused afterwards", "log-in by a fixture", "no log-in", "one name", "nothing is checked"),
        *("nothing is checked or read", "one call", "very many calls"),
    ],
)
def test_what_only_gets_a_test_going(exchanges: tuple[Exchange, ...], checks: int, expected: int) -> None:
    """Calls before the first one in a new name get a test going, unless they are what it is about."""
    test = result("a", *exchanges, assertions=checks)
    assert prelude(test, exchanges) == expected
