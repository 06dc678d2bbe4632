"""A part of the suite: what is asked for, what that is taken for, and what is no part at all."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.suite_outputs import order
from untilgreen.errors import ConfigError
from untilgreen.settings import SuiteSettings
from untilgreen.suite.focus import focus, settle, told

FILES = ("e2e/test_login.py", "e2e/shop/test_cart.py", "e2e/conftest.py", "unit/test_x.py", "untilgreen.yaml")
TEXTS = {
    "e2e/test_login.py": "@pytest.mark.smoke\n@mark.tier(level=1)\ndef test_a(): pass\npytestmark = [pytest.mark.api]",
    "e2e/conftest.py": "item.add_marker('ws')\nAPI, word = 1, 'mark'",
    "pyproject.toml": "[tool.pytest.ini_options]\nmarkers = ['a-b.c: strange']\n",
    "pytest.ini": "[pytest]\nasyncio_mode = auto\nmarkers =\n    slow\n    late: in the day\n",
}
FEATURES = {"auth": ("e2e/test_login.py::*", "*token*")}


def asked(wanted: str, **changes: object) -> SuiteSettings:
    return SuiteSettings.model_validate({"focus": wanted, "features": FEATURES, **changes})


def settled(wanted: str) -> SuiteSettings:
    return settle(asked(wanted), (*FILES, *TEXTS), TEXTS.get)


def test_nothing_asked_changes_nothing() -> None:
    """Without a focus the order is the whole suite, and nobody says otherwise."""
    assert focus(asked(""), order()) == order()
    assert (told(asked("")), settled("")) == ("", asked(""))


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("e2e/test_login.py", "e2e/test_login.py"),
        ("test_login.py", "e2e/test_login.py"),
        ("./e2e/shop/", "e2e/shop"),
        ("shop/test_cart.py", "e2e/shop/test_cart.py"),
        ("unit/test_x.py", "unit/test_x.py"),
    ],
)
def test_a_path(wanted: str, path: str) -> None:
    """A path is run as it is, or where the tests are."""
    settings = settled(wanted)
    narrowed = focus(settings, order())
    assert (narrowed.path, narrowed.select, narrowed.args) == (path, (), ())
    assert path in told(settings)


@pytest.mark.parametrize(
    ("rest", "nodeid", "matches"),
    [
        ("test_a", "e2e/test_login.py::test_a", True),
        ("test_a", "test_login.py::test_a", True),
        ("test_a", "e2e/test_login.py::test_a[x/y-1]", True),
        ("test_a", "e2e/test_login.py::test_ab", False),
        ("test_a[x]", "e2e/test_login.py::test_a[x]", True),
        ("test_a[x]", "e2e/test_login.py::test_a[xy]", False),
        ("test_a[*]", "e2e/test_login.py::test_a[x]", False),
        ("TestB", "e2e/test_login.py::TestB::test_c[1]", True),
        ("TestB", "e2e/test_login.py::TestBig::test_c", False),
    ],
)
def test_a_node_id(rest: str, nodeid: str, matches: bool) -> None:
    """A node id means that test with all its parameters, or that class, and nothing that only begins like it."""
    narrowed = focus(settled(f"e2e/test_login.py::{rest}"), order())
    assert narrowed.path == "e2e/test_login.py"
    assert any(fnmatchcase(nodeid, pattern) for pattern in narrowed.select) is matches


def test_a_feature() -> None:
    """A name of the settings stands for its patterns."""
    narrowed = focus(asked("auth"), order())
    assert narrowed.select == FEATURES["auth"]
    assert told(asked("auth")) == "--focus auth, the tests that match e2e/test_login.py::* or *token*"


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), ("-m", "smoke")),
        (("-x",), ("-x", "-m", "smoke")),
        (("-m", "not slow"), ("-m", "not slow", "-m", "(not slow) and (smoke)")),
        (("-mnot slow",), ("-mnot slow", "-m", "(not slow) and (smoke)")),
    ],
)
def test_a_marker_narrows(args: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """A marker expression goes to pytest, together with the one that the settings have already."""
    assert focus(asked("smoke"), order(args=args)).args == expected
    assert "no feature (auth)" in told(asked("smoke"))


@pytest.mark.parametrize(
    "wanted",
    [
        "smoke",
        "not slow and (api or ws)",
        "tier(level=-1, name='a b')",
        "a-b.c",
        "late",
        "asyncio",  # a plugin's, which gives it without anybody writing it
        "gone or slow",
        "not gone",
        "smoke and not gone",
    ],
)
def test_marker_expressions(wanted: str) -> None:
    """What pytest can read, and some test may match, is let through."""
    assert settled(wanted).focus == wanted


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("e2e/test_logn.py", "Do you mean e2e/test_login.py?"),
        ("nowhere/", "the commit has no nowhere/"),
        ("/etc/passwd", "the commit has no /etc/passwd"),
        ("../e2e/test_login.py", "the commit has no"),
        ("smoke and", "no path and no feature (auth), and no marker expression"),
        ("a b", "no marker expression"),
        ("__import__('os').system('x')", "no marker expression"),
        ("a; b", "no marker expression"),
        ("(" * 10_000, "no marker expression"),
        ("smok", "the commit marks no test so. Do you mean smoke?"),
        ("smoke and gone", "the commit marks no test so"),
        ("gone(level=1)", "Its tests are marked api, smoke, tier."),
        ("word", "marks no test so"),
    ],
)
def test_what_is_no_part_is_said_before_anything_is_deployed(wanted: str, words: str) -> None:
    """What cannot be meant is a message that says what there is."""
    with pytest.raises(ConfigError, match=r"^--focus") as caught:
        settled(wanted)
    assert words in str(caught.value)


@given(st.text(max_size=30))
@example("A·")
def test_anything_is_a_part_or_a_message(wanted: str) -> None:
    """Whatever is asked for, it becomes an order or a message."""
    try:
        settings = settled(wanted)
    except ConfigError:
        return
    assert (focus(settings, order()) == order()) == (told(settings) == "")
