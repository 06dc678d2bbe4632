"""What a rollback goes back to, as the ledger has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.rollback import proven_good
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, Rollback, Rollout, Served, ServingStatus
from untilgreen.settings import parse
from untilgreen.testing import BEGINNING
from untilgreen.wiring import Workshop

SETTINGS = parse("services: {app: {source: a, image: r.test/a}}")


def shop(state: Path, cycle: int) -> Workshop:
    """Return the workshop of a cycle."""
    run = Run(loop="l", cycle=cycle, commit="c", root=str(state), state=str(state))
    return Workshop(run, SETTINGS)


def keep(state: Path, cycle: int, status: ServingStatus, back: str = "", *, healthy: bool = True) -> None:
    """Write down how a cycle went."""
    ledger = shop(state, cycle).ledger
    served = Served(service="app", status=status, revision=f"app-{cycle}")
    rollout = Rollout(commit="c", started=BEGINNING, finished=BEGINNING, services=(served,))
    ledger.open_cycle(cycle, "c")
    ledger.once(cycle, "deploy", (), lambda: rollout)
    ledger.once(cycle, "wait", (), lambda: Health(healthy=healthy, checks=()))
    if back:
        ledger.once(cycle, "rollback", (), lambda: Rollback(reason=back))


@pytest.mark.parametrize(
    ("status", "healthy", "back"),
    [
        (ServingStatus.FAILED, True, ""),
        (ServingStatus.SERVING, False, ""),
        (ServingStatus.SERVING, True, "worse"),
    ],
)
def test_only_what_was_good_is_gone_back_to(tmp_path: Path, status: ServingStatus, healthy: bool, back: str) -> None:
    """A rollout that failed, was sick, or was taken back is no way back; the newest good one before it is."""
    keep(tmp_path, 1, ServingStatus.SERVING)
    keep(tmp_path, 2, ServingStatus.SERVING)
    keep(tmp_path, 3, status, back, healthy=healthy)
    found = proven_good(shop(tmp_path, 4))
    assert found
    assert found.of("app").revision == "app-2"


def test_nothing_good_yet(tmp_path: Path) -> None:
    """In the first cycle nothing was proven good; whatever served before is all there is."""
    assert proven_good(shop(tmp_path, 1)) is None
