"""Turns the witness's event lines into what the suite step reads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from untilgreen.model.suite import Attempt, Failure, Outcome, Sighting
from untilgreen.ports import SuiteOrder, SuiteOutput, Watcher

NOTES = 20
"""A fault that every test meets is told once, and not everything that can be told must be."""
_MODES = {"serial": "one test at a time", "xdist": "tests run in xdist's own workers"}
Phase = tuple[str, str, str | None]
"""When, pytest's outcome, and the reason of an expected failure."""


@dataclass
class _Running:
    """A test that began."""

    at: float
    failures: list[Failure] = field(default_factory=list)
    skip: str = ""


class Account:
    """What has been heard of one run so far."""

    def __init__(self, order: SuiteOrder) -> None:
        self._order = order
        self._rest = b""
        self._running: dict[str, _Running] = {}
        self._collected: tuple[str, ...] | None = None
        self._attempts: dict[str, Attempt] = {}
        self._earlier: dict[str, tuple[Attempt, ...]] = {}
        self._errors: list[str] = []
        self._notes: list[str] = []
        self._python = order.python
        self._finish: int | None = None
        self.stopped = ""
        """Why it ended early, if it did."""

    @property
    def usable(self) -> bool:
        """Tell whether collection got far enough to say something about tests."""
        return bool(self._collected or self._errors)

    def read(self, data: bytes, watcher: Watcher | None = None) -> None:
        """Take in more of the results file; a line may come in pieces."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                self.stopped = self.stopped or "a line of the results file cannot be read"
                continue
            getattr(self, f"_on_{event['event']}")(event, watcher)

    def output(self, command: tuple[str, ...], exit_code: int | None, tail: str) -> SuiteOutput:
        """Return what came of the run."""
        reason = self.stopped or _ended(exit_code)
        return SuiteOutput(
            command=command,
            python=self._python,
            collected=self._collected or (),
            attempts=self._attempts,
            earlier=self._earlier,
            lost=dict.fromkeys(self._running, reason),
            exit_code=exit_code,
            finished=self._finish is not None and self._finish == exit_code,
            collection_errors=tuple(self._errors),
            stopped=self.stopped,
            output_tail=tail,
            notes=tuple(self._notes),
        )

    def _on_start(self, event: dict[str, Any], _: Watcher | None) -> None:
        self._python = f"{event['executable']} (Python {event['python']}, pytest {event['pytest']})"

    def _on_mode(self, event: dict[str, Any], _: Watcher | None) -> None:
        if event["note"]:
            self._notes.append(f"{_MODES[event['mode']]}, because {event['note']}")

    def _on_fault(self, event: dict[str, Any], _: Watcher | None) -> None:
        note = f"the witness could not see everything: {event['text']}"
        if note not in self._notes and len(self._notes) < NOTES:
            self._notes.append(note)

    def _on_collecting(self, event: dict[str, Any], _: Watcher | None) -> None:
        """Only its arrival counts: it is not a stall."""

    def _on_collect_error(self, event: dict[str, Any], _: Watcher | None) -> None:
        self._errors.append(f"{event['id']}: {event['text']}".strip())

    def _on_collected(self, event: dict[str, Any], watcher: Watcher | None) -> None:
        first = self._collected is None
        self._collected = tuple(event["ids"])
        if watcher and first:
            watcher.collected(len(self._collected))

    def _on_begin(self, event: dict[str, Any], _: Watcher | None) -> None:
        self._running[event["id"]] = _Running(event["at"])

    def _on_phase(self, event: dict[str, Any], _: Watcher | None) -> None:
        running = self._running.setdefault(event["id"], _Running(datetime.now(UTC).timestamp()))
        running.skip = running.skip or event["skip"]
        if event["failure"]:
            running.failures.append(Failure.model_validate(event["failure"]))

    def _on_end(self, event: dict[str, Any], watcher: Watcher | None) -> None:
        running = self._running.pop(event["id"])
        phases = [(when, outcome, expected) for when, outcome, expected in event["phases"]]
        outcome, repeats = outcome_of(phases), sum(ended == "rerun" for _, ended, _ in phases)
        attempt = Attempt(
            number=self._order.attempt,
            outcome=outcome,
            started=datetime.fromtimestamp(running.at, UTC),
            duration_s=event["seconds"],
            failure=_deciding(running.failures[repeats:], outcome),
            skip_reason=running.skip,
            sighting=Sighting.model_validate(event["sighting"]) if event["sighting"] else None,
        )
        self._attempts[event["id"]] = attempt
        if repeats:
            self._earlier[event["id"]] = tuple(_repeated(attempt, failure) for failure in running.failures[:repeats])
        if watcher:
            watcher.finished(event["id"], outcome)

    def _on_finish(self, event: dict[str, Any], _: Watcher | None) -> None:
        self._finish = event["code"]
        self.stopped = self.stopped or event["stopped"]

    def _on_stop(self, event: dict[str, Any], _: Watcher | None) -> None:
        self.stopped = self.stopped or event["why"]


def outcome_of(phases: list[Phase]) -> Outcome:
    """Return the one outcome of a test from its phases, as pytest names them."""
    last = {when: (outcome, expected) for when, outcome, expected in phases}  # a plugin may have run it several times
    call, expected = last.get("call", ("", None))
    if call == "failed":
        return Outcome.FAILED
    if any(outcome == "failed" for outcome, _ in last.values()):
        return Outcome.ERROR
    if any(outcome == "skipped" and why is not None for outcome, why in last.values()):
        return Outcome.XFAILED
    if any(outcome == "skipped" for outcome, _ in last.values()):
        return Outcome.SKIPPED
    if call == "passed":
        return Outcome.XPASSED if expected is not None else Outcome.PASSED
    return Outcome.LOST


def _repeated(last: Attempt, failure: Failure) -> Attempt:
    """Return the execution that a plugin hid by running the test again."""
    changes = {"outcome": Outcome.FAILED, "failure": failure, "duration_s": 0.0, "sighting": None}
    return last.model_copy(update=changes)


def _deciding(failures: list[Failure], outcome: Outcome) -> Failure | None:
    """Return the failure that gave the outcome: the call's own before its teardown's."""
    if not outcome.bad:
        return None
    return next((failure for failure in failures if failure.phase == "call"), failures[0] if failures else None)


def _ended(exit_code: int | None) -> str:
    if exit_code is None:
        return "the runner was stopped"
    if exit_code < 0:
        return f"the runner was killed by signal {-exit_code}"
    return f"the runner ended with exit code {exit_code}"
