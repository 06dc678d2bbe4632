"""The negative control: each passed test is run again while its services are broken on purpose, and must fail.

What fixtures ask is still answered by the service itself, so that the test's own body is what is controlled. A test
whose fixtures ask everything is run with everything broken, and one that logs in by itself once more, with only what
follows broken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from untilgreen.deploy.wanted import fill
from untilgreen.model.document import Document
from untilgreen.model.suite import FROM_THE_START, Attempt, Control, Exchange, Outcome, Result, Trial
from untilgreen.ports import SuiteOrder, SuiteOutput
from untilgreen.prove.hosts import exchanges_with, hosts_of
from untilgreen.prove.prelude import prelude

SHORTEST_S, SLOWER = 8.0, 3.0
"""A test that waits for what never comes is ended after three times its real time, but never before eight seconds."""
BODILESS = frozenset({204, 205, 304})
"""Statuses whose answers have no body: an empty 200 says as much."""


class Batch(Document):
    """Tests that are run together under one control."""

    control: Control
    entirely: bool
    """Whether fixtures meet the broken service, too."""
    nodeids: tuple[str, ...]
    test_timeout_s: float
    spared: dict[str, int] = {}
    """Node id -> how many of its own first calls are not broken."""

    @property
    def name(self) -> str:
        """Return what its folder is called."""
        kind = "-entirely" if self.entirely else ""
        slow = "-slow" if self.test_timeout_s > SHORTEST_S else ""
        return f"control-{self.control}{kind}{slow}"


def plan(
    results: Iterable[Result], settled: Callable[[str, Control], bool], hosts: frozenset[str], longest_s: float
) -> tuple[Batch, ...]:
    """Say which passed tests are due under which control.

    Args:
        results: of the cycle; only what passed and had an exchange with a deployed service can be controlled.
        settled: tells whether a control of a test need not be repeated.
        hosts: of the deployed services.
        longest_s: the time-out of a test.
    """
    batches: dict[tuple[Control, bool, bool], list[Result]] = defaultdict(list)
    for result in results:
        exchanges = asked(result, hosts)
        for control in controls_of(result, exchanges) if exchanges else ():
            if not settled(result.nodeid, control):
                batches[control, not own(exchanges), _bound(result) > SHORTEST_S].append(result)
    return tuple(
        Batch(
            control=control,
            entirely=entirely,
            nodeids=tuple(result.nodeid for result in due),
            test_timeout_s=min(longest_s, max(map(_bound, due))),
            spared={} if control in FROM_THE_START else {r.nodeid: prelude(r, asked(r, hosts)) for r in due},
        )
        for (control, entirely, _), due in sorted(batches.items())
    )


def order(base: SuiteOrder, batch: Batch, env: Mapping[str, str], stand_ins: Mapping[str, str]) -> SuiteOrder:
    """Return the order for a batch: the same tests, in the same way, against the stand-ins.

    Args:
        base: how the suite itself is run.
        batch: what is run.
        env: the settings' own, with `{name.url}` still in it.
        stand_ins: service -> URL of what stands in for it.
    """
    changes = {
        "run_id": f"{base.run_id}/{batch.name}",
        "args": (*base.args, "--tb=no", "-rN"),
        "brief": True,  # a failure is what should happen
        "env": base.env | fill(dict(env), dict(stand_ins)),
        "hosts": tuple(sorted(hosts_of(stand_ins.values()))),
        "folder": str(Path(base.folder, batch.name)),
        "test_timeout_s": batch.test_timeout_s,
        "only": batch.nodeids,
        "spared": batch.spared,
    }
    return base.model_copy(update=changes)


def redirects(env: Mapping[str, str], services: Mapping[str, str]) -> bool:
    """Tell whether the tests learn from their environment where the services are; else nothing can stand in."""
    return fill(dict(env), dict(services)) != fill(dict(env), dict.fromkeys(services, ""))


def trials_of(
    output: SuiteOutput, batch: Batch, stand_ins: Mapping[str, str], services: Mapping[str, str]
) -> tuple[Trial, ...]:
    """Return how each test of a batch ended; one that was not run has none."""
    broken, real = hosts_of(stand_ins.values()), hosts_of(services.values())
    ended = {nodeid: attempt for nodeid, attempt in output.attempts.items() if nodeid in set(batch.nodeids)}
    told = [
        Trial(
            nodeid=nodeid,
            control=batch.control,
            outcome=attempt.outcome,
            reached=_reached(attempt, broken, real, batch.spared.get(nodeid, 0), entirely=batch.entirely),
        )
        for nodeid, attempt in ended.items()
    ]
    lost = [
        Trial(nodeid=nodeid, control=batch.control, outcome=Outcome.LOST, reached=False)
        for nodeid in batch.nodeids
        if nodeid in output.lost
    ]
    return (*told, *lost)


def telling(result: Result, trials: Sequence[Trial], hosts: frozenset[str], status_only: Sequence[str]) -> list[Trial]:
    """Return those trials that may be held against a test.

    Args:
        result: how it really ended.
        trials: its own.
        hosts: of the deployed services.
        status_only: patterns of tests that may be content with a status.
    """
    answers = asked(result, hosts)
    mine, excused = own(answers) or answers, any(fnmatchcase(result.nodeid, pattern) for pattern in status_only)
    spared = prelude(result, answers)
    asks = {Control.EMPTY: mine, Control.LATER_EMPTY: mine[spared:]}
    content = {control for control, broken in asks.items() if excused or not any(map(_has_body, broken))}
    met = [trial for trial in trials if trial.reached and (spared or trial.control in FROM_THE_START)]
    return [trial for trial in met if not (trial.control in content and trial.outcome is Outcome.PASSED)]


def asked(result: Result, hosts: frozenset[str]) -> tuple[Exchange, ...]:
    """Return a passed test's exchanges with deployed services; nothing for any other."""
    sighting = result.last.sighting if result.outcome is Outcome.PASSED and result.last else None
    return exchanges_with(sighting.exchanges, hosts) if sighting else ()


