"""The audit log says who decided what, and where it was tampered with."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.approval_room import NOW
from untilgreen.approval.audit import FIRST, AuditLog, Event, Happening, Record, missing, read_chain, sealed, told
from untilgreen.errors import EvidenceIncomplete

ONE = Happening(at=NOW, loop="l", cycle=1, attempt=1, event=Event.ASKED, hash="sha256:1", base="b")


def chain_of(reasons: list[str]) -> list[Record]:
    """Return a record a reason."""
    records: list[Record] = []
    for number, reason in enumerate(reasons, 1):
        before = records[-1].seal if records else FIRST
        records.append(sealed(number, before, ONE.model_copy(update={"attempt": number, "reason": reason})))
    return records


def raw(records: list[Record]) -> bytes:
    """Return the lines as they lie in the file."""
    return b"".join(record.model_dump_json().encode() + b"\n" for record in records)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=8))
def test_what_was_written_is_read(reasons: list[str]) -> None:
    """A log that nobody changed is whole, whatever people wrote into it."""
    chain = read_chain(raw(chain_of(reasons)))
    assert (chain.broken, [r.happening.reason for r in chain.records]) == ("", reasons)


@given(st.integers(min_value=0, max_value=3), st.sampled_from(["change", "drop", "swap", "repeat", "reseal"]))
def test_every_tampering_is_found_at_its_line(at: int, how: str) -> None:
    """A line that was changed, removed, exchanged or repeated breaks the chain there, even with a seal of its own."""
    records = chain_of(["a", "b", "c", "d", "e"])
    forged = records[at].happening.model_copy(update={"reason": "forged"})
    match how:
        case "change":
            records[at] = records[at].model_copy(update={"happening": forged})
        case "reseal":
            records[at] = sealed(at + 1, records[at].before, forged)
        case "drop":
            del records[at]
        case "swap":
            records[at], records[at + 1] = records[at + 1], records[at]
        case _:
            records.insert(at, records[at])
    chain = read_chain(raw(records))
    assert chain.broken.startswith(("line ",))
    assert len(chain.records) in {at, at + 1}


def test_a_line_that_is_cut_off_is_found() -> None:
    """A torn last line and a line of other words are no records."""
    lines = raw(chain_of(["a", "b"]))
    assert read_chain(lines[:-5]).broken == "line 2: it is cut off"
    assert read_chain(b"{}\n").broken == "line 1: it is no record"


def test_a_cut_end_is_missed() -> None:
    """Decisions that a ledger names and the log has not are named."""
    records = chain_of(["a", "b"])
    chain = read_chain(raw(records[:1]))
    assert missing(chain, {records[0].seal: "l/1", records[1].seal: "l/2", "": "old"}) == ("l/2",)


def test_nothing_is_added_to_a_broken_log(tmp_path: Path) -> None:
    """Whoever cannot say what was decided before decides nothing."""
    log = AuditLog(tmp_path)
    log.append(ONE)
    log.file.write_bytes(log.file.read_bytes().replace(b'"l"', b'"m"'))
    with pytest.raises(EvidenceIncomplete, match="line 1: its words do not fit its seal"):
        log.append(ONE.model_copy(update={"attempt": 2}))


def test_the_same_event_is_written_once(tmp_path: Path) -> None:
    """A run that is started again finds the record that it wrote."""
    log = AuditLog(tmp_path)
    first = log.append(ONE)
    assert log.append(ONE.model_copy(update={"at": NOW.replace(year=2027)})) == first
    assert log.find("l", 1, 1, Event.ASKED) == first
    assert log.find("l", 1, 2, Event.ASKED) is None


def test_a_record_is_told_in_a_line() -> None:
    """Who, when, what hash, how and why."""
    said = ONE.model_copy(update={"event": Event.REJECTED, "who": "Mara", "way": "form", "reason": "too wide"})
    line = told(sealed(1, FIRST, said))
    assert line == "2026-03-01 02:00:00Z  l/1  rejected  sha256:1  by Mara (form): too wide"
