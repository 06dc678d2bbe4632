"""The ledger: nothing finished is lost, nothing half-written is read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from untilgreen.errors import ConfigError, EvidenceIncomplete
from untilgreen.ledger import Ledger, loops, write_whole
from untilgreen.model.cycle import Color, Loop, Stop, Verdict
from untilgreen.model.delivery import Health, Images

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SICK = Health(healthy=False, checks=(), reason="db: no answer")
WELL = Health(healthy=True, checks=())


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a ledger with an open loop."""
    made = Ledger(tmp_path, "loop-1")
    made.open(Loop(id="loop-1", started=NOON))
    return made


def test_a_finished_step_is_not_done_again(ledger: Ledger) -> None:
    """The same inputs give the remembered document, and the work is not called."""
    calls: list[int] = []

    def work() -> Health:
        calls.append(1)
        return SICK

    images = Images(commit="c", images=())
    assert ledger.once(1, "wait", (images,), work) == SICK
    assert ledger.once(1, "wait", (images,), work) == SICK
    assert calls == [1]


def test_other_inputs_make_a_step_run_again(ledger: Ledger) -> None:
    """A step is remembered for what it was given, not for its name alone."""
    ledger.once(1, "wait", (Images(commit="a", images=()),), lambda: SICK)
    assert ledger.once(1, "wait", (Images(commit="b", images=()),), lambda: WELL) == WELL


def test_a_failed_step_leaves_nothing_behind(ledger: Ledger) -> None:
    """Work that raises is not remembered as done."""
    with pytest.raises(ZeroDivisionError):
        ledger.once(1, "wait", (), lambda: Health(healthy=bool(1 / 0), checks=()))
    assert ledger.recall(1, Health) is None


def test_a_cycle_is_read_once_it_has_a_verdict(ledger: Ledger) -> None:
    """A cycle without a verdict is not shown as a finished one; with it, all its steps are there."""
    ledger.open_cycle(1, "c0ffee")
    ledger.once(1, "wait", (), lambda: SICK)
    assert ledger.read().cycles == ()
    ledger.once(1, "verdict", (), lambda: Verdict(color=Color.BROKEN, lines=()))
    (cycle,) = ledger.read().cycles
    assert (cycle.number, cycle.commit, cycle.health) == (1, "c0ffee", SICK)


def test_the_end_of_a_loop_is_part_of_it(ledger: Ledger) -> None:
    """A closed loop says why it ended."""
    ledger.close(Stop.NO_FIX, "nothing left")
    assert (ledger.read().stop, ledger.read().reason) == (Stop.NO_FIX, "nothing left")


def test_an_unknown_loop_is_a_clear_error(tmp_path: Path) -> None:
    """Asking for a loop that does not exist names the place that was looked at."""
    with pytest.raises(ConfigError, match="no loop of this name"):
        Ledger(tmp_path, "nobody").read()


def test_loops_are_listed_newest_first(tmp_path: Path) -> None:
    """Names begin with their time, so that sorting them sorts by age."""
    for name in ("20260101-000000-aaaa", "20260102-000000-bbbb"):
        Ledger(tmp_path, name).open(Loop(id=name, started=NOON))
    assert [found.loop_id for found in loops(tmp_path)] == ["20260102-000000-bbbb", "20260101-000000-aaaa"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(cut=st.integers(min_value=0, max_value=400))
def test_a_file_cut_at_any_byte_is_an_error_and_never_a_result(ledger: Ledger, cut: int) -> None:
    """Whatever survives of a torn file is refused by name, or is the whole document."""
    ledger.once(1, "wait", (), lambda: SICK)
    file = ledger.cycle_folder(1) / "wait.json"
    whole = file.read_bytes()
    file.write_bytes(whole[:cut])
    if cut >= len(whole):
        assert ledger.recall(1, Health) == SICK
    else:
        with pytest.raises(EvidenceIncomplete, match=r"wait\.json"):
            ledger.recall(1, Health)
    file.write_bytes(whole)


def test_a_draft_is_never_left_in_place_of_the_file(tmp_path: Path) -> None:
    """Writing replaces the file in one step and leaves no draft beside it."""
    file = tmp_path / "a" / "b.json"
    write_whole(file, "one")
    write_whole(file, "two")
    assert [f.name for f in file.parent.iterdir()] == ["b.json"]
    assert file.read_text() == "two"
