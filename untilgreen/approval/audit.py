"""The audit log: JSON lines that are only ever appended, each carrying the hash of the one before.

Whoever changes, removes or inserts a line breaks the chain at that line. Whoever cuts off its end is found by the
decisions that the ledgers and the fix commits name (`Approval:`) and that the log no longer has.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from untilgreen.errors import EvidenceIncomplete
from untilgreen.model.document import Document, Instant
from untilgreen.redaction import LAST_NET

FIRST = "0" * 64
"""What the first record carries."""


class Event(StrEnum):
    """What happened."""

    ASKED = "asked"
    REFUSED = "refused"  # an answer that could not be believed; it is asked again
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"  # nobody answered in time; nothing was changed


class Happening(Document):
    """What a record is about."""

    at: Instant
    loop: str
    cycle: int
    attempt: int
    event: Event
    hash: str
    """Of base and diffs."""
    base: str
    who: str = ""
    way: str = ""
    reason: str = ""
    commit: str = ""
    """Used instead of what was offered."""
    signature: str = ""


class Record(Document):
    """One line of the log."""

    number: int
    before: str
    """Seal of the record before."""
    happening: Happening
    seal: str
    """SHA-256 of everything above."""


class Chain(Document):
    """What a log says, and where it cannot be believed."""

    records: tuple[Record, ...] = ()
    """Up to the break."""
    broken: str = ""
    """Line and reason; empty when the chain is whole."""


def sealed(number: int, before: str, happening: Happening) -> Record:
    """Return the record that follows another one."""
    return Record(number=number, before=before, happening=happening, seal=_seal(number, before, happening))


def read_chain(raw: bytes) -> Chain:
    """Check every line of a log, and say where the first one is that does not fit."""
    records: list[Record] = []
    lines = raw.split(b"\n")
    for number, line in enumerate(lines[:-1], 1):
        before = records[-1].seal if records else FIRST
        try:
            record = Record.model_validate_json(line)
        except ValidationError:
            return Chain(records=tuple(records), broken=f"line {number}: it is no record")
        if trouble := _trouble(record, number, before):
            return Chain(records=tuple(records), broken=f"line {number}: {trouble}")
        records.append(record)
    torn = f"line {len(lines)}: it is cut off" if lines[-1] else ""
    return Chain(records=tuple(records), broken=torn)


def _trouble(record: Record, number: int, before: str) -> str:
    if record.number != number:
        return f"it calls itself record {record.number}; a line is missing or was put in before it"
    if record.before != before:
        return "it does not carry the seal of the line before; that line was changed or exchanged"
    if record.seal != _seal(record.number, record.before, record.happening):
        return "its words do not fit its seal; it was changed"
    return ""


def missing(chain: Chain, seals: dict[str, str]) -> tuple[str, ...]:
    """Return the decisions that a log should have and has not: its end was cut off, or it was begun anew.

    Args:
        chain: the log.
        seals: seal of a decision's record -> where it is named.
    """
    known = {record.seal for record in chain.records}
    return tuple(place for seal, place in seals.items() if seal and seal not in known)


class AuditLog:
    """The log of one state folder, for all its loops.

    Args:
        state: the folder.
    """

    def __init__(self, state: Path) -> None:
        self.file = state / "audit.jsonl"

    def chain(self) -> Chain:
        """Read and check the whole log."""
        return read_chain(self.file.read_bytes() if self.file.exists() else b"")

    def find(self, loop: str, cycle: int, attempt: int, event: Event) -> Record | None:
        """Return the record of this event, or None."""
        key = (loop, cycle, attempt, event)
        return next((record for record in self.chain().records if _key(record.happening) == key), None)

    def append(self, happening: Happening) -> Record:
        """Write down what happened, once: a run that is started again finds what it wrote.

        Raises:
            EvidenceIncomplete: the log cannot be believed, so nothing may be added to it.
        """
        happening = _masked(happening)
        with self._locked() as out:
            chain = read_chain(self.file.read_bytes())
            if chain.broken:
                raise EvidenceIncomplete(
                    f"{self.file}: {chain.broken}. Nobody can tell who approved what. "
                    f"Find out who changed it, then move it away to begin another."
                )
            known = (record for record in chain.records if _key(record.happening) == _key(happening))
            if record := next((found for found in known if found.happening.hash == happening.hash), None):
                return record
            before = chain.records[-1].seal if chain.records else FIRST
            record = sealed(len(chain.records) + 1, before, happening)
            out.write(record.model_dump_json().encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())
            return record

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("ab") as out:
            fcntl.flock(out, fcntl.LOCK_EX)
            yield out


def told(record: Record) -> str:
    """Return one line about a record for people."""
    what = record.happening
    words = [f"{what.at:%Y-%m-%d %H:%M:%S}Z", f"{what.loop}/{what.cycle}", what.event, what.hash[:19]]
    words += [f"by {what.who} ({what.way})"] if what.who else []
    words += [f"using {what.commit}"] if what.commit else []
    words += ["signed"] if what.signature else []
    return "  ".join(words) + (f": {what.reason}" if what.reason else "")


def _key(happening: Happening) -> tuple[str, int, int, Event]:
    return happening.loop, happening.cycle, happening.attempt, happening.event


def _masked(happening: Happening) -> Happening:
    """People paste secrets into reasons; a log that nobody may change must not keep one."""
    said = {name: LAST_NET.mask(getattr(happening, name)) for name in ("who", "reason", "commit")}
    return happening.model_copy(update=said)


def _seal(number: int, before: str, happening: Happening) -> str:
    text = json.dumps([number, before, happening.model_dump(mode="json")], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
