"""Going back to what was good."""

from __future__ import annotations

import pytest

from untilgreen.deploy.rollback import reason_to_go_back, roll_back
from untilgreen.deploy.step import deploy
from untilgreen.model.analysis import Comparison
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Health, Image, Images, Rollout, ServingStatus
from untilgreen.settings import RollbackSettings, Settings, parse
from untilgreen.testing import BEGINNING, FakeSecrets, FakeServices

TEXT = """
services:
  auth: {source: a, image: r.test/a}
  backend: {source: b, image: r.test/b, depends_on: [auth]}
"""
SETTINGS = parse(TEXT)


def rolled_out(
    services: FakeServices, cycle: int, settings: Settings = SETTINGS, good: Rollout | None = None
) -> Rollout:
    """Deploy one cycle."""
    digest = f"{cycle:064d}"
    made = (
        Image(service=s, reference=f"{w.image}@sha256:{digest}", digest=f"sha256:{digest}", commit="c" * 40, files=())
        for s, w in settings.services.items()
    )
    run = Run(loop="l", cycle=cycle, commit="c" * 40, root="", state="")
    return deploy(run, settings, Images(commit="c" * 40, images=tuple(made)), services, FakeSecrets(), good=good)


def serving(services: FakeServices) -> dict[str, str]:
    """Return who has the traffic."""
    found = {name: services.get(name) for name in SETTINGS.services}
    return {name: state.traffic[0].revision for name, state in found.items() if state}


def test_all_or_nothing() -> None:
    """When one service fails, those that had moved already go back, and the report says all of it."""
    services = FakeServices()
    first = rolled_out(services, 1)
    services.failing = {"backend": ("X", "y")}
    second = rolled_out(services, 2)
    auth = second.of("auth")
    assert (auth.status, auth.serving_revision) == (ServingStatus.ROLLED_BACK, first.of("auth").revision)
    assert auth.revision.startswith("auth-l-c2-"), "the revision that was tried stays on record"
    (back,) = second.rolled_back
    assert (back.verified, back.reason) == (True, "backend failed")
    assert second.of("backend").status is ServingStatus.FAILED
    assert serving(services) == {s.service: s.revision for s in first.services}


def test_settings_can_leave_it() -> None:
    """Without `rollback.on_failure` what has moved stays."""
    services, settings = FakeServices(), parse(TEXT + "rollback: {on_failure: false}")
    rolled_out(services, 1, settings)
    services.failing = {"backend": ("X", "y")}
    second = rolled_out(services, 2, settings)
    assert second.of("auth").status is ServingStatus.SERVING
    assert second.rolled_back == ()


def test_back_to_what_was_proven_good() -> None:
    """A rollout that was proven good is preferred to whatever served just before."""
    services = FakeServices()
    good, _ = rolled_out(services, 1), rolled_out(services, 2)
    third = rolled_out(services, 3)
    back = roll_back(third, services, "worse", good)
    assert [b.to_revision for b in back.services] == [s.revision for s in good.services]
    assert all(b.verified for b in back.services)
    assert serving(services) == {s.service: s.revision for s in good.services}


def test_going_back_can_be_repeated() -> None:
    """The same call again changes nothing and says the same."""
    services = FakeServices()
    rolled_out(services, 1)
    second = rolled_out(services, 2)
    assert roll_back(second, services, "r") == roll_back(second, services, "r")


def test_a_revision_that_was_never_ready_is_no_way_back() -> None:
    """Nobody is sent to a revision that cannot serve; it is said that nothing was done."""
    services = FakeServices()
    second = rolled_out(services, 2)
    gone = tuple(s.model_copy(update={"previous_revision": "gone"}) for s in second.services)
    back = roll_back(second.model_copy(update={"services": gone}), services, "r")
    assert [(b.verified, b.serving_revision == b.from_revision) for b in back.services] == [(False, True)] * 2
    assert "never ready" in back.services[0].message
    assert services.routed == []


def test_no_reason_does_nothing() -> None:
    """Without a reason nothing moves."""
    services = FakeServices()
    rolled_out(services, 1)
    back = roll_back(rolled_out(services, 2), services, "")
    assert (back.services, services.routed) == ((), [])


def test_after_going_back_the_next_rollout_undoes_the_pin() -> None:
    """Going back pins the traffic; the next rollout takes all of it again, and says so."""
    services = FakeServices()
    rolled_out(services, 1)
    roll_back(rolled_out(services, 2), services, "r")
    third = rolled_out(services, 3)
    assert third.serving
    assert "traffic is pinned" in third.notes[0]


@pytest.mark.parametrize(
    ("before", "now", "asked", "worse"),
    [(0.9, 0.8, True, True), (0.9, 0.8, False, False), (0.8, 0.9, True, False), (0.9, None, True, False)],
)
def test_worse_is_fewer_passes(before: float, now: float | None, asked: bool, worse: bool) -> None:
    """Only an observed fall of the pass rate is worse, and only if the settings ask for it."""
    compared = Comparison(against=1, changes=(), pass_rate_before=before, pass_rate=now)
    rollout = Rollout(commit="c", started=BEGINNING, finished=BEGINNING, services=())
    wanted = RollbackSettings(when_worse=asked)
    assert bool(reason_to_go_back(wanted, rollout, None, compared)) == worse


def test_sick_services_go_back() -> None:
    """A rollout that serves and is not healthy goes back; a failed one has gone back already."""
    services = FakeServices()
    sick = Health(healthy=False, checks=(), reason="backend: 503")
    good = rolled_out(services, 1)
    assert reason_to_go_back(RollbackSettings(), good, sick) == "not healthy: backend: 503"
    assert reason_to_go_back(RollbackSettings(on_failure=False), good, sick) == ""
    services.failing = {"auth": ("X", "y")}
    assert reason_to_go_back(RollbackSettings(), rolled_out(services, 2), sick) == ""
