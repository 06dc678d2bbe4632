"""Whoever watches a suite: each hears everything, and none can hurt it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untilgreen.model.suite import Outcome
from untilgreen.ports import Pace
from untilgreen.redaction import LAST_NET, Redactor, needles
from untilgreen.suite.watchers import UNHEARD, ProgressFile, Tally, Watchers
from untilgreen.testing import FakeNarrator


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]]


def test_each_watcher_hears_everything() -> None:
    """What happens is handed to all of them."""
    one, two = FakeNarrator(), FakeNarrator()
    both = Watchers(one, UNHEARD, two)
    both.collected(2)
    both.finished("a", Outcome.PASSED)
    assert one.total == two.total == 2
    assert one.outcomes == two.outcomes == {"a": Outcome.PASSED}


def test_a_line_is_there_as_soon_as_a_test_ended(tmp_path: Path) -> None:
    """Whoever follows the file sees each test at once, with how far the suite is."""
    file = tmp_path / "cycle-01" / "progress.jsonl"
    with ProgressFile(file) as watcher:
        watcher.collected(3)
        watcher.finished("e2e/test_ż.py::t[\n\u2028]", Outcome.FAILED)
        (line,) = lines(file)
        watcher.finished("b", Outcome.PASSED)
        assert [(one["done"], one["total"], one["failed"]) for one in lines(file)] == [(1, 3, 1), (2, 3, 1)]
    assert set(line) == {"at", "done", "total", "failed", "rate_per_s", "left_s", "nodeid", "outcome", "why"}
    assert (line["nodeid"], line["outcome"]) == ("e2e/test_ż.py::t[\n\u2028]", "failed")


def test_a_new_run_begins_anew(tmp_path: Path) -> None:
    """What an interrupted run wrote is not taken for this one's."""
    for _ in range(2):
        with ProgressFile(tmp_path / "p.jsonl") as watcher:
            watcher.finished("a", Outcome.PASSED)
    assert len(lines(tmp_path / "p.jsonl")) == 1


def test_known_secrets_are_masked(tmp_path: Path) -> None:
    """A node id may hold a value that nobody meant to show."""
    value = "hunter2-hunter2-hunter2"  # a value of this test's own: what is learnt stays known to the process
    LAST_NET.learn("test_suite_watchers", lambda: Redactor([needles("password", value.encode())]))
    with ProgressFile(tmp_path / "p.jsonl") as watcher:
        watcher.finished(f"t[{value}]", Outcome.PASSED)
    assert value not in (tmp_path / "p.jsonl").read_text()
    assert lines(tmp_path / "p.jsonl")[0]["nodeid"] == "t[[redacted:password]]"


def test_a_name_that_is_no_text_is_written_all_the_same(tmp_path: Path) -> None:
    """Half of a surrogate pair is escaped."""
    with ProgressFile(tmp_path / "p.jsonl") as watcher:
        watcher.finished("t[\ud800]", Outcome.PASSED)
    assert lines(tmp_path / "p.jsonl")[0]["nodeid"] == "t[\ud800]"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_ends_only_the_file() -> None:
    """The suite goes on without anybody noticing."""
    with ProgressFile(Path("/dev/full")) as watcher:
        for _ in range(3):
            watcher.finished("a", Outcome.PASSED)


def test_a_place_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    """Neither is a folder that is a file."""
    (tmp_path / "file").touch()
    with ProgressFile(tmp_path / "file" / "p.jsonl") as watcher:
        watcher.finished("a", Outcome.PASSED)
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208 - names only


@given(st.integers(0, 50), st.lists(st.sampled_from(Outcome), max_size=60))
def test_a_tally_never_lies(total: int, ended: list[Outcome]) -> None:
    """Counts add up, percent stays between 0 and 100, and nobody guesses when there is nothing to go by."""
    tally = Tally()
    tally.collected(total)
    for outcome in ended:
        tally.finished("t", outcome)
    assert str(tally).startswith(f"{len(ended)}/{total} tests, {sum(o.bad for o in ended)} failed, ")
    assert 0 <= tally.percent <= 100
    assert (tally.left_s is None) == (len(ended) < min(20, total / 4) or len(ended) >= total)


def test_a_history_tells_when_it_will_be_over(tmp_path: Path) -> None:
    """From the first test on there is a guess, in the time that each test usually takes."""
    pace = Pace({"long": 9.0, **{f"t{n}": 1.0 for n in range(9)}}, workers=2)
    with ProgressFile(tmp_path / "p.jsonl", pace) as watcher:
        watcher.collected(10)
        watcher.finished("long", Outcome.FAILED, "AssertionError: 1 != 2")
        watcher.finished("t0", Outcome.PASSED)
    first, second = lines(tmp_path / "p.jsonl")
    assert (first["left_s"], first["why"]) == (4.5, "AssertionError: 1 != 2")  # nine short ones, two at a time
    assert (second["left_s"], second["why"]) == (4.0, "")
