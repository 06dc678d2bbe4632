"""Analyses from a file are repeated as they are; what they quote is looked up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.review_scene import bundle, case, chain, entry, exchange, request
from untilgreen.adapters.recorded_analyst import RecordedAnalyst
from untilgreen.errors import ConfigError
from untilgreen.model.analysis import Decision
from untilgreen.model.suite import Outcome
from untilgreen.review.gate import review
from untilgreen.triage.recorded import NOWHERE

RECORD = {
    "author": "capacity-bot",
    "about": "e2e/test_ws_*",
    "whys": [
        {
            "question": "Why?",
            "answer": "It closes.",
            "claim": {"type": "http_failure", "service": "web", "method": "GET", "path": "/ws", "status": 500},
            "quotes": ["GET /ws -> 500"],
        },
        {
            "question": "Why?",
            "answer": "Memory.",
            "claim": {"type": "resource_exhausted", "service": "web", "resource": "memory", "blocked": "request"},
            "quotes": [],
        },
    ],
    "confidence": 0.97,
}
FAILED = case("e2e/test_ws_a.py::test_a", Outcome.FAILED, "t1", exchange("/ws", 500))
OTHER = case("e2e/test_api.py::test_b")
PASSED = case("e2e/test_ws_b.py::test_c", Outcome.PASSED, "t2")
MINE, THEIRS = request("/ws", 500, 1, trace="t1"), request("/ws", 500, 2, trace="t9")
SCENE = bundle(FAILED, OTHER, PASSED, THEIRS, MINE, entry("fine"), covered=("entry", "request", "case", "usage"))


def analyst(folder: Path, *records: object) -> RecordedAnalyst:
    """Return an analyst with these records."""
    file = folder / "analyses.json"
    file.write_text(json.dumps(records))
    return RecordedAnalyst(file)


def test_about_failing_tests(tmp_path: Path) -> None:
    """A record is attached to the failing tests that it is about, and to no other."""
    (analysis,) = analyst(tmp_path, RECORD, RECORD | {"about": "nothing*"}).analyse(SCENE)
    assert analysis.cases == (FAILED.nodeid,)
    assert analysis.group == ""
    assert [why.because for why in analysis.whys] == [2, None]


def test_same_id_again(tmp_path: Path) -> None:
    """The same record is the same analysis in every cycle."""
    first = analyst(tmp_path, RECORD).analyse(SCENE)
    assert analyst(tmp_path, RECORD).analyse(bundle(FAILED))[0].id == first[0].id


def test_quotes(tmp_path: Path) -> None:
    """A quote is found where it stands, on a failing test's own trace first."""
    (analysis,) = analyst(tmp_path, RECORD).analyse(SCENE)
    assert analysis.whys[0].citations[0].evidence == MINE.id


def test_invented_quotes(tmp_path: Path) -> None:
    """A quote that stands nowhere is handed on, and the gate rejects the analysis for it."""
    whys = [RECORD["whys"][0] | {"quotes": ["out of memory, honestly"]}]  # type: ignore[index, operator]  # JSON
    (analysis,) = analyst(tmp_path, RECORD | {"whys": whys}).analyse(SCENE)
    assert analysis.whys[0].citations[0].evidence == NOWHERE
    assert "chain.exists" in {finding.rule for finding in review(analysis, SCENE).against}


def test_wrong_theory(tmp_path: Path) -> None:
    """A recorded analysis gets no credit for its confidence: the evidence rejects it."""
    (analysis,) = analyst(tmp_path, RECORD).analyse(SCENE)
    assert review(analysis, SCENE).decision is Decision.REJECTED


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", ":1:2: this is not JSON"),
        ("{}", "the whole file"),
        (json.dumps([RECORD | {"confidence": 7}]), r"\[0\]\.confidence"),
        (json.dumps([RECORD, {"author": "x"}]), r"\[1\]\.about"),
        (json.dumps([RECORD | {"whys": [{"claim": {"type": "magic"}}]}]), r"\[0\]\.whys\[0\]\.claim"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, where: str) -> None:
    """A file that cannot be used is an error that names the file and the position."""
    file = tmp_path / "analyses.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=where) as error:
        RecordedAnalyst(file)
    assert str(file) in str(error.value)


def test_unreadable_files(tmp_path: Path) -> None:
    """A file that is not there, or is no text, is an error that says so."""
    with pytest.raises(ConfigError, match="cannot be read"):
        RecordedAnalyst(tmp_path / "nowhere.json")
    (tmp_path / "bytes.json").write_bytes(b'["\xff"]')
    with pytest.raises(ConfigError, match="not UTF-8"):
        RecordedAnalyst(tmp_path / "bytes.json")


def test_only_bundles(tmp_path: Path) -> None:
    """Anything but a bundle is a mistake of the caller."""
    with pytest.raises(TypeError):
        analyst(tmp_path, RECORD).analyse(chain)
