"""People who do not watch are told on change only."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.approval.request import ApprovalRequest
from untilgreen.errors import ConfigError
from untilgreen.ledger import Ledger, last_told
from untilgreen.model.analysis import CauseChange, CauseState, Comparison, Offer
from untilgreen.model.cycle import Color, Cycle, Loop, Stop, Verdict
from untilgreen.model.notice import NoticeKind, Told
from untilgreen.notices import REASON, after, asks, notices, plain, standing, tell
from untilgreen.settings import parse
from untilgreen.testing import FakeCourier

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CAUSES = st.frozensets(st.sampled_from(["a", "b", "c"])).map(lambda found: tuple(sorted(found)))
STANDS = st.builds(
    Told,
    scope=st.just("shop/europe-west1"),
    color=st.none() | st.sampled_from(Color),
    causes=CAUSES,
    asked=st.sampled_from(["", "h 1", "h 2"]),
    stop=st.sampled_from(["", "green", "no_fix", "CloudUnavailable"]),
)


def kinds(before: Told, now: Told, reason: str = "why") -> list[NoticeKind]:
    return [notice.kind for notice in notices(before, now, reason)]


RED = Told(scope="shop", color=Color.RED, causes=("a",))
GREEN = Told(scope="shop", color=Color.GREEN)


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (Told(), RED, [NoticeKind.FIRST_RED]),
        (GREEN, RED, [NoticeKind.FIRST_RED]),
        (Told(color=Color.UNPROVEN), RED, [NoticeKind.FIRST_RED]),
        (RED, Told(color=Color.UNPROVEN), []),
        (RED, Told(color=Color.RED, causes=("a", "b")), [NoticeKind.NEW_CAUSE]),
        (Told(color=Color.RED, causes=("a", "b")), RED, []),
        (RED, GREEN, [NoticeKind.GREEN]),
        (RED, RED.model_copy(update={"asked": "h 1"}), [NoticeKind.APPROVAL]),
        (RED, RED.model_copy(update={"stop": "no_fix"}), [NoticeKind.STOPPED]),
        (GREEN, GREEN.model_copy(update={"stop": "green"}), []),
        (RED.model_copy(update={"stop": "no_fix"}), Told(stop="CloudUnavailable"), [NoticeKind.STOPPED]),
    ],
)
def test_each_change_is_told(before: Told, now: Told, told: list[NoticeKind]) -> None:
    """First red, a new cause, a question, green and an end are news; what gets better without being green is not."""
    assert kinds(before, now) == told


@given(st.lists(STANDS, max_size=6), STANDS)
def test_the_same_moment_twice_is_no_news(earlier: list[Told], now: Told) -> None:
    """Whatever went before, a moment that was told gives nothing when it is told again."""
    remembered = Told()
    for moment in earlier:
        remembered = after(remembered, moment)
    remembered = after(remembered, now)
    assert kinds(remembered, now) == []
    assert after(remembered, now) == remembered


@given(STANDS, STANDS)
def test_every_kind_is_told_at_most_once(before: Told, now: Told) -> None:
    """One change gives one notice of a kind at most, and green never comes with red."""
    told = kinds(before, now)
    assert len(told) == len(set(told))
    assert not {NoticeKind.GREEN, NoticeKind.FIRST_RED} <= set(told)


def test_an_unchanged_night_is_silent() -> None:
    """A night that ends as the last one did, by the same causes, is no news; one with another cause is."""
    night = [RED, RED.model_copy(update={"stop": "no_fix"})]
    courier, told = FakeCourier(), Told()
    for moment in (*night, *night, *night):
        told = tell(told, moment, courier, print, reason="nothing to try")
    assert [notice.kind for notice in courier.delivered] == [NoticeKind.FIRST_RED, NoticeKind.STOPPED]
    for moment in night:
        told = tell(told, moment.model_copy(update={"causes": ("a", "b")}), courier, print, reason="nothing to try")
    assert [notice.kind for notice in courier.delivered[2:]] == [NoticeKind.NEW_CAUSE, NoticeKind.STOPPED]


def test_what_cannot_be_delivered_is_said_once() -> None:
    """A courier that fails at every notice is heard of once, and nothing is raised."""
    said: list[str] = []
    courier, told = FakeCourier(failing=frozenset({0})), Told()
    for moment in (RED, GREEN, RED):
        told = tell(told, moment, courier, said.append)
    assert said == ["a notice was not delivered: notify.urls.0: it did not take the notice"]


@given(st.text())
def test_texts_of_logs_are_data(text: str) -> None:
    """A cause's text becomes one bounded line in which nothing is a tag, a link or a mention."""
    shown = plain(text)
    assert len(shown) <= REASON
    assert len(shown.splitlines()) <= 1
    assert not set("<>@`[]*~|") & set(shown)
    assert "://" not in shown


