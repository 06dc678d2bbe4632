"""A service that is gone ends the suite; one that answers, however slowly, does not."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from untilgreen.model.delivery import HealthCheck
from untilgreen.ports import never
from untilgreen.suite.breaker import Pulse, breaker
from untilgreen.testing import FakeProbe

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
URL = "https://backend.example/health"


def heard(looks: Iterable[tuple[float, int | None]]) -> list[str]:
    """Return what a pulse says to each look, given when it was over and its status."""
    pulse, said = Pulse("backend", 2, 0), []
    for at, status in looks:
        detail = {200: "", 503: "Service Unavailable"}.get(status or 0, "ConnectError: connection refused")
        moment = NOON + timedelta(seconds=at)
        check = HealthCheck(service="backend", url=URL, at=moment, status=status, latency_s=0, detail=detail)
        said.append(pulse.hear(check, at))
    return said


def test_a_service_that_is_gone_ends_the_suite() -> None:
    """When no answer was good for as long as is borne, the reason names the service, since when, and what it said."""
    *before, last = heard([(0.5, 200), (0.75, None), (1.0, None), (1.5, None), (2.5, None)])
    assert before == [""] * 4
    assert last == (
        "backend has not answered /health since 12:00:00 UTC (ConnectError: connection refused); the rest was not run"
    )


def test_an_unhealthy_service_is_gone_too() -> None:
    """A platform that answers 503 in the service's name is no answer of the service."""
    assert "(503: Service Unavailable)" in heard([(1.0, 503), (2.1, 503)])[-1]


@pytest.mark.parametrize(
    "looks",
    [
        [(0.3, 200), (9.0, 200), (18.0, 200)],
        [(0.3, 200), (2.5, None), (2.8, 200), (5.2, 503), (5.5, 200)],
        [(2.9, None), (3.2, 200)],
        [(0.3, 200), (0.6, None), (0.9, None), (1.2, 200), (1.5, None), (2.4, None)],
    ],
    ids=["slow", "one blip at a time", "a blip at the beginning", "well in between"],
)
def test_a_service_that_answers_is_there(looks: list[tuple[float, int | None]]) -> None:
    """Slow answers, single bad looks, and bad looks with a good one between them end nothing."""
    assert set(heard(looks)) == {""}


def test_the_last_look_comes_when_time_is_up() -> None:
    """A service that is down is looked at again at the moment at which it has been borne long enough."""
    pulse = Pulse("backend", 2, 0)
    pulse.hear(HealthCheck(service="backend", url=URL, at=NOON, status=None, latency_s=0), 1.9)
    assert pulse.pause(1.9) == pytest.approx(0.1)


def test_watching_ends_with_the_suite() -> None:
    """The halt says why as soon as a service is gone, and no thread outlives the context."""
    probe = FakeProbe({"backend": [200, None], "frontend": [200]})
    urls = {"backend": URL, "frontend": "https://frontend.example/"}
    with breaker(probe, urls, breaker_s=0.01) as halt:
        while not halt():
            threading.Event().wait(0.01)
        assert halt().startswith("backend has not answered /health since")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("breaker-")]


def test_a_breaker_can_be_turned_off() -> None:
    """With no time to bear, nobody is asked and nothing is halted."""
    with breaker(FakeProbe({"backend": [None]}), {"backend": URL}, breaker_s=0) as halt:
        assert halt is never
