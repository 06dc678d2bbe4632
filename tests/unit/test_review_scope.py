"""A true fact is no cause of what it has nothing to do with, and a true cause explains no more than it touches."""

from __future__ import annotations

import pytest

from tests.unit.review_scene import ALL, at, bundle, case, chain, entry, exchange, quote, request, revision
from untilgreen.model.analysis import Review, Truth
from untilgreen.model.claims import ConfigMismatch, HttpFailure, SettingChanged
from untilgreen.model.delivery import SecretBinding
from untilgreen.model.evidence import Commit, Hunk, Item
from untilgreen.model.suite import Outcome
from untilgreen.review.gate import review

FAILED = case("t", Outcome.FAILED, "t1", exchange("/orders", 500))
ROW = request("/orders", 500, 1, trace="t1")
SEEN = HttpFailure(service="web", method="GET", path="/orders", status=500)
CHANGED = SettingChanged(service="web", key="PAGE_COLOUR", before="green", after="teal")
TEMPLATES = (revision(env={"PAGE_COLOUR": "teal"}), revision(current=False, env={"PAGE_COLOUR": "green"}))
COMMIT = Commit(at=at(0), sha="ab" * 20, subject="s", author="n", files=("services/web/a.py",))
HUNK = Hunk(commit="ab" * 20, path="services/web/a.py", line=2, added=("x = 1",))


def blaming(*items: Item, cases: tuple[str, ...] = ("t",)) -> set[str]:
    """Return the rules that speak against blaming the colour."""
    analysis = chain(SEEN, CHANGED, cases=cases, cite={1: (quote(FAILED),)})
    return against(review(analysis, bundle(FAILED, ROW, *TEMPLATES, *items, covered=ALL, good="d" * 40)))


def against(judged: Review) -> set[str]:
    """Return the rules that speak against an analysis."""
    return {finding.rule for finding in judged.findings if finding.truth is not Truth.SUPPORTED}


def test_a_setting_beside_the_fault() -> None:
    """A setting that really changed is not the cause while source changed, too, and nothing that failed names it."""
    assert blaming(COMMIT, HUNK) == {"chain.bears"}


@pytest.mark.parametrize("words", ["no theme for PAGE_COLOUR", "unknown colour teal"])
def test_an_error_that_names_it(words: str) -> None:
    """An error of a failing test that names the setting or its value ties them."""
    assert blaming(COMMIT, HUNK, entry(words, trace="t1")) == set()
    assert blaming(COMMIT, HUNK, entry(words, trace="t9")) == {"chain.bears"}


def test_nothing_else_changed() -> None:
    """Where the failing service's source is as it was when all was well, its one changed setting is what is left."""
    assert blaming() == set()
    elsewhere = HUNK.model_copy(update={"path": "services/auth/a.py"})
    assert blaming(COMMIT, elsewhere) == set()


def test_a_refused_caller() -> None:
    """A secret that changed bears on a caller that is refused."""
    bound = [(SecretBinding(env="KEY", secret="key", version=version),) for version in ("2", "1")]
    refused = case("t", Outcome.FAILED, "t1", exchange("/me", 403))
    templates = (revision(secrets=bound[0]), revision(current=False, secrets=bound[1]))
    key = ConfigMismatch(service="web", key="KEY", expected="key:1", actual="key:2")
    seen = HttpFailure(service="web", method="GET", path="/me", status=403)
    scene = bundle(refused, request("/me", 403, 1, trace="t1"), *templates, COMMIT, HUNK, covered=ALL, good="d" * 40)
    assert against(review(chain(seen, key, cases=("t",)), scene)) == set()


def test_too_many_tests() -> None:
    """A cause does not explain a test that failed in another way and shows nothing of it."""
    alike = case("u", Outcome.FAILED, "t2", exchange("/carts", 503))
    closed = case("v", Outcome.FAILED, "t3", exchange("/ws", 101, close_code=1011, method="WS"))
    assert blaming(alike, closed, cases=("t", "u")) == set()
    assert blaming(alike, closed, cases=("t", "u", "v")) == {"chain.reached"}
