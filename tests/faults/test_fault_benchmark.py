"""The fault benchmark itself: every fault is really injected, breaks what it must break, and is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from benchmarks.faults.catalogue import FAULTS
from benchmarks.faults.judge import FaultJudged, judge
from benchmarks.faults.outcome import Outcome, read
from benchmarks.faults.place import Place, place
from benchmarks.faults.table import lines
from benchmarks.faults.truth import verbatim
from untilgreen.model.analysis import Decision
from untilgreen.triage.step import AUTHOR

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Seen:
    """What is left of a fault once its bundle is closed: the judgement, and quotes that stand nowhere."""

    judged: FaultJudged
    invented: list[str]


Inject = Callable[[str], Seen]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Give all faults one place, which was proven green once."""
    with place(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture(scope="module")
def inject(here: Place, tmp_path_factory: pytest.TempPathFactory) -> Inject:
    """Return a function that lets a fault happen, once."""
    known: dict[str, Seen] = {}

    def injected(name: str) -> Seen:
        if name not in known:
            kept = tmp_path_factory.mktemp("kept")
            here.inject(FAULTS[name], kept)
            outcome = read(kept, FAULTS[name])
            known[name] = Seen(judge(outcome), invented(outcome))
        return known[name]

    return injected


@pytest.fixture(params=FAULTS)
def seen(request: pytest.FixtureRequest, inject: Inject) -> Seen:
    """Let a fault happen, one after another."""
    return inject(request.param)


def invented(outcome: Outcome) -> list[str]:
    """Return what the built-in analyst cites and nobody can look up."""
    whys = [why for analysis in outcome.triage.analyses if analysis.author == AUTHOR for why in analysis.whys]
    return [c.quote for why in whys for c in why.citations if not verbatim(c, outcome.bundle)]


def test_it_breaks_what_it_must(seen: Seen) -> None:
    """A fault breaks the tests that it is said to break, and no other."""
    assert seen.judged.surprises == []


def test_every_quote_is_there(seen: Seen) -> None:
    """Whatever the built-in analyst cites exists and says what is quoted."""
    assert seen.invented == []


def test_false_analyses_are_rejected(seen: Seen) -> None:
    """What somebody else claims against the evidence is rejected, and what is true is not."""
    assert all((decision is not Decision.REJECTED) == true for true, decision in seen.judged.planted)


def test_nobody_is_blamed_for_chance(seen: Seen) -> None:
    """Where nothing in the repository is wrong, nothing in it is blamed."""
    assert all(seen.judged.abstained)


def test_history_is_told(seen: Seen) -> None:
    """A half-mended cause is improved or persistent, a hidden one is revealed: neither is new."""
    assert all(seen.judged.states.values())


def test_targets_are_met(inject: Inject) -> None:
    """Over all faults every figure reaches its target."""
    missed = [line for line in lines([inject(name).judged for name in FAULTS]) if not line.met]
    assert missed == []
