"""The truth about a loop: what each step left behind, as files.

    <state>/loops/<loop>/loop.json            what was asked for
                         cycle-01/build.json  one file a step, written whole or not at all
                         cycle-01/request.json  what a person was asked
                         cycle-01/...         what a step keeps beside its document
                         end.json             why it ended
                         told.json            what people who do not watch were told
                         report/              what people read

Prefect's states are a view of this; a resumed run reads it and does no finished step twice.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from untilgreen.approval.audit import AuditLog
from untilgreen.approval.request import ApprovalRequest
from untilgreen.errors import ConfigError, EvidenceIncomplete
from untilgreen.model.analysis import Approval, Comparison, Fixes, Reviews, Triage
from untilgreen.model.cycle import Cycle, Loop, Stop, Verdict
from untilgreen.model.delivery import Health, Images, Rollback, Rollout
from untilgreen.model.document import Document, Instant
from untilgreen.model.evidence import Manifest
from untilgreen.model.fix_verdict import FixVerdicts, Undone
from untilgreen.model.notice import Told
from untilgreen.model.retrospect import Retrospect
from untilgreen.model.suite import Proof, ProofSummary, Result, SuiteRun
from untilgreen.redaction import LAST_NET

Kept = TypeVar("Kept", bound=Document)

STATE = ".untilgreen"
"""Where a repository's loops live, unless a user names another place."""

STEPS: dict[str, tuple[str, type[Document]]] = {
    "build": ("images", Images),
    "deploy": ("rollout", Rollout),
    "wait": ("health", Health),
    "rollback": ("rollback", Rollback),
    "suite": ("suite", SuiteRun),
    "prove": ("proof", ProofSummary),
    "collect": ("manifest", Manifest),
    "triage": ("triage", Triage),
    "review": ("reviews", Reviews),
    "compare": ("comparison", Comparison),
    "retrospect": ("retrospect", Retrospect),
    "judge": ("fix_verdicts", FixVerdicts),
    "verdict": ("verdict", Verdict),
    "approve": ("approval", Approval),
    "fix": ("fixes", Fixes),
    "undo": ("undone", Undone),
}
"""Step -> the field of a Cycle that its document fills, and the document's type."""


class Entry(Document):
    """A step's document with what it was made from."""

    step: str
    inputs: str
    """Digest of what the step was given; other inputs make it run again."""
    at: Instant
    seconds: float
    document: str
    """The document as JSON text, so that reading it back needs no other type."""


class Opening(Document):
    """The first line of a cycle."""

    number: int
    commit: str
    started: Instant


class End(Document):
    """The last line of a loop."""

    finished: Instant
    stop: Stop
    reason: str = ""


