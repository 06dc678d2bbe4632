"""What a person, a pipe and a program get to know of all tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.unit.ledger_of_cycles import ERROR, FAILED, PASSED, State, run
from untilgreen.cli import app
from untilgreen.errors import ConfigError, EvidenceIncomplete
from untilgreen.suite.history import read_history
from untilgreen.suite.show import RECENT, lines, listings

YAML = "services: {api: {source: api, image: r.test/api}}\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Return a checkout with three cycles in which a test of each sort ran."""
    (tmp_path / "untilgreen.yaml").write_text(YAML)
    state = State(tmp_path / ".untilgreen")
    ended = {"t[żółć]": [PASSED], "slow": [PASSED], "flaky\n": [FAILED, PASSED], "broken": [ERROR, FAILED]}
    for commit in "abc":
        state.cycle(ended, commit, seconds={"slow": 7.5}, summary=run(whole=True))
    return tmp_path


def asked(repo: Path, *options: str) -> str:
    """Return what the command prints."""
    done = CliRunner().invoke(app, ["tests", "--repo", str(repo), *options])
    if done.exception:
        raise done.exception
    return done.stdout


def test_a_person_reads_the_worst_first(repo: Path) -> None:
    """Persistent failures, flaky and slow tests, each with figures and a denominator, in plain lines."""
    text = asked(repo, "--slow", "1")
    assert text.splitlines() == [
        "4 tests: 2 steady, 1 flaky, 1 persistent",
        "",
        "fail persistently: 1",
        "  failed   3 in a row,   3 of   3 runs failed  broken",
        "",
        "flaky: 1",
        "  100%:   3 of   3 runs, last passed  flaky\\n",
        "",
        "slowest: 1",
        "     7.500 s median,    7.500 s last,   3 runs  slow",
    ]


def test_only_flaky(repo: Path) -> None:
    """Nothing else is listed then."""
    assert [line for line in asked(repo, "--flaky").splitlines() if line][1:] == [
        "flaky: 1",
        "  100%:   3 of   3 runs, last passed  flaky\\n",
    ]


def test_a_program_gets_every_figure(repo: Path) -> None:
    """The same as one JSON document, names unchanged."""
    document = json.loads(asked(repo, "--json"))
    assert document["kinds"] == {"steady": 2, "flaky": 1, "persistent": 1}
    assert [row["nodeid"] for row in document["flaky"]] == ["flaky\n"]
    assert document["flaky"][0]["flake_rate"] == 1.0
    assert document["fail_persistently"][0]["streak"] == 3


def test_without_history_the_next_step_is_said(tmp_path: Path) -> None:
    """Nothing was run yet: that is no error, and no table of nothing."""
    text = asked(tmp_path)
    assert text.startswith("No test was run here yet")
    assert "`untilgreen run`" in text
    assert json.loads(asked(tmp_path, "--json"))["tests"] == 0


def test_a_history_that_cannot_be_read_is_a_message(repo: Path) -> None:
    """Exit 4, with the file."""
    file = next(repo.glob(".untilgreen/loops/*/cycle-01/results.jsonl"))
    file.write_text("Docker is not running\n")
    with pytest.raises(EvidenceIncomplete, match=r"results\.jsonl") as caught:
        asked(repo)
    assert caught.value.exit_code == 4


def test_a_test_that_is_gone_is_listed_no_more(tmp_path: Path) -> None:
    """A test that is in none of the newest cycles is counted as gone."""
    state = State(tmp_path)
    state.cycle({"old": [FAILED, PASSED]})
    for _ in range(RECENT):
        state.cycle({"new": [PASSED]})
    history = read_history(tmp_path)
    told = list(lines(history, listings(history)))
    assert told[0] == "1 tests: 1 steady; 1 more are gone"
    assert not any("old" in line for line in told)


def test_a_long_listing_is_cut_openly(tmp_path: Path) -> None:
    """What is left out is counted."""
    State(tmp_path).cycle({f"t{n}": [FAILED, PASSED] for n in range(30)})
    history = read_history(tmp_path)
    assert list(lines(history, listings(history, flaky_only=True), most=20))[-1] == "  and 10 more; --json shows all"


def test_the_index_is_written_and_the_difference_told(repo: Path) -> None:
    """How many tests are new, which, and what to do next; a second time nothing is new."""
    text = asked(repo, "--write-index")
    assert "expected-tests.txt: 4 tests" in text
    assert "4 new" in text
    assert "next: set `suite.index: expected-tests.txt` in untilgreen.yaml, commit both" in text
    assert "t[żółć]\n" in (repo / "expected-tests.txt").read_text("utf-8")
    again = json.loads(asked(repo, "--write-index", "--json"))
    assert (again["new"], again["gone"], again["tests"]) == ([], [], 4)


def test_the_index_needs_settings(tmp_path: Path) -> None:
    """Without settings nobody knows where it belongs."""
    with pytest.raises(ConfigError, match="untilgreen init"):
        asked(tmp_path, "--write-index")
