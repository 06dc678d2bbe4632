"""What the field knows, and what a team adds to it."""

from __future__ import annotations

import pytest

from untilgreen.errors import ConfigError
from untilgreen.knowledge import default, parse, read
from untilgreen.testing import FakeHistory

OURS = """
[statuses]
419 = { family = "refusal", meaning = "the session is over" }
503 = { family = "maintenance", meaning = "the nightly job runs" }

[[exceptions]]
family = "schema"
pattern = 'LedgerDrift'
meaning = "our store's own check"
"""


def test_codes_have_families_and_words() -> None:
    """Codes that everybody knows belong to a family and say something; others belong to none."""
    known = default()
    assert [known.status(status).family for status in (401, 404, 500, 503, 418, None)] == [
        *("refusal", "missing", "fault", "gateway"),
        *("", ""),
    ]
    assert [known.close_code(code).family for code in (None, 1000, 1008, 1011, 4999)] == [
        *("well", "well", "refusal", "fault", ""),
    ]


@pytest.mark.parametrize(
    ("name", "message", "family"),
    [
        ("httpx.ConnectError", "[Errno 111] Connection refused", "network"),
        ("sqlite3.OperationalError", "no such table: agents", "schema"),
        ("psycopg.errors.UndefinedTable", 'relation "agents" does not exist', "schema"),
        ("sqlalchemy.exc.TimeoutError", "QueuePool limit of size 5 overflow 10 reached", "pool"),
        ("ModuleNotFoundError", "No module named 'x'", "own_fault"),
    ],
)
def test_exceptions_are_known_by_name_and_message(name: str, message: str, family: str) -> None:
    """An exception of a known sort is recognised by what it says, whatever library raised it."""
    assert default().exception_is(name, message, family)
    assert not default().exception_is("ValueError", "the answer is 42", family)


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("Memory limit of 512 MiB exceeded with 523 MiB used.", "memory"),
        ("Container called exit(1).", "exit"),
        ("The request was aborted because there was no available instance.", "quota"),
    ],
)
def test_platform_texts(text: str, family: str) -> None:
    """The platform's own texts are recognised."""
    assert default().platform_says(text, family)
    assert not default().platform_says("Ready condition status changed to True.", family)


def test_a_team_adds_its_own() -> None:
    """What a team adds goes before what everybody knows, and takes nothing away."""
    known = default().with_more(parse(OURS, "ours.toml"))
    assert known.status(419).meaning == "the session is over"
    assert known.status(503).family == "maintenance"
    assert known.status(401) == default().status(401)
    assert known.exception_is("LedgerDrift", "", "schema")
    assert known.exception_is("OperationalError", "no such table: a", "schema")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[statuses", "ours.toml: this is not TOML"),
        ("[[platform]]\nfamily = 'a'\nmeaning = 'b'\npattern = '('", "no regular expression"),
        ("[statuses]\n503 = 'down'", "ours.toml: statuses.503"),
        ("[stati]\n1 = 2", "ours.toml: stati"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str) -> None:
    """A mistake in a team's file is told with the file and the place."""
    with pytest.raises(ConfigError, match=said.replace(".", r"\.")):
        parse(text, "ours.toml")


def test_a_teams_file_is_read_at_the_tested_commit() -> None:
    """What the settings name is read from the commit; a path that it does not have is an error that says so."""
    history = FakeHistory(("without", {"a.py": ""}), ("with", {"ops/known.toml": OURS}))
    assert read(history, history.head, "ops/known.toml") == OURS
    assert read(history, history.head, "") == ""
    with pytest.raises(ConfigError, match=r"has no ops/other\.toml"):
        read(history, history.head, "ops/other.toml")