class Ledger:
    """One loop's files.

    Args:
        state: where all loops live.
        loop: this loop's id.
    """

    def __init__(self, state: Path, loop: str) -> None:
        self.folder = state / "loops" / loop
        self.audit = AuditLog(state)
        self.loop_id = loop

    def open(self, loop: Loop) -> None:
        """Begin a loop."""
        _write(self.folder / "loop.json", loop)

    def open_cycle(self, number: int, commit: str) -> None:
        """Begin a cycle; a resumed one keeps its first opening."""
        file = self.cycle_folder(number) / "cycle.json"
        if not file.exists():
            _write(file, Opening(number=number, commit=commit, started=datetime.now(UTC)))

    def opening(self, number: int) -> Opening | None:
        """Return a cycle's first line; None when it was not opened."""
        return _read(self.cycle_folder(number) / "cycle.json", Opening)

    def close(self, stop: Stop, reason: str = "") -> None:
        """End the loop."""
        _write(self.folder / "end.json", End(finished=datetime.now(UTC), stop=stop, reason=reason))

    def reopen(self) -> None:
        """Take back the end: the loop goes on."""
        (self.folder / "end.json").unlink(missing_ok=True)

    def asked(self) -> Loop | None:
        """Return the loop's first line: what was asked for, without its cycles; None when there is none."""
        return _read(self.folder / "loop.json", Loop)

    @property
    def begun(self) -> bool:
        """Tell whether the loop's first line is written."""
        return (self.folder / "loop.json").exists()

    @property
    def ended(self) -> bool:
        """Tell whether the loop's last line is written."""
        return (self.folder / "end.json").exists()

    def cycle_folder(self, number: int) -> Path:
        """Return a cycle's folder."""
        return self.folder / f"cycle-{number:02d}"

    def once(self, cycle: int, step: str, inputs: tuple[BaseModel, ...], work: Callable[[], Kept]) -> Kept:
        """Do a step unless it was done with the same inputs, and keep its document.

        Returns:
            The document, fresh or remembered.
        """
        digest = _digest(inputs)
        if (entry := self._entry(cycle, step)) and entry.inputs == digest:
            return cast("Kept", STEPS[step][1].model_validate_json(entry.document))
        start = time.monotonic()
        document = work()
        seconds = round(time.monotonic() - start, 3)
        self._record(cycle, step, digest, document, seconds)
        return document

    def recall(self, cycle: int, model: type[Kept]) -> Kept | None:
        """Return what a cycle kept of this type, or None when it did not come so far."""
        step = next(name for name, (_, kept) in STEPS.items() if kept is model)
        entry = self._entry(cycle, step)
        return model.model_validate_json(entry.document) if entry else None

    def seconds(self, cycle: int) -> dict[str, float]:
        """Return the wall time of each step that a cycle has done."""
        return {step: entry.seconds for step in STEPS if (entry := self._entry(cycle, step))}

    def keep_request(self, request: ApprovalRequest) -> None:
        """Remember what a person is asked, so that a run that is started again goes on with it."""
        _write(self.cycle_folder(request.cycle) / "request.json", request)

    def request(self, cycle: int) -> ApprovalRequest | None:
        """Return what a person was last asked in a cycle, or None."""
        return _read(self.cycle_folder(cycle) / "request.json", ApprovalRequest)

    def keep_told(self, told: Told) -> None:
        """Remember what was told, so that a run that goes on does not tell it again."""
        _write(self.folder / "told.json", told)

    def told(self) -> Told | None:
        """Return where the loop stood when notices were last sent; None before the first."""
        return _read(self.folder / "told.json", Told)

    def results(self, cycle: int) -> list[Result]:
        """Return a cycle's test results, one for each collected test."""
        suite = self.recall(cycle, SuiteRun)
        file = self.cycle_folder(cycle) / suite.results_file if suite else None
        return _read_lines(file, Result) if file else []

    def proofs(self, cycle: int) -> list[Proof]:
        """Return a cycle's proofs, one for each passed test."""
        proof = self.recall(cycle, ProofSummary)
        file = self.cycle_folder(cycle) / proof.proofs_file if proof else None
        return _read_lines(file, Proof) if file else []

    def cycles(self) -> list[int]:
        """Return the numbers of the cycles that were opened."""
        return sorted(int(f.parent.name.removeprefix("cycle-")) for f in self.folder.glob("cycle-*/cycle.json"))

    def read_cycle(self, number: int) -> Cycle | None:
        """Put a cycle together from what its steps kept; None while it has no verdict."""
        opening = self.opening(number)
        entries = {step: entry for step in STEPS if (entry := self._entry(number, step))}
        if opening is None or "verdict" not in entries:
            return None
        kept = {STEPS[s][0]: STEPS[s][1].model_validate_json(e.document) for s, e in entries.items()}
        seconds = {step: entry.seconds for step, entry in entries.items()}
        finished = max(entry.at for entry in entries.values())
        return Cycle(
            number=number,
            commit=opening.commit,
            started=opening.started,
            finished=finished,
            seconds=seconds,
            **cast("dict[str, Any]", kept),
        )

    def read(self) -> Loop:
        """Return the whole loop as far as it came.

        Raises:
            ConfigError: there is no loop of this id.
        """
        loop = _read(self.folder / "loop.json", Loop)
        if loop is None:
            raise ConfigError(f"{self.folder}: no loop of this name. `untilgreen status` lists them.")
        cycles = tuple(cycle for n in self.cycles() if (cycle := self.read_cycle(n)))
        end = _read(self.folder / "end.json", End)
        ending = {"finished": end.finished, "stop": end.stop, "reason": end.reason} if end else {}
        return loop.model_copy(update={"cycles": cycles, **ending})

    def _entry(self, cycle: int, step: str) -> Entry | None:
        return _read(self.cycle_folder(cycle) / f"{step}.json", Entry)

    def _record(self, cycle: int, step: str, inputs: str, document: Document, seconds: float) -> None:
        entry = Entry(
            step=step,
            inputs=inputs,
            at=datetime.now(UTC),
            seconds=seconds,
            document=document.model_dump_json(),
        )
        _write(self.cycle_folder(cycle) / f"{step}.json", entry)


def loops(state: Path) -> Iterator[Ledger]:
    """Go through all loops of a state folder, newest first."""
    for file in sorted(state.glob("loops/*/loop.json"), reverse=True):
        yield Ledger(state, file.parent.name)


def last_told(state: Path, loop: str, scope: str) -> Told:
    """Return what was last told in a scope: by this loop, else by the newest one that told anything there."""
    others = (ledger for ledger in loops(state) if ledger.loop_id != loop)
    known = (told for ledger in (Ledger(state, loop), *others) if (told := ledger.told()) and told.scope == scope)
    return next(known, Told(scope=scope))


def write_whole(file: Path, text: str) -> None:
    """Write a file so that a crash at any byte leaves the old one or the new one, and without any known secret."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with draft.open("w", encoding="utf-8") as out:
        out.write(LAST_NET.mask(text))
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)


def _write(file: Path, document: Document) -> None:
    write_whole(file, document.model_dump_json(indent=1))


def _read(file: Path, model: type[Kept]) -> Kept | None:
    try:
        return model.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        trouble = f"{file}: cannot be read ({error.error_count()} problems). Remove it to redo the step."
        raise EvidenceIncomplete(trouble) from None


def _read_lines(file: Path, model: type[Kept]) -> list[Kept]:
    """Read bulk; splitting bytes, because text may hold other line ends."""
    return [model.model_validate_json(line) for line in file.read_bytes().splitlines()] if file.exists() else []


def _digest(inputs: tuple[BaseModel, ...]) -> str:
    body = "\n".join(document.model_dump_json() for document in inputs)
    return hashlib.sha256(body.encode()).hexdigest()[:16]
