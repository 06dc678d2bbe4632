"""Settings are mended by one value, shown to be right by something, and not one other character."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.review_scene import bundle, chain, revision
from untilgreen.errors import ConfigError
from untilgreen.fix.fingerprint import fix_id
from untilgreen.fix.settings_fixer import SettingsFixer
from untilgreen.fix.step import apply_fixes, offer
from untilgreen.fix.yaml_edit import with_value
from untilgreen.model.analysis import Decision, Group, Review, Reviews, Triage
from untilgreen.model.claims import Claim, CodeDefect, ConfigMismatch, ResourceExhausted, SecretMissing
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import SecretBinding
from untilgreen.model.evidence import Item
from untilgreen.settings import FILE
from untilgreen.testing import FakeChecker, FakeHistory
from untilgreen.testing.history import patched

TEXT = """\
# who deploys what
services:
  web:   # the shop window
    source: web
    image: r/web
    env: {LEVEL: info, AUTH: "{auth.url}"}  # not secret
    secrets:
      TOKEN: shop-token   # shared

  auth:
    source: auth
    image: r/auth
    memory: '512Mi'
    depends_on: []

# how it is tested
suite:
  path: e2e
"""


def edited(path: str, value: str | int, text: str = TEXT) -> list[str]:
    """Return the lines that are new."""
    return [line for line in with_value(text, tuple(path.split(".")), value).splitlines() if line not in text]


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("services.auth.memory", "1Gi", '    memory: "1Gi"'),
        ("services.web.env.LEVEL", "debug", '    env: {LEVEL: debug, AUTH: "{auth.url}"}  # not secret'),
        ("services.web.env.MORE", "x y", '    env: {LEVEL: info, AUTH: "{auth.url}", MORE: "x y"}  # not secret'),
        ("services.web.secrets.KEY", "key:3", "      KEY: key:3"),
        ("services.web.secrets.KEY", "key:", '      KEY: "key:"'),
        ("services.web.memory", "1Gi", '    memory: "1Gi"'),
        ("services.web.port", 8081, "    port: 8081"),
        ("suite.path", "tests", "  path: tests"),
    ],
)
def test_one_line_changes(path: str, value: str | int, line: str) -> None:
    """A value is changed or added in its place; comments, quotes and order around it stay."""
    assert edited(path, value) == [line]


def test_missing_parents_are_made() -> None:
    """A block that is not there yet is added under the service, before what follows it."""
    made = with_value(TEXT, ("services", "auth", "secrets", "TOKEN"), "shop-token")
    assert "    depends_on: []\n    secrets:\n      TOKEN: shop-token\n\n# how" in made


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  web:\n    secrets:\n",
        "services: {web: {}}\n",
        "services: {web: {secrets: {}}}",
        "services:\n  web:\n    note: |\n      words\n      more\n",
        "services:\r\n  web:\r\n    a: 1\r\n",
        "services:\n  web:\n    a: 1",
        "services:\n  web:\n    list:\n    - a\n    - b\n# end\n",
    ],
)
def test_odd_layouts(text: str) -> None:
    """Empty, flow, literal and unfinished blocks, and foreign line ends, take a new value all the same."""
    made = with_value(text, ("services", "web", "secrets", "TOKEN"), "t")
    assert yaml.safe_load(made)["services"]["web"]["secrets"] == {"TOKEN": "t"}
    assert ("\r" in made) == ("\r" in text)


def test_what_cannot_be_edited_by_a_line() -> None:
    """A value behind an alias belongs to others too, and is left to a person."""
    text = "a: &x {k: 1}\nservices: {web: *x}\n"
    with pytest.raises(ConfigError, match="by hand"):
        with_value(text, ("services", "web", "k"), 2)


KEYS = st.sampled_from(["a", "B_2", "c-d", "é", "on", "1", "with space"])
TREES = st.recursive(
    st.one_of(st.integers(), st.sampled_from(["x", "a: b", "#", "'", '"', "yes", "", " "])),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=4), st.lists(KEYS, min_size=1, max_size=3), st.booleans())
@settings(max_examples=150, deadline=None)
def test_nothing_else_changes(tree: dict[str, object], path: list[str], flow: bool) -> None:
    """Whatever the file holds: the value is there afterwards and all others are as before, or it is refused."""
    text = yaml.safe_dump(tree, allow_unicode=True, default_flow_style=flow)
    try:
        made = yaml.safe_load(with_value(text, tuple(path), "new: value"))
    except ConfigError:
        return
    place = made
    for key in path[:-1]:
        place = place[key]
    assert place.pop(path[-1]) == "new: value"


# ---- offers --------------------------------------------------------------------------------------------------------


def offered(claim: Claim, *items: Item, now: str = TEXT, good: str = "") -> list[dict[str, object]]:
    """Return the services' settings as each offered fix leaves them."""
    history = FakeHistory(("good", {FILE: good or now}), ("now", {FILE: now, "more": ""}))
    known = bundle(*items, good=history.log(history.head, 2)[1].sha)
    fixes = SettingsFixer(history, history.head, known).propose(chain(claim))
    assert all(fix.breaks == f"{claim.type} {claim.subject}" and fix.id == fix_id(fix.diff) for fix in fixes)
    return [yaml.safe_load(patched({FILE: now}, fix.diff)[FILE])["services"] for fix in fixes]


LOST = TEXT.replace("    secrets:\n      TOKEN: shop-token   # shared\n", "")


def test_binds_a_lost_secret_as_it_was() -> None:
    """A binding that the last good commit had comes back, whichever service it was."""
    (services,) = offered(SecretMissing(service="web", env="TOKEN"), now=LOST, good=TEXT)
    assert services["web"]["secrets"] == {"TOKEN": "shop-token"}  # type: ignore[index]  # parsed YAML


