"""The plan of a rollout."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.deploy.wanted import binding, fill_urls, label, wanted
from untilgreen.errors import ConfigError
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import Image, Images
from untilgreen.settings import Settings, parse

SHOP = """
services:
  backend: {source: b, image: r.test/b, depends_on: [auth], env: {AUTH_URL: "{auth.url}/v1"}, secrets: {KEY: key:3}}
  auth: {source: a, image: r.test/a, needs: [SALT, TOKEN], env: {SALT: x}}
"""
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,48}", fullmatch=True)


def run(cycle: int = 1, loop: str = "20250101-0f3a") -> Run:
    """Return where a step works."""
    return Run(loop=loop, cycle=cycle, commit="c" * 40, root="", state="")


def images(settings: Settings, digest: str = "1" * 64) -> Images:
    """Return an image for each service."""
    made = [
        Image(
            service=name,
            reference=f"{s.image}@sha256:{digest}",
            digest=f"sha256:{digest}",
            commit="c" * 40,
            files=(),
        )
        for name, s in settings.services.items()
    ]
    return Images(commit="c" * 40, images=tuple(made))


def planned(text: str = SHOP, **changed: object) -> dict[str, str]:
    """Return service -> revision name."""
    settings = parse(text)
    made = wanted(run(**changed), settings, images(settings))  # type: ignore[arg-type] - passed on as given
    return {service.service: service.revision for service in made.services}


def test_order_follows_dependencies() -> None:
    """A service comes after those it depends on."""
    assert list(planned()) == ["auth", "backend"]


def test_plan_is_repeatable_and_names_are_unique() -> None:
    """The same input gives the same revision names; another cycle, loop or content gives others."""
    settings = parse(SHOP)
    other = wanted(run(), settings, images(settings, "2" * 64)).services[0].revision
    names = [planned()["auth"], planned(cycle=2)["auth"], planned(loop="20250102-0f3a")["auth"], other]
    assert planned() == planned()
    assert len(set(names)) == len(names)


@given(NAMES, st.integers(1, 50), st.text(max_size=40))
def test_revision_names_are_legal(service: str, cycle: int, loop: str) -> None:
    """Every revision name starts with its service, and the platform takes it."""
    text = f"services: {{'{service}': {{source: a, image: r.test/a}}}}"
    name = planned(text, cycle=cycle, loop=loop)[service]
    assert name.startswith(f"{service}-")
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,61}[a-z0-9]", name)


@given(st.text())
def test_labels_are_legal(text: str) -> None:
    """Every label value is one that the platform takes."""
    assert re.fullmatch(r"[a-z0-9_-]{0,63}", label(text))


def test_secret_references() -> None:
    """A secret is read as `secret` or `secret:version`, and the newest version is the default."""
    assert (binding("K", "key:3").secret, binding("K", "key:3").version) == ("key", "3")
    assert binding("K", "key").version == "latest"


def test_needed_names_that_nothing_binds() -> None:
    """A needed env name is satisfied by env or secrets; others are reported."""
    settings = parse(SHOP)
    assert wanted(run(), settings, images(settings)).services[0].unbound == ("TOKEN",)


def test_urls_are_filled() -> None:
    """`{name.url}` becomes the URL of that service."""
    settings = parse(SHOP)
    template = wanted(run(), settings, images(settings)).services[1].template
    assert fill_urls(template, {"auth": "http://a.test"}).env == {"AUTH_URL": "http://a.test/v1"}


@pytest.mark.parametrize("other", ["nobody", "backend", "later"])
def test_unknown_url_is_a_setting_to_correct(other: str) -> None:
    """A URL of a service that is not deployed before is a ConfigError that says what to add."""
    text = f"""
services:
  backend: {{source: b, image: r.test/b, env: {{X: "{{{other}.url}}"}}}}
  later: {{source: l, image: r.test/l}}
"""
    with pytest.raises(ConfigError, match=r"services\.backend\.env\.X: .*depends_on"):
        planned(text)


def test_platform_names_are_refused() -> None:
    """An env name that the platform sets itself is a ConfigError."""
    with pytest.raises(ConfigError, match=r"env\.PORT: Cloud Run sets this itself"):
        planned("services: {a: {source: a, image: r.test/a, env: {PORT: '1'}}}")