@given(st.lists(st.text(min_size=1), max_size=9, unique=True))
def test_a_reason_is_bounded(causes: list[str]) -> None:
    """However many causes there are, the reason is one line."""
    for notice in notices(Told(), Told(color=Color.RED, causes=tuple(causes)), "why"):
        assert len(notice.reason) <= REASON
        assert "\n" not in notice.reason


def test_a_loop_that_goes_on_knows_what_was_told(tmp_path: Path) -> None:
    """What was told lies in the ledger; a new loop begins where the last one of its scope stood."""
    for name, scope in (("1-night", "shop"), ("2-night", "other")):
        ledger = Ledger(tmp_path, name)
        ledger.open(Loop(id=name, started=NOON))
        ledger.keep_told(RED.model_copy(update={"scope": scope}))
    assert last_told(tmp_path, "1-night", "shop") == RED
    assert last_told(tmp_path, "3-night", "shop") == RED
    assert last_told(tmp_path, "3-night", "third") == Told(scope="third")


def test_a_standing_is_what_the_last_cycle_saw() -> None:
    """Causes that are not resolved stand, also those that could not be observed; a question counts by its attempt."""
    states = [CauseState.NEW, CauseState.RESOLVED, CauseState.MASKED]
    changes = tuple(CauseChange(group=s, key=s, state=s, before=1, now=None) for s in states)
    verdict = Verdict(color=Color.RED, lines=())
    comparison = Comparison(against=None, changes=changes)
    cycle = Cycle(number=1, commit="c", started=NOON, finished=NOON, verdict=verdict, comparison=comparison)
    loop = Loop(id="night", started=NOON, cycles=(cycle,), stop=Stop.NO_FIX)
    asked = ApprovalRequest(
        loop="night", cycle=1, attempt=2, base="c", hash="sha256:1", offer=Offer(), asked=NOON, until=NOON
    )
    now = standing(loop, asked, "shop")
    assert now == Told(scope="shop", color=Color.RED, causes=("masked", "new"), asked="sha256:1 2", stop="no_fix")
    assert asks(asked).startswith("0 fixes until 2026-01-01 12:00 UTC")


@pytest.mark.parametrize(
    "url",
    [
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "json://me:hunter2@ci.example/hook",
        "json://ci.example/hook?token=hunter2",
        "https://hooks.example/hunter2",
        "env:9-hunter2",
        "json://[hunter2",
    ],
)
def test_an_address_with_a_credential_is_refused_unshown(url: str) -> None:
    """What may be a credential cannot stand in the settings, and the refusal does not show it."""
    with pytest.raises(ConfigError, match="may hold a credential") as refused:
        parse(f"services: {{shop: {{source: shop, image: r/shop}}}}\nnotify: {{urls: ['{url}']}}\n")
    assert url not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_plain_webhook_and_a_variable_are_taken() -> None:
    """A webhook without any credential may be written down, and any other address may be named."""
    urls = "['json://ci.example/hook', env:UNTILGREEN_NOTICE_URL]"
    text = f"services: {{shop: {{source: shop, image: r/shop}}}}\nnotify: {{urls: {urls}}}\n"
    assert parse(text).notify.urls == ("json://ci.example/hook", "env:UNTILGREEN_NOTICE_URL")
