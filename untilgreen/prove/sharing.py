"""Runs the controls that are due: what twins can show for one another once, and the rest test by test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from untilgreen.model.suite import FROM_THE_START, Control, Result, Trial
from untilgreen.prove.control import Batch, plan
from untilgreen.prove.controlling import Bench, Controlled, run_controls
from untilgreen.prove.twins import spread
from untilgreen.settings import SuiteSettings


class Task(NamedTuple):
    """What is to be controlled."""

    results: Sequence[Result]
    """Of all collected tests."""
    settled: Callable[[str, Control], bool]
    """Tells whether a control of a test need not be repeated."""
    hosts: frozenset[str]
    """Of the deployed services."""


def run_due(
    bench: Bench,
    task: Task,
    wanted: SuiteSettings,
    keep: Callable[[Sequence[Trial]], None],
    tell: Callable[[str], None],
) -> tuple[Controlled, ...]:
    """Run what is due.

    Args:
        bench: what controls are run with.
        task: of which tests.
        wanted: the suite's settings.
        keep: takes trials as they come, so that an interrupt costs no more than what was under way.
        tell: takes lines for people.
    """

    def run(settled: Callable[[str, Control], bool], words: str) -> tuple[Controlled, ...]:
        due = plan(task.results, settled, task.hosts, wanted.test_timeout_s)
        if due:
            tell(words.format(_count(due)))
        return run_controls(bench, due, wanted.negative.deadline_s, lambda told: keep(told.trials)) if due else ()

    fresh = (r for r in task.results if not any(task.settled(r.nodeid, control) for control in FROM_THE_START))
    shared = spread(fresh, task.hosts)
    done = run(
        lambda nodeid, control: task.settled(nodeid, control) or shared.leaves(nodeid, control),
        "running {} passed tests against a broken service: each must fail",
    )
    lent, alone = shared.lend(trial for told in done for trial in told.trials)
    keep(lent)
    by_control = (tuple(trial for trial in lent if trial.control is control) for control in Control)
    borrowed = tuple(Controlled(control=trials[0].control, trials=trials) for trials in by_control if trials)
    more = run(
        lambda nodeid, control: (nodeid, control) not in alone,
        "running {} of them under every control, since others of their function passed",
    )
    return (*done, *borrowed, *more)


def _count(due: Iterable[Batch]) -> int:
    return len({nodeid for batch in due for nodeid in batch.nodeids})
