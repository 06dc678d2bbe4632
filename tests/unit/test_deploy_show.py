"""A plan as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.deploy.show import MASK, masked, render_plan
from untilgreen.deploy.step import deploy, dry_run
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Image, Images, SecretProblem
from untilgreen.settings import Settings, parse
from untilgreen.testing import FakeSecrets, FakeServices

BEFORE = """
services:
  auth: {source: a, image: r.test/a, memory: 256Mi, env: {GREETING: hi, OLD: x, API_KEY: k1}, secrets: {PEPPER: pep:1}}
  backend: {source: b, image: r.test/b, strategy: canary, depends_on: [auth], env: {AUTH_URL: "{auth.url}/v1"}}
"""
AFTER = BEFORE.replace("256Mi", "1Gi").replace("OLD: x", "NEW: y").replace("k1", "k2").replace("pep:1", "pep:2")


def images(settings: Settings, digest: str) -> Images:
    """Return an image for each service."""
    made = (
        Image(service=s, reference=f"{w.image}@sha256:{digest}", digest=f"sha256:{digest}", commit="c" * 40, files=())
        for s, w in settings.services.items()
    )
    return Images(commit="c" * 40, images=tuple(made))


def shown(text: str, services: FakeServices, cycle: int = 2, problems: dict[str, SecretProblem] | None = None) -> str:
    """Plan settings against what is there, and show the plan."""
    settings, run = parse(text), Run(loop="l", cycle=cycle, commit="c" * 40, root="", state="")
    return render_plan(dry_run(run, settings, images(settings, str(cycle) * 64), services, FakeSecrets(problems)))


@pytest.fixture
def deployed() -> FakeServices:
    """Return a cloud in which the first settings are deployed."""
    services, settings = FakeServices(), parse(BEFORE)
    run = Run(loop="l", cycle=1, commit="c" * 40, root="", state="")
    assert deploy(run, settings, images(settings, "1" * 64), services, FakeSecrets()).serving
    return services


def test_first_plan_shows_everything_that_comes() -> None:
    """Before the first rollout every line comes, and URLs that nobody knows yet stay written as they are."""
    text = shown(BEFORE, FakeServices(), cycle=1)
    assert text.startswith("Rollout of commit cccccccccccc: 2 to create\n")
    assert '  + env AUTH_URL "{auth.url}/v1"' in text
    assert "2. backend: create as a canary, revision backend-l-c1-" in text
    assert "  ~ traffic nobody -> auth-l-c1-" in text


def test_differences_are_lines(deployed: FakeServices) -> None:
    """What comes, goes, changes and stays is told by the first character of its line."""
    lines = shown(AFTER, deployed).splitlines()
    assert "  ~ memory 256Mi -> 1Gi" in lines
    assert '  + env NEW "y"' in lines
    assert '  - env OLD "x"' in lines
    assert '    env GREETING "hi"' in lines
    assert "  ~ secret PEPPER pep:1 -> pep:2" in lines
    assert '    env AUTH_URL "http://auth.test:80/v1"' in lines
    assert any(line.startswith("  ~ image r.test/a@sha256:111") for line in lines)
    assert "    startup probe HTTP /health within 30 s" in lines


def test_credentials_are_hidden_and_their_change_is_not(deployed: FakeServices) -> None:
    """A value that looks like a credential is never shown; that it changes is."""
    text = shown(AFTER, deployed)
    assert f"  ~ env API_KEY {MASK} -> {MASK} (changed)" in text
    assert "k1" not in text
    assert "k2" not in text


def test_pins_and_refusals_are_told(deployed: FakeServices) -> None:
    """A pin stands beside its service, and whatever refuses the rollout at the end."""
    deployed.pin("auth", "auth-old")
    text = shown(AFTER, deployed, problems={"pep": SecretProblem.DENIED})
    assert "auth-old 100 % (pinned) -> auth-l-c2-" in text
    assert "  ! traffic is pinned: 100 % goes to auth-old" in text
    assert "REFUSED: nothing would be rolled out.\n  auth: SECRET_DENIED: PEPPER: Secret pep is denied." in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "x"),
        ("api_key", "x"),
        ("DB", "postgres://ann:hunter2@db/shop"),
        ("X", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"),
        ("X", "-----BEGIN PRIVATE KEY-----"),
        ("X", "Bearer abc"),
        ("X", "3c6e0b8a9c15224a8228b9a98ca1531d"),
    ],
)
def test_looks_of_credentials(name: str, value: str) -> None:
    """Names and looks of credentials are known."""
    assert masked(name, value) == MASK


@pytest.mark.parametrize(("name", "value"), [("AUTH_URL", "http://auth.test"), ("MONKEY", "7"), ("MODE", "fast mode")])
def test_plain_values_are_shown(name: str, value: str) -> None:
    """What does not look like a credential is shown, quoted."""
    assert masked(name, value) == f'"{value}"'


@given(st.text())
def test_values_stay_on_their_line(value: str) -> None:
    """No value can pretend to be another line of the plan, or move a terminal's cursor."""
    assert masked("X", value).isprintable()
    assert masked("X", value).isascii()
