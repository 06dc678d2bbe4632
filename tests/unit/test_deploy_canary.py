"""The strategy canary: no traffic before it is well."""

from __future__ import annotations

import pytest

from untilgreen.deploy.step import deploy
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Image, Images, Rollout, ServingStatus
from untilgreen.settings import parse
from untilgreen.testing import FakeClock, FakeProbe, FakeSecrets, FakeServices

SETTINGS = parse("""
services:
  app: {source: a, image: r.test/a, strategy: canary, smoke: [/buy, /sell], health: {timeout_s: 5}}
""")


def rolled_out(services: FakeServices, probe: FakeProbe, cycle: int) -> Rollout:
    """Deploy one cycle."""
    digest = f"{cycle:064d}"
    image = Image(
        service="app",
        reference=f"r.test/a@sha256:{digest}",
        digest=f"sha256:{digest}",
        commit="c" * 40,
        files=(),
    )
    run = Run(loop="l", cycle=cycle, commit="c" * 40, root="", state="")
    images = Images(commit="c" * 40, images=(image,))
    return deploy(run, SETTINGS, images, services, FakeSecrets(), probe=probe, clock=FakeClock())


@pytest.fixture
def services() -> FakeServices:
    """Return a cloud in which the first revision serves."""
    made = FakeServices()
    assert rolled_out(made, FakeProbe({"app": [None]}), 1).serving, "there is nobody to compare a first revision with"
    return made


def test_a_canary_that_is_well_gets_all_the_traffic(services: FakeServices) -> None:
    """A canary whose paths all answer well gets the traffic, and nothing stays pinned or tagged."""
    rollout = rolled_out(services, FakeProbe(), 2)
    assert rollout.serving
    state = services.get("app")
    assert state
    assert [(t.revision, t.percent, t.latest, t.tag) for t in state.traffic] == [
        (rollout.of("app").revision, 100, True, "")
    ]


@pytest.mark.parametrize(("bad", "told"), [("app /health", "/health"), ("app /buy", "/buy"), ("app /sell", "/sell")])
def test_a_canary_that_is_not_well_gets_none(services: FakeServices, bad: str, told: str) -> None:
    """A canary that is not healthy or fails a smoke test keeps 0 %, and who served before still serves."""
    before = services.get("app")
    assert before
    served = rolled_out(services, FakeProbe({bad: [500]}), 2).of("app")
    assert (served.status, served.reason) == (ServingStatus.FAILED, "CANARY_FAILED")
    assert told in served.message
    assert served.serving_revision == before.latest_ready
    state = services.get("app")
    assert state
    assert [(t.revision, t.percent, t.tag) for t in state.traffic] == [
        (before.latest_ready, 100, ""),
        (served.revision, 0, "candidate"),
    ]


def test_after_a_failed_canary_the_next_one_gets_its_chance(services: FakeServices) -> None:
    """What a failed canary left behind does not keep a good one from the traffic."""
    rolled_out(services, FakeProbe({"app": [500]}), 2)
    rollout = rolled_out(services, FakeProbe(), 3)
    assert rollout.serving
    assert rollout.of("app").serving_revision == rollout.of("app").revision


def test_a_canary_that_does_not_start_is_told_by_the_platform(services: FakeServices) -> None:
    """A canary that never becomes ready fails with the platform's own reason."""
    services.failing = {"app": ("HEALTH_CHECK_CONTAINER_ERROR", "it never listened")}
    served = rolled_out(services, FakeProbe(), 2).of("app")
    assert (served.status, served.reason) == (ServingStatus.FAILED, "HEALTH_CHECK_CONTAINER_ERROR")


def test_a_canary_needs_a_probe(services: FakeServices) -> None:
    """Without anybody to ask it, a canary is a mistake of the caller."""
    run = Run(loop="l", cycle=2, commit="c" * 40, root="", state="")
    image = Image(service="app", reference="r@sha256:2", digest="sha256:2", commit="c" * 40, files=())
    with pytest.raises(ValueError, match="needs a probe"):
        deploy(run, SETTINGS, Images(commit="c" * 40, images=(image,)), services, FakeSecrets())