def test_binds_a_secret_as_the_last_good_revision_had_it() -> None:
    """Without settings of a good commit, the revision that worked tells the secret and its version."""
    old = revision(current=False, secrets=(SecretBinding(env="TOKEN", secret="projects/p/secrets/t", version="4"),))
    (services,) = offered(SecretMissing(service="web", env="TOKEN"), old, now=LOST)
    assert services["web"]["secrets"] == {"TOKEN": "t:4"}  # type: ignore[index]  # parsed YAML


def test_binds_a_secret_as_another_service_does() -> None:
    """A peer that binds the same name shows which secret is meant."""
    (services,) = offered(SecretMissing(service="auth", env="TOKEN"))
    assert services["auth"]["secrets"] == {"TOKEN": "shop-token"}  # type: ignore[index]  # parsed YAML


def test_gives_a_setting_its_value_back() -> None:
    """A changed env value, probe or limit gets what it had, or what the evidence expects."""
    changed = TEXT.replace("LEVEL: info", "LEVEL: loud")
    claim = ConfigMismatch(service="web", key="LEVEL", expected="info", actual="loud")
    for good in (TEXT, ""):
        (services,) = offered(claim, now=changed, good=good)
        assert services["web"]["env"]["LEVEL"] == "info"  # type: ignore[index]  # parsed YAML
    probe = ConfigMismatch(service="auth", key="health_path", expected="/health", actual="/helth")
    (services,) = offered(probe, now=TEXT.replace("    depends_on: []", "    health: {path: /helth}"))
    assert services["auth"]["health"] == {"path": "/health"}  # type: ignore[index]  # parsed YAML


def test_gives_more_memory() -> None:
    """A service that ran out of memory gets what it had, or twice what it has, up to what there is."""
    claim = ResourceExhausted(service="auth", resource="memory", blocked="request")
    (services,) = offered(claim)
    assert services["auth"]["memory"] == "1Gi"  # type: ignore[index]  # parsed YAML
    both = offered(claim, good=TEXT.replace("512Mi", "2Gi"))
    assert [s["auth"]["memory"] for s in both] == ["2Gi", "1Gi"]  # type: ignore[index]  # parsed YAML
    assert offered(claim, now=TEXT.replace("512Mi", "32Gi")) == []


@pytest.mark.parametrize(
    "claim",
    [
        SecretMissing(service="web", env="UNHEARD_OF"),
        SecretMissing(service="nobody", env="TOKEN"),
        ConfigMismatch(service="web", key="LEVEL", expected="x", actual="another"),
        ConfigMismatch(service="web", key="LEVEL", expected="(not shown)", actual="info"),
        ResourceExhausted(service="web", resource="cpu", blocked="request"),
        CodeDefect(path="web/app.py", line=1, symbol="f"),
    ],
)
def test_offers_nothing_that_nothing_shows(claim: Claim) -> None:
    """Without anything that shows the right value there is no offer: a guess is no fix."""
    assert offered(claim) == []


@pytest.mark.parametrize(
    ("claim", "now", "good"),
    [
        (SecretMissing(service="web", env="TOKEN"), LOST, TEXT.replace("shop-token ", "shop-api-v2:4 ")),
        (SecretMissing(service="web", env="LEVEL"), TEXT.replace("LEVEL: info, ", ""), TEXT),
        (
            ConfigMismatch(service="web", key="LEVEL", expected="info", actual="loud"),
            TEXT.replace("info", "loud"),
            TEXT,
        ),
        (ResourceExhausted(service="auth", resource="memory", blocked="request"), TEXT, TEXT),
    ],
    ids=lambda value: value.type if hasattr(value, "type") else "",
)
def test_goes_through_the_same_gate(claim: Claim, now: str, good: str) -> None:
    """What it offers is judged like any fix, is approved when it is sound, and becomes a commit with trailers."""
    files = {"web/app.py": "x = 1\n", "auth/app.py": "x = 1\n"}
    history = FakeHistory(("good", {FILE: good, **files}), ("now", {FILE: now, **files}))
    run = Run(loop="loop", cycle=1, commit=history.head, root="", state="")
    known = bundle(good=history.log(history.head, 2)[1].sha)
    analysis = chain(claim)
    triage = Triage(groups=(Group(id=analysis.group, key="k", cases=()),), analyses=(analysis,))
    sure = Review(analysis=analysis.id, author="a", decision=Decision.APPROVED, findings=(), confidence=0.9)
    fixers = [SettingsFixer(history, history.head, known)]
    reviews = Reviews(reviews=(sure,))
    made = offer(run, triage, reviews, known, fixers, history, frozenset(), checker=FakeChecker())
    assert [r.findings for r in made.reviews if r.decision is not Decision.APPROVED] == []
    fixes = apply_fixes(run, made, history, "untilgreen/loop")
    assert [fix.files for fix in fixes.applied] == [(FILE,)]


def test_the_same_change_elsewhere_is_the_same_fix() -> None:
    """A fix keeps its id when lines move, when its context differs, and when only spaces do."""
    one = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a = 1\n+a = 2\n"
    other = "diff --git a/x b/x\nindex 1..2\n--- a/x\n+++ b/x\n@@ -9,2 +9,2 @@ def f():\n b\n-a  = 1\n+a = 2\n"
    assert fix_id(one) == fix_id(other)
    assert fix_id(one) != fix_id(one.replace("a = 2", "a = 3"))
    assert fix_id(one) != fix_id(one.replace("/x", "/y"))
