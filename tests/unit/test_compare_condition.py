"""Health of the system: a defined figure, none without evidence, and never lower for one more proven pass."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_compare_ages import one
from tests.unit.test_compare_step import cycle, group
from untilgreen.compare.condition import condition
from untilgreen.model.delivery import Health, HealthCheck
from untilgreen.model.retrospect import CausePast

TESTS = tuple("abcdefghij")
CAUSE = one(("m", cycle(1, group("a", "ab"))))


def health(*statuses: int) -> Health:
    """Return one look at each of so many services."""
    at = datetime(2031, 5, 6, tzinfo=UTC)
    checks = tuple(
        HealthCheck(service=f"s{n}", url="u", at=at, status=status, latency_s=0.1) for n, status in enumerate(statuses)
    )
    return Health(healthy=all(check.ok for check in checks), checks=checks)


def figure(proven: set[str] | None, *causes: CausePast, up: Health | None = None) -> float | None:
    """Return the figure of a cycle in which all tests ran."""
    return condition(TESTS, proven, up or health(200), causes).figure


def test_all_proven_is_100() -> None:
    """100 says that all tests are proven, all services answer, and no cause is open."""
    assert figure(set(TESTS)) == 100


def test_the_weakest_share_decides() -> None:
    """An open cause or a silent service lowers it, whatever passes; a resolved cause does not."""
    assert figure(set(TESTS), CAUSE) == 80
    assert figure(set(TESTS), CAUSE.model_copy(update={"closed": True})) == 100
    assert figure(set(TESTS), up=health(200, 503)) == 50


def test_no_evidence_no_figure() -> None:
    """Without a suite, a readable proof or a health check there is no figure, and the reason says what is missing."""
    assert figure(None) is None
    assert condition(None, set(), health(200), ()).figure is None
    assert condition(TESTS, set(TESTS), None, ()).figure is None
    assert condition((), (), health(200), ()).figure is None
    assert condition(TESTS, set(TESTS), Health(healthy=True, checks=()), ()).figure is None
    assert "services" in condition(TESTS, set(TESTS), None, ()).reason


def test_fewer_than_expected_is_not_healthy() -> None:
    """Tests that should be there and are not count as not proven."""
    assert condition(TESTS, set(TESTS), health(200), (), minimum=1000).figure == 1


def test_never_rounded_up() -> None:
    """One unproven test of ten thousand is not 100."""
    many = [str(n) for n in range(10_000)]
    assert condition(many, many[1:], health(200), ()).figure == 99.9


@given(st.sets(st.sampled_from(TESTS)), st.sampled_from(TESTS), st.booleans(), st.sampled_from([(200,), (200, 503)]))
def test_one_more_proof_never_lowers_it(proven: set[str], more: str, burdened: bool, up: tuple[int, ...]) -> None:
    """It is monotone: one more proven pass never lowers the figure, and it stays between 0 and 100."""
    causes = (CAUSE,) if burdened else ()
    low, high = (figure(tests, *causes, up=health(*up)) for tests in (proven, proven | {more}))
    assert low is not None
    assert high is not None
    assert 0 <= low <= high <= 100
