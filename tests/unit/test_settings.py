"""Settings: what is wrong is said with file, line and what to do."""

from __future__ import annotations

import pytest

from untilgreen.errors import ConfigError
from untilgreen.settings import in_order, parse

GOOD = """\
services:
  web:
    source: web
    image: registry.example/web
    depends_on: [auth]
  auth:
    source: auth
    image: registry.example/auth
"""


def test_defaults_fill_what_is_not_said() -> None:
    """A file that names only its services is enough."""
    settings = parse(GOOD)
    assert settings.suite.path == "e2e"
    assert settings.services["web"].port == 8080


def test_services_come_after_what_they_depend_on() -> None:
    """The rollout order follows depends_on, whatever the order in the file."""
    assert in_order(parse(GOOD)) == ("auth", "web")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("    source: web\n", "    source: web\n    sorce: x\n"),
            "untilgreen.yaml:4: services.web.sorce: no such setting",
        ),
        (("    source: auth\n", ""), "untilgreen.yaml:6: services.auth.source: this setting is needed"),
        (("[auth]", "[nobody]"), "names 'nobody', which is not a service"),
        (("services:", "suite: {workers: 900}\nservices:"), "untilgreen.yaml:1: suite.workers: Input should be less"),
        (("    source: web", "    source: [web"), "untilgreen.yaml:4: this is not YAML"),
        (("depends_on: [auth]", "depends_on: [web]"), "goes round: web -> web"),
    ],
)
def test_a_mistake_is_named_with_its_line(change: tuple[str, str], message: str) -> None:
    """Each mistake says where it is, what it is, and what to do."""
    with pytest.raises(ConfigError, match=r"^untilgreen\.yaml") as caught:
        parse(GOOD.replace(*change))
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_file_without_settings_is_refused(text: str) -> None:
    """A file that is no mapping is an error, not an empty configuration."""
    with pytest.raises(ConfigError, match="must hold settings"):
        parse(text)
