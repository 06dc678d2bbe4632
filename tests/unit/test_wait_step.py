"""Step wait, with a clock that does not wait."""

from __future__ import annotations

from untilgreen.model.delivery import Rollout, Served, ServingStatus
from untilgreen.settings import parse
from untilgreen.testing import BEGINNING, FakeClock, FakeProbe
from untilgreen.wait.step import wait

SETTINGS = parse("""
services:
  auth: {source: a, image: r.test/a}
  backend: {source: b, image: r.test/b, health: {path: ready, consecutive: 3, timeout_s: 10}}
""")


def rollout(**backend: object) -> Rollout:
    """Return a rollout that serves, unless the backend's part is changed."""
    served = [
        Served(service=name, status=ServingStatus.SERVING, url=f"http://{name}.test/", revision=f"{name}-1")
        for name in ("auth", "backend")
    ]
    served[1] = served[1].model_copy(update=backend)
    return Rollout(commit="c", started=BEGINNING, finished=BEGINNING, services=tuple(served))


def test_healthy_when_all_answer() -> None:
    """All services are healthy when each answers 2xx as often in a row as it must."""
    health = wait(SETTINGS, rollout(), FakeProbe(), FakeClock())
    assert health.healthy
    assert [check.url for check in health.checks] == ["http://auth.test/health"] * 2 + ["http://backend.test/ready"] * 3


def test_one_good_answer_is_not_enough() -> None:
    """A bad answer between good ones starts the count again."""
    probe = FakeProbe({"backend": [200, 200, 500, 200, 200, 200]})
    health = wait(SETTINGS, rollout(), probe, FakeClock())
    assert health.healthy
    assert all(check.ok for check in health.checks)


def test_unhealthy_says_which_and_why() -> None:
    """A service that never answers is unhealthy after its own time limit, with its last answer."""
    clock = FakeClock()
    health = wait(SETTINGS, rollout(), FakeProbe({"backend": [None]}), clock)
    assert not health.healthy
    assert "backend: http://backend.test/ready was not healthy within 10 s" in health.reason
    assert "ConnectError" in health.reason
    assert (clock.now() - BEGINNING).total_seconds() < 12


def test_redirects_and_client_errors_are_not_health() -> None:
    """Only 2xx is healthy: not a redirect to a login page, not a 403."""
    for status in (302, 403, 503):
        assert not wait(SETTINGS, rollout(), FakeProbe({"auth": [status]}), FakeClock()).healthy


def test_failed_rollout_is_not_waited_for() -> None:
    """When the rollout does not serve, nothing is asked and its reason is passed on."""
    broken = rollout(
        status=ServingStatus.FAILED, reason="HEALTH_CHECK_CONTAINER_ERROR", message="it never listened\nLogs URL: x"
    )
    clock = FakeClock()
    health = wait(SETTINGS, broken, FakeProbe(), clock)
    assert (health.healthy, health.checks, clock.now()) == (False, (), BEGINNING)
    assert health.reason == "backend failed: HEALTH_CHECK_CONTAINER_ERROR it never listened"


def test_empty_rollout_is_not_healthy() -> None:
    """No services, no health: nothing is never a pass."""
    empty = Rollout(commit="c", started=BEGINNING, finished=BEGINNING, services=())
    assert not wait(SETTINGS, empty, FakeProbe(), FakeClock()).healthy
