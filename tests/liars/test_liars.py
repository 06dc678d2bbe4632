"""A set of liars and a set of honest tests, run by the real runner and controlled by the real control."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.contract.pytest_suite_orders import Remembering, order
from tests.liars.deployed import REVISION, SERVICE, Deployed, deployed
from untilgreen.adapters.breaking_proxy import BreakingProxy
from untilgreen.adapters.pytest_suite import PytestSuite
from untilgreen.model.suite import Outcome, Proof, Reality, Result
from untilgreen.ports import SuiteOrder
from untilgreen.prove.controlling import Bench
from untilgreen.prove.hosts import hosts_of
from untilgreen.prove.sharing import Task, run_due
from untilgreen.prove.step import NO_TRIALS, Trials, prove
from untilgreen.settings import SuiteSettings

pytestmark = pytest.mark.slow  # the suite runs once as it is and once under each control
SUITE = Path(__file__).parent / "e2e"
FLAGGED_SHARE = 0.95


def suite_order(folder: Path, service: Deployed) -> SuiteOrder:
    """Return the order for the whole suite."""
    shutil.copytree(SUITE, folder / "checkout" / "e2e")
    wanted = order(folder, {}, env={"URL": service.url}, hosts=(service.host,), workers=4)
    return wanted.model_copy(update={"args": ("-p", "anyio"), "test_timeout_s": 10})


def proofs_of(folder: Path, service: Deployed) -> dict[str, tuple[Proof, Proof]]:
    """Run everything and return, for each test, its proof without and with the negative controls."""
    suite, base = PytestSuite(), suite_order(folder, service)
    output = suite.run(base, Remembering())
    rows = list(service.rows)  # those of the controls are of another run
    results = [Result(nodeid=n, outcome=a.outcome, attempts=(a,)) for n, a in output.attempts.items()]
    assert {result.nodeid: result.outcome for result in results if result.outcome is not Outcome.PASSED} == {}
    hosts = hosts_of([service.url])
    bench = Bench(suite, BreakingProxy(), base, {"URL": f"{{{SERVICE}.url}}"}, {SERVICE: service.url})
    task = Task(results, lambda *_: False, hosts)
    wanted = SuiteSettings(test_timeout_s=base.test_timeout_s)
    done = run_due(bench, task, wanted, lambda _: None, lambda _: None)
    told = [trial for controlled in done for trial in controlled.trials]
    trials = Trials(of={r.nodeid: tuple(t for t in told if t.nodeid == r.nodeid) for r in results})
    alone, both = (
        prove(results, rows, {SERVICE: REVISION}, log_complete=True, hosts=hosts, trials=known)
        for known in (NO_TRIALS, trials)
    )
    return {first.nodeid: (first, second) for first, second in zip(alone, both, strict=True)}


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Proof, Proof]]:
    """Prove every test once."""
    with deployed() as service:
        return proofs_of(tmp_path_factory.mktemp("liars"), service)


def table(proofs: dict[str, tuple[Proof, Proof]]) -> str:
    """Return a line a test: what it is worth without and with control, and why."""
    lines = [f"{nodeid:100} {a.reality:9} {b.reality:9} {'; '.join(b.doubts)}" for nodeid, (a, b) in proofs.items()]
    return "\n".join(["", *sorted(lines)])


def chosen(proofs: dict[str, tuple[Proof, Proof]], kind: str) -> dict[str, tuple[Proof, Proof]]:
    """Return the proofs of one kind of test."""
    return {nodeid: both for nodeid, both in proofs.items() if f"/test_{kind}" in nodeid}


def test_liars_are_flagged(proofs: dict[str, tuple[Proof, Proof]]) -> None:
    """At least 95 % of at least 25 kinds of lies are flagged by the positive proof and the negative control."""
    liars = chosen(proofs, "lies")
    assert len(liars) >= 25
    believed = [nodeid for nodeid, (_, proof) in liars.items() if proof.reality is Reality.REAL]
    assert len(believed) <= len(liars) * (1 - FLAGGED_SHARE), table(liars)


def test_honest_tests_are_believed(proofs: dict[str, tuple[Proof, Proof]]) -> None:
    """No honest test is accused of anything once it has been controlled."""
    honest = chosen(proofs, "truths")
    assert len(honest) >= 15
    assert [nodeid for nodeid, (_, proof) in honest.items() if proof.reality is not Reality.REAL] == [], table(honest)


def test_without_a_control_only_refusals_and_silent_checks_are_doubted(
    proofs: dict[str, tuple[Proof, Proof]],
) -> None:
    """Before its control an honest test is doubted for one of two reasons, and the reason is shown."""
    honest = chosen(proofs, "truths")
    reasons = {doubt for alone, _ in honest.values() for doubt in alone.doubts}
    known = ("every answer was a refusal", "no assertion about anything")
    assert {reason for reason in reasons if not reason.startswith(known)} == set(), table(honest)


def test_whoever_is_doubted_is_told_why(proofs: dict[str, tuple[Proof, Proof]]) -> None:
    """What a test is worth never comes without a reason."""
    assert all((proof.reality is Reality.REAL) == (not proof.doubts) for both in proofs.values() for proof in both)
