"""The list of expected tests: whatever a node id looks like, it is found again; whatever vanishes is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger_of_cycles import FAILED, PASSED, State, run
from untilgreen.errors import ConfigError
from untilgreen.settings import SuiteSettings
from untilgreen.suite.index import change, expected, parse, render
from untilgreen.suite.renewal import renew
from untilgreen.testing import FakeHistory

YAML = "services: {api: {source: api, image: r.test/api}}\nsuite: {index: tests.txt}\n"


@given(st.sets(st.text(min_size=1), min_size=1))
def test_every_node_id_survives(nodeids: set[str]) -> None:
    """What is written is what is read, sorted: comments, quotes, spaces, line breaks and other scripts included."""
    assert parse(render(nodeids)) == tuple(sorted(nodeids))


def test_ids_are_written_as_people_read_them() -> None:
    """Non-ASCII parameters stand there as they are."""
    assert "t[żółć-日本]\n" in render(["t[żółć-日本]"])


def test_comments_blank_lines_and_line_ends_do_not_matter() -> None:
    """A file that an editor on another system saved is the same list."""
    assert parse("\ufeff# mine\r\n\r\nb\r\na[#1]\r\nb\r\n") == ("b", "a[#1]")


@pytest.mark.parametrize("text", ["", "# nothing\n", '"half\n'])
def test_a_list_that_says_nothing_is_a_message(text: str) -> None:
    """An empty list would expect nothing, and let a suite vanish."""
    with pytest.raises(ConfigError, match=r"^mine\.txt"):
        parse(text, "mine.txt")


def test_the_list_is_read_from_the_tested_commit() -> None:
    """What is expected is what is committed; a file that is not there is a message with what to do."""
    history = FakeHistory(("begin", {"tests.txt": "a\n"}))
    commit = history.head
    assert expected(SuiteSettings(), history, commit) == ()
    assert expected(SuiteSettings(index="tests.txt"), history, commit) == ("a",)
    with pytest.raises(ConfigError, match=r"has no other\.txt.*--write-index"):
        expected(SuiteSettings(index="other.txt"), history, commit)


def test_a_change_is_what_is_new_and_what_is_gone() -> None:
    """Both are named, sorted."""
    assert change("abd", "acd") == change(["d", "b", "a"], ["a", "d", "c"])
    assert (change("ab", "bc").new, change("ab", "bc").gone) == (("c",), ("a",))


def test_the_list_is_written_from_the_newest_whole_run(tmp_path: Path) -> None:
    """A run that lacked only what was expected of it renews the list; a stopped, focused or half one does not."""
    (tmp_path / "untilgreen.yaml").write_text(YAML)
    (tmp_path / "tests.txt").write_text("old\nkept\n")
    state = State(tmp_path / "state")
    state.cycle({"older": [PASSED]}, summary=run(whole=True))
    state.cycle(
        {"kept": [PASSED], "fresh": [FAILED]}, summary=run(("1 of 2 expected tests are not there",), whole=True)
    )
    state.cycle({"kept": [PASSED]}, summary=run(("only a part was asked for: --focus x",)))
    state.cycle({"kept": [PASSED]})
    written = renew(tmp_path, state.folder)
    assert (written.new, written.gone, written.tests) == (("fresh",), ("old",), 2)
    assert parse((tmp_path / "tests.txt").read_text()) == ("fresh", "kept")


def test_without_a_complete_run_nothing_is_written(tmp_path: Path) -> None:
    """A list from half a run would expect half of the tests."""
    (tmp_path / "untilgreen.yaml").write_text(YAML)
    State(tmp_path / "state").cycle({"a": [PASSED]}, summary=run(("stopped",)))
    with pytest.raises(ConfigError, match=r"no run of the whole suite was complete yet"):
        renew(tmp_path, tmp_path / "state")
    assert not (tmp_path / "tests.txt").exists()