def own(exchanges: Iterable[Exchange]) -> tuple[Exchange, ...]:
    """Return those of the test itself, without its fixtures'."""
    return tuple(exchange for exchange in exchanges if exchange.phase == "call")


def failed_as_it_should(trial: Trial) -> bool:
    """Tell whether a test noticed. One whose fixtures failed before it met anything broken did not."""
    return trial.outcome.bad and trial.reached


def is_controlled(trials: Sequence[Trial]) -> bool:
    """Tell whether every control has said something about a test."""
    return {trial.control for trial in trials if trial.reached} >= set(FROM_THE_START)


def controls_of(result: Result, exchanges: tuple[Exchange, ...]) -> tuple[Control, ...]:
    """Return the controls that a test must fail under."""
    later = (Control.LATER_ERROR, Control.LATER_EMPTY) if prelude(result, exchanges) else ()
    return (*FROM_THE_START, *later)


def _bound(result: Result) -> float:
    return max(SHORTEST_S, SLOWER * result.last.duration_s if result.last else 0)


def _reached(attempt: Attempt, broken: frozenset[str], real: frozenset[str], spared: int, *, entirely: bool) -> bool:
    """Tell whether it met what is broken where it counts, and did not go round it."""
    if attempt.sighting is None:  # its process died or was ended before it met anything: a busy machine does that, too
        return False
    exchanges = attempt.sighting.exchanges
    met = exchanges_with(exchanges, broken)
    return len(met if entirely else own(met)) > spared and not exchanges_with(exchanges, real)


def _has_body(exchange: Exchange) -> bool:
    """Tell whether an answer could have had anything in it; what is no success is not held against a test anyway."""
    return exchange.method != "HEAD" and exchange.status not in BODILESS
