"""A fix is rejected for what the gates before a rollout would refuse, and only for what it brings itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.review_scene import chain
from untilgreen.model.analysis import Fix, Truth
from untilgreen.model.claims import CodeDefect
from untilgreen.model.delivery import Exclusion, GateFinding
from untilgreen.review.fixes.bindings import binds_what_is_read
from untilgreen.review.fixes.change import Change, Images
from untilgreen.review.fixes.image import images_can_start
from untilgreen.settings import FILE, parse

YAML = """
services:
  web: {source: web, image: r/web, env: {MODE: slow}, secrets: {TOKEN: token}, needs: [TOKEN]}
  api: {source: api, image: r/api}
suite: {path: e2e}
"""
TREE = {
    FILE: YAML,
    "web/app.py": "import os\n\nTOKEN = os.environ['TOKEN']\nMODE = os.environ.get('MODE', '')\n",
    "api/app.py": "import os\n\nOLD = os.environ['OLD']\n",
}
DEFECT = CodeDefect(path="web/app.py", line=3, symbol="app")
MISSING = GateFinding(
    service="web",
    rule="image.import",
    message="web/app.py:3 asks for frames, and web/.dockerignore:7 (**/frames/) keeps web/frames/__init__.py out.",
    path="web/app.py",
    line=3,
    exclusion=Exclusion(path="frames/__init__.py", rule="**/frames/", rule_file="web/.dockerignore", line=7),
)
FINDINGS = st.builds(
    GateFinding,
    service=st.sampled_from(["web", "api"]),
    rule=st.sampled_from(["image.import", "image.port"]),
    message=st.sampled_from(["one", "two"]),
    line=st.integers(0, 9),
    blocking=st.booleans(),
)


def change(changed: dict[str, str], images: Images = Images()) -> Change:  # noqa: B008 - frozen
    """Return a fix that replaces files of the tree: `web`, `api` and `settings` stand for their one file."""
    paths = {"web": "web/app.py", "api": "api/app.py", "settings": FILE}
    after = TREE | {paths[name]: text for name, text in changed.items()}
    fix = Fix(id="fix-1", author="a", title="t", analysis="analysis-1", breaks="code_defect", diff="")
    return Change(fix, chain(DEFECT), TREE, after, parse(YAML), images)


def unbound(**changed: str) -> list[str]:
    """Return what the rule about bindings says."""
    return [finding.message for finding in binds_what_is_read(change(changed))]


def test_what_the_gate_would_refuse_is_rejected() -> None:
    """The finding names the service, and both places: the import and the line of the ignore file."""
    (finding,) = images_can_start(change({}, Images(after=(MISSING,))))
    assert (finding.rule, finding.truth) == ("fix.image", Truth.REFUTED)
    assert finding.message == f"the image gate would refuse web: {MISSING.message}"
    assert finding.evidence == ("web/app.py:3", "web/.dockerignore:7")


def test_a_warning_rejects_nothing() -> None:
    """The gate lets warnings pass, and so does the rule."""
    assert not list(images_can_start(change({}, Images(after=(MISSING.model_copy(update={"blocking": False}),)))))


def test_what_was_wrong_before_is_not_the_fixs() -> None:
    """A fix that only moves the line which a finding is about did not bring it."""
    moved = MISSING.model_copy(update={"line": 4, "message": MISSING.message.replace(":3", ":4")})
    assert not list(images_can_start(change({}, Images(before=(MISSING,), after=(moved,)))))


def test_a_warning_that_becomes_a_refusal_is_the_fixs() -> None:
    """What could start before and cannot now is rejected."""
    before = MISSING.model_copy(update={"blocking": False})
    assert list(images_can_start(change({}, Images(before=(before,), after=(MISSING,)))))


@given(st.lists(FINDINGS), st.lists(FINDINGS))
def test_only_new_refusals_count(before: list[GateFinding], more: list[GateFinding]) -> None:
    """A tree compared with itself is never rejected, and more findings never make a rejection vanish."""
    assert not list(images_can_start(change({}, Images(tuple(before), tuple(before)))))
    few = list(images_can_start(change({}, Images(after=tuple(before)))))
    assert len(few) <= len(list(images_can_start(change({}, Images(after=(*before, *more))))))


@pytest.mark.parametrize(
    "settings",
    [
        YAML.replace("secrets: {TOKEN: token}, ", ""),
        YAML.replace("secrets: {TOKEN: token}, needs: [TOKEN]", "needs: []"),
        YAML.replace("TOKEN: token", "TOKENS: token"),
    ],
)
def test_a_fix_may_not_unbind_what_the_source_reads(settings: str) -> None:
    """Whether it drops the need with it or not: without the name the service does not start."""
    (said,) = unbound(settings=settings)
    assert said.startswith("leaves web without TOKEN: web/app.py:3 reads it, and nothing in")


def test_a_fix_may_not_unbind_what_the_settings_call_needed() -> None:
    """A need counts although no source shows it."""
    without = YAML.replace("secrets: {TOKEN: token}, ", "")
    (said,) = unbound(settings=without, web="TOKEN = ''\n")
    assert said.startswith("leaves web without TOKEN: services.web.needs names it")


def test_a_fix_may_not_read_what_nothing_binds() -> None:
    """New code that cannot do without a name brings its binding with it."""
    (said,) = unbound(web=TREE["web/app.py"] + "NEW = os.environ['NEW']\n")
    assert said.startswith("leaves web without NEW: web/app.py:5 reads it")
    bound = YAML.replace("MODE: slow", "MODE: slow, NEW: '1'")
    assert not unbound(web=TREE["web/app.py"] + "NEW = os.environ['NEW']\n", settings=bound)


@pytest.mark.parametrize(
    "changed",
    [
        {"settings": YAML.replace("env: {MODE: slow}, ", "")},
        {
            "settings": YAML.replace("secrets: {TOKEN: token}, needs: [TOKEN]", "env: {TOKEN: x}").replace(
                "env: {MODE: slow}, ", ""
            )
        },
        {"settings": YAML.replace("secrets: {TOKEN: token}, needs: [TOKEN]", ""), "web": "TOKEN = ''\n"},
        {"settings": "services: ["},
        {"api": TREE["api/app.py"] + "NEW = os.environ.get('NEW')\n"},
        {},
    ],
    ids=["optional", "bound otherwise", "no longer read", "no settings", "with a default", "nothing"],
)
def test_other_changes_are_not_this_rules_business(changed: dict[str, str]) -> None:
    """What the service can do without, what is bound in another way, and what was missing before."""
    assert not unbound(**changed)
