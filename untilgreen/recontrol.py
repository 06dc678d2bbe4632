"""Runs the negative controls of a finished cycle, against what still serves of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from untilgreen.controls import control, lines
from untilgreen.errors import EvidenceIncomplete, Unhealthy
from untilgreen.ledger import Ledger
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Rollout, Served
from untilgreen.model.document import Document
from untilgreen.model.suite import Control, Outcome, Result
from untilgreen.ports import Narrator, Services
from untilgreen.prove.control import is_controlled
from untilgreen.prove.hosts import hosts_of
from untilgreen.prove.step import Trials, damning
from untilgreen.wiring import STATE, Workshop, cloud, open_history, read_settings


class Verdicts(Document):
    """What the negative controls say of a cycle's passed tests."""

    passed: int
    controlled: int
    """Passed tests that every control has said something about, now or when their files were the same."""
    vacuous: dict[str, tuple[Control, ...]]
    """Node id -> the controls under which it passes, though it should not."""
    lines: tuple[str, ...]
    """How many failed as they should, a line for each control."""
    notes: tuple[str, ...] = ()


def recontrol(root: Path, ledger: Ledger, number: int, narrator: Narrator, *, anew: bool = False) -> Verdicts:
    """Run what is due of a cycle's passed tests.

    Args:
        root: the repository.
        ledger: of the loop.
        number: of the cycle, which must be the one that is deployed.
        narrator: is told what happens.
        anew: whether what is settled is repeated.

    Raises:
        EvidenceIncomplete: that cycle deployed or tested nothing.
        Unhealthy: something else is deployed by now.
    """
    results, rollout = ledger.results(number), ledger.recall(number, Rollout)
    if rollout is None or not any(result.outcome is Outcome.PASSED for result in results):
        raise EvidenceIncomplete(f"{ledger.folder}: no test passed in cycle {number}, so none can be controlled.")
    history = open_history(root)
    settings = read_settings(history, rollout.commit)
    with cloud(root, settings) as endpoint:
        state = str(root / STATE)
        run = Run(
            loop=ledger.loop_id, cycle=number, commit=rollout.commit, root=str(root), state=state, endpoint=endpoint
        )
        shop = Workshop(run, settings)
        urls = {served.service: _url(served, shop.services) for served in rollout.services}
        trials = control(shop, rollout, results, lambda text: narrator.say("prove", text), moved=urls, anew=anew)
    return verdicts(results, trials, hosts_of(served.url for served in rollout.services))


def verdicts(results: Sequence[Result], trials: Trials, hosts: frozenset[str]) -> Verdicts:
    """Judge each passed test by its trials alone."""
    passed = [result for result in results if result.outcome is Outcome.PASSED]
    found = {result.nodeid: damning(result, hosts, trials) for result in passed}
    return Verdicts(
        passed=len(passed),
        controlled=sum(is_controlled(trials.of.get(result.nodeid, ())) for result in passed),
        vacuous={nodeid: controls for nodeid, controls in found.items() if controls},
        lines=tuple(lines(trial for told in trials.of.values() for trial in told)),
        notes=trials.notes,
    )


def _url(served: Served, services: Services) -> str:
    """Return where it serves today: an emulator that was started again may have other ports."""
    now = services.get(served.service)
    serves = {traffic.revision or now.latest_ready for traffic in now.traffic if traffic.percent} if now else set()
    if now is None or serves != {served.revision}:
        others = ", ".join(sorted(serves)) or "nobody"
        raise Unhealthy(
            f"{served.service}: {others} serves, not {served.revision}. "
            f"Only what is deployed can be controlled: `untilgreen run` begins a new loop."
        )
    return now.url
