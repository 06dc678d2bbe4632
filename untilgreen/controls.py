"""Runs the negative controls of a cycle, for its step prove and for the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from untilgreen.model.delivery import Rollout
from untilgreen.model.suite import FROM_THE_START, Control, Outcome, Result, Trial
from untilgreen.ports import SuiteOrder
from untilgreen.prove.control import failed_as_it_should, redirects
from untilgreen.prove.controlling import Bench
from untilgreen.prove.digests import digests
from untilgreen.prove.hosts import hosts_of
from untilgreen.prove.memory import FILE, Memory
from untilgreen.prove.sharing import Task, run_due
from untilgreen.prove.step import Trials
from untilgreen.suite.ordering import suite_order
from untilgreen.wiring import Workshop

Tell = Callable[[str], None]

NOTHING_TO_TURN = (
    "no test was controlled: suite.env names no service's URL, so nothing could stand in for a service. "
    'Give the tests their URLs there, for example `API_URL: "{api.url}"`'
)
_WORDS = {
    Control.ERROR: "errors (500)",
    Control.EMPTY: "empty answers (200)",
    Control.SILENCE: "silence",
    Control.LATER_ERROR: "errors after the first calls",
    Control.LATER_EMPTY: "empty answers after the first calls",
}


def control(
    shop: Workshop,
    rollout: Rollout,
    results: Sequence[Result],
    tell: Tell,
    *,
    moved: Mapping[str, str] | None = None,
    anew: bool = False,
) -> Trials:
    """Run what is due, remember it, and return all that is known of passed tests.

    Args:
        shop: of the cycle whose tests these are.
        rollout: where their services served.
        results: of all collected tests.
        tell: takes lines for people.
        moved: service -> URL under which it serves now, if that may be another one.
        anew: whether what is settled is repeated.
    """
    wanted = shop.settings.suite
    served = {served.service: served.url for served in rollout.services if served.url}
    services = served | dict(moved or {})
    memory, known = Memory(Path(shop.run.state, FILE), shop.run.loop), _digests(shop, results)
    notes: tuple[str, ...] = ()
    if redirects(wanted.env, services):
        bench = Bench(shop.suite, shop.stand_ins, order(shop, services), wanted.env, services)
        task = Task(results, lambda n, c: not anew and memory.settled(n, known[n], c), hosts_of(served.values()))
        done = run_due(bench, task, wanted, lambda trials: memory.keep(trials, known), tell)
        notes = tuple(note for told in done for note in told.notes)
        for line in (*lines(trial for told in done for trial in told.trials), *notes):
            tell(line)
    elif _passed(results):
        notes = (NOTHING_TO_TURN,)
        tell(NOTHING_TO_TURN)
    trials = {result.nodeid: memory.trials(result.nodeid, known[result.nodeid]) for result in _passed(results)}
    return Trials(of=trials, status_only=wanted.negative.status_only, notes=notes)


def lines(trials: Iterable[Trial]) -> Iterator[str]:
    """Say in a line each how many tests failed under a control as they should."""
    trials = list(trials)
    for which in Control:
        told = [trial for trial in trials if trial.control is which]
        failed = sum(map(failed_as_it_should, told))
        passed = sum(trial.outcome is Outcome.PASSED and trial.reached for trial in told)
        others = len(told) - failed - passed
        lent = sum(bool(trial.twin) for trial in told)
        wrong = f", {passed} passed all the same" if passed else ""
        mute = f", {others} said nothing" if others else ""
        twins = f"; {lent} of them by what others of their function show" if lent else ""
        if told:
            yield f"{len(told)} tests against {_WORDS[which]}: {failed} failed as they should{wrong}{mute}{twins}"


def order(shop: Workshop, services: dict[str, str]) -> SuiteOrder:
    """Say how the suite is run; where its services are is filled in for each control."""
    wanted = shop.settings.suite
    changes = {
        "workers": -(-wanted.workers // len(FROM_THE_START)),  # side by side they are as many as the suite had
        "env": _past_proxies(),
        "deadline_s": wanted.negative.deadline_s,
    }
    return suite_order(wanted, shop.run, services, shop.folder).model_copy(update=changes)


def _past_proxies() -> dict[str, str]:
    """Let clients that obey a proxy reach what stands in for a service, which is on this machine."""
    return {name: ",".join(filter(None, [os.environ.get(name, ""), "127.0.0.1"])) for name in ("NO_PROXY", "no_proxy")}


def _export(shop: Workshop) -> None:
    """Write the tested commit where the suite had it, unless it is there still."""
    if not (shop.folder / "checkout").is_dir():
        shop.history.export(shop.run.commit, shop.folder / "checkout")


def _digests(shop: Workshop, results: Sequence[Result]) -> dict[str, str]:
    _export(shop)
    root = (shop.folder / "checkout").resolve()
    return digests((result.nodeid for result in results), root, root / shop.settings.suite.path)


def _passed(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.outcome is Outcome.PASSED]
