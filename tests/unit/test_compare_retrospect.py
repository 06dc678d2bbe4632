"""Compare over loops: read from ledgers, those of older versions too, and shown by the command."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner

from tests.unit.report_story import result
from untilgreen.cli import app
from untilgreen.compare.memory import remember, sight
from untilgreen.compare.retrospect import retrospect_of
from untilgreen.ledger import Ledger
from untilgreen.model.analysis import Group, Triage
from untilgreen.model.cycle import Loop
from untilgreen.model.retrospect import Course
from untilgreen.model.suite import Outcome, SuiteRun
from untilgreen.wiring import STATE

BEGAN = datetime(2031, 5, 6, tzinfo=UTC)


def loop(repo: Path, day: int, failing: int, tests: int = 40, seconds: int = 100) -> Ledger:
    """Keep a loop of one cycle, as an older version would have: without a retrospect."""
    ledger = Ledger(repo / STATE, f"day-{day}")
    at = BEGAN + timedelta(days=day)
    value = {"features": {"all": {"per_month": 100, "tests": ["*"]}}}
    ledger.open(Loop(id=ledger.loop_id, started=at, settings={"value": value}))
    ledger.open_cycle(1, f"commit{day}")
    opening = ledger.cycle_folder(1) / "cycle.json"
    opening.write_text(json.dumps({**json.loads(opening.read_text()), "started": at.isoformat()}))
    names = [f"e2e/t.py::t{n}" for n in range(tests)]
    outcomes = [Outcome.FAILED if n < failing else Outcome.PASSED for n in range(tests)]
    made = [result(name, outcome) for name, outcome in zip(names, outcomes, strict=True)]
    (ledger.cycle_folder(1) / "results.jsonl").write_text("".join(f"{one.model_dump_json()}\n" for one in made))
    group = Group(id="g-a", key="KeyError \x1b[31m a.py:f", cases=tuple(names[:failing]))
    ledger.once(1, "suite", (), lambda: suite(at, tests, failing, seconds))
    ledger.once(1, "triage", (), lambda: Triage(groups=(group,) if failing else (), analyses=()))
    return ledger


def suite(at: datetime, tests: int, failing: int, seconds: int) -> SuiteRun:
    """Return a whole suite's summary."""
    counts = {Outcome.PASSED: tests - failing, Outcome.FAILED: failing}
    return SuiteRun(
        started=at,
        finished=at + timedelta(seconds=seconds),
        ran=True,
        command=(),
        python="",
        workers=1,
        collected=tests,
        counts=counts,
        exit_code=1,
        results_file="results.jsonl",
    )


def test_a_ledger_without_retrospects_is_read(tmp_path: Path) -> None:
    """Loops of an older version are gone through again: ages, recurrences and jumps are the same."""
    loop(tmp_path, 1, failing=3)
    loop(tmp_path, 2, failing=0)
    found = retrospect_of(loop(tmp_path, 3, failing=3, seconds=2), 1)
    assert found is not None
    (row,) = found[0].causes
    assert (row.course, row.age, row.first_seen.commit) == (Course.RECURRED, 2, "commit1")
    assert [jump.rule for jump in found[0].jumps] == ["suite-time"]


def test_what_was_told_before_is_gone_on_with(tmp_path: Path) -> None:
    """A kept retrospect stands for all cycles before it, so that they need not be read again."""
    for day in (1, 2):
        ledger = loop(tmp_path, day, failing=3)
        found = retrospect_of(ledger, 1)
        assert found is not None
        told = found[0]
        ledger.once(1, "retrospect", (), lambda told=told: told)
    last = loop(tmp_path, 3, failing=3)
    now = sight(last, 1)
    assert now is not None
    (row,) = remember(tmp_path / STATE, now).known()
    assert (row.age, row.first_seen.loop) == (1, "day-1")


def test_a_damaged_loop_is_left_out_and_named(tmp_path: Path) -> None:
    """An earlier loop that cannot be read ends nothing: it is left out, and a note says so."""
    loop(tmp_path, 1, failing=3)
    (loop(tmp_path, 2, failing=3).cycle_folder(1) / "triage.json").write_text("{")
    found = retrospect_of(loop(tmp_path, 3, failing=3), 1)
    assert found is not None
    assert found[0].causes[0].first_seen.loop == "day-1"
    assert "day-2" in found[0].notes[0]


def test_the_command_shows_causes_findings_value_and_health(tmp_path: Path) -> None:
    """`untilgreen compare` tells course, age, first commit, findings, money and health, without control characters."""
    loop(tmp_path, 1, failing=2)
    loop(tmp_path, 2, failing=2, tests=400)
    ran = CliRunner().invoke(app, ["compare", "--repo", str(tmp_path), "--with", "day-1"])
    assert ran.exit_code == 0
    for told in ("persistent", "commit1, cycle 1 of day-1", "there: new", "collected: 40 -> 400", "100.00 at risk"):
        assert told in ran.stdout
    assert "health: none" in ran.stdout
    assert "\x1b" not in ran.stdout


def test_json_has_what_the_schema_names(tmp_path: Path) -> None:
    """`--json` prints the fields of docs/reference/compare.schema.json, no more and no fewer."""
    loop(tmp_path, 1, failing=2)
    ran = CliRunner().invoke(app, ["compare", "--repo", str(tmp_path), "--json"])
    schema = json.loads((Path(__file__).parents[2] / "docs/reference/compare.schema.json").read_text())
    told = json.loads(ran.stdout)
    assert set(told) == set(schema["properties"])
    assert set(told["retrospect"]) == set(schema["$defs"]["Retrospect"]["properties"])
    assert (told["at_risk"], told["recovered"]) == (100, 0)
