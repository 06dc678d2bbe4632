"""Step wait, with a clock that does not wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from untilgreen.model.delivery import Health, Rollout, Served, ServingStatus
from untilgreen.settings import Settings, parse
from untilgreen.testing import BEGINNING, FakeClock, FakeLogs, FakeProbe
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


def waited(
    served: Rollout | None = None,
    statuses: Mapping[str, Iterable[int | None]] | None = None,
    answering: Mapping[str, str] | None = None,
    *,
    log: FakeLogs | None = None,
    clock: FakeClock | None = None,
    settings: Settings = SETTINGS,
) -> Health:
    """Wait with fakes; the log sees every probe unless another one is given."""
    clock, seen = clock or FakeClock(), FakeLogs()
    probe = FakeProbe(statuses, clock, seen, answering)
    return wait(settings, served or rollout(), probe, seen if log is None else log, clock)


def test_healthy_when_all_answer() -> None:
    """All services are healthy when each answers 2xx as often in a row as it must."""
    health = waited()
    assert health.healthy
    assert [check.url for check in health.checks] == ["http://auth.test/health"] * 2 + ["http://backend.test/ready"] * 3


def test_one_good_answer_is_not_enough() -> None:
    """A bad answer between good ones starts the count again."""
    health = waited(statuses={"backend": [200, 200, 500, 200, 200, 200]})
    assert health.healthy
    assert all(check.ok for check in health.checks)


def test_unhealthy_says_which_and_why() -> None:
    """A service that never answers is unhealthy after its own time limit, with its last answer."""
    clock = FakeClock()
    health = waited(statuses={"backend": [None]}, clock=clock)
    assert not health.healthy
    assert "backend: http://backend.test/ready was not healthy within 10 s" in health.reason
    assert "ConnectError" in health.reason
    assert (clock.now() - BEGINNING).total_seconds() < 12


def test_redirects_and_client_errors_are_not_health() -> None:
    """Only 2xx is healthy: not a redirect to a login page, not a 403."""
    for status in (302, 403, 503):
        assert not waited(statuses={"auth": [status]}).healthy


def test_failed_rollout_is_not_waited_for() -> None:
    """When the rollout does not serve, nothing is asked and its reason is passed on."""
    broken = rollout(
        status=ServingStatus.FAILED, reason="HEALTH_CHECK_CONTAINER_ERROR", message="it never listened\nLogs URL: x"
    )
    clock = FakeClock()
    health = waited(broken, clock=clock)
    assert (health.healthy, health.checks, clock.now()) == (False, (), BEGINNING)
    assert health.reason == "backend failed: HEALTH_CHECK_CONTAINER_ERROR it never listened"


def test_empty_rollout_is_not_healthy() -> None:
    """No services, no health: nothing is never a pass."""
    empty = Rollout(commit="c", started=BEGINNING, finished=BEGINNING, services=())
    assert not waited(empty).healthy


def test_last_words_are_in_the_reason() -> None:
    """A container's exit code and last line stand beside the platform's words."""
    broken = rollout(
        status=ServingStatus.FAILED, reason="R", message="m", last_words=("a", "KeyError: 'x'"), exit_code=3
    )
    assert waited(broken).reason == "backend failed: R m It ended with exit code 3. Its last line: KeyError: 'x'"


def test_identity_is_proven_by_the_request_log() -> None:
    """Each service's probe is found in the request log under its trace, with the revision that was deployed."""
    health = waited()
    assert [(i.service, i.answered, i.proven) for i in health.identities] == [
        ("auth", "auth-1", True),
        ("backend", "backend-1", True),
    ]


def test_another_revision_that_answers_is_not_healthy() -> None:
    """When the log shows that an old revision answered, its 200 does not count."""
    health = waited(answering={"backend": "backend-0"})
    assert not health.healthy
    assert "OTHER_REVISION_ANSWERS: backend-0 answered the health check, backend-1 was deployed" in health.reason


def test_unknown_identity_is_not_healthy() -> None:
    """A probe that the request log does not show proves nothing, and the reason says so."""
    health = waited(log=FakeLogs())
    assert not health.healthy
    assert "auth: IDENTITY_UNPROVEN" in health.reason


def test_incomplete_revision_name_proves_nothing() -> None:
    """A rollout that names no revision is never proven, whatever answers."""
    assert "IDENTITY" in waited(rollout(revision="")).reason or "OTHER_REVISION" in waited(rollout(revision="")).reason


READY = parse("""
services:
  backend: {source: b, image: r.test/b, health: {path: /health, ready: /ready, timeout_s: 3}}
""")


def test_health_and_readiness_are_apart() -> None:
    """A service that is alive and not ready is not tested; both answers are kept, each with its timing."""
    alone = rollout().model_copy(update={"services": rollout().services[1:]})
    health = waited(alone, {"backend /ready": [None]}, settings=READY)
    assert not health.healthy
    assert "backend: http://backend.test/ready was not ready within 3 s" in health.reason
    assert "its health answers 200 after 0.00 s" in health.reason
    assert {(c.kind, c.ok) for c in health.checks} == {("health", True), ("ready", False)}
    assert waited(alone, settings=READY).healthy


DEPENDENT = parse("""
services:
  auth: {source: a, image: r.test/a, health: {timeout_s: 5}}
  backend: {source: b, image: r.test/b, depends_on: [auth]}
""")


def test_dependants_of_a_sick_service_are_not_waited_for() -> None:
    """A service behind a sick one is looked at once, and the sick one is named."""
    clock = FakeClock()
    health = waited(statuses={"auth": [503]}, clock=clock, settings=DEPENDENT)
    assert "backend: not waited for, because it depends on auth" in health.reason
    assert len([c for c in health.checks if c.service == "backend"]) == 1
    assert (clock.now() - BEGINNING).total_seconds() < 6


@pytest.mark.parametrize("text", ["depends_on: [auth], ", ""])
def test_order_of_checks_is_the_rollouts(text: str) -> None:
    """Whatever is looked at side by side, the checks come in the order of the rollout."""
    settings = parse(f"services: {{auth: {{source: a, image: r/a}}, backend: {{{text}source: b, image: r/b}}}}")
    assert [c.service for c in waited(settings=settings).checks] == ["auth", "auth", "backend", "backend"]
