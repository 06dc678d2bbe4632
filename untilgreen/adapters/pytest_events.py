"""Turns the witness's event lines into what the suite step reads."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from untilgreen.model.suite import Attempt, Failure, Outcome, Sighting
from untilgreen.ports import SuiteOrder, SuiteOutput

NOTES = 20
"""A fault that every test meets is told once, and not everything that can be told must be."""
LINE = 200
"""Characters of a failure that whoever watches is told."""
NOTHING_COLLECTED = 5
"""pytest's exit code when it looked everywhere and found no test."""
BROKEN = "a test has broken the process that it ran in"
"""What the witness says when the tests that are left want another process."""
UNWRITABLE = 74
"""Exit code of the witness when it cannot write: nothing that it does would be known."""
_MODES = {"serial": "one test at a time", "xdist": "tests run in xdist's own workers"}
_WORSE = (
    Outcome.LOST,
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.XPASSED,
    Outcome.PASSED,
    Outcome.XFAILED,
    Outcome.SKIPPED,
)
"""Of two results under one name the worse one stands: a failure must not vanish behind its namesake."""
Phase = tuple[str, str, str | None]
"""When, pytest's outcome, and the reason of an expected failure."""
Event = Mapping[str, Any]


@dataclass
class Running:
    """A test that began."""

    at: float
    pid: int = 0
    group: int = 0
    """Process group that its own children belong to; 0 where there are none."""
    dump: str = ""
    """By which name faulthandler's file of its process is found."""
    heard: float = field(default_factory=time.monotonic)
    failures: list[Failure] = field(default_factory=list)
    skip: str = ""
    trace: str = ""
    exchanges: list[Any] = field(default_factory=list)
    """What is known of them before the test has ended."""


@dataclass
class Launch:
    """What is known of one start of pytest."""

    number: int = 0
    mode: str = ""
    """fork, serial or xdist; empty as long as nothing runs."""
    collected: bool = False
    again: str = ""
    """In which mode pytest asks to be started again, because it cannot run the tests as it is."""
    why: str = ""
    finish: int | None = None
    exit_code: int | None = None


class Account:
    """What has been heard of one run so far, over all starts of pytest that it took."""

    def __init__(self, order: SuiteOrder) -> None:
        self._order = order
        self._collected: tuple[str, ...] | None = None
        self._groups: dict[str, str] = {}
        self._attempts: dict[str, Attempt] = {}
        self._earlier: dict[str, tuple[Attempt, ...]] = {}
        self._errors: dict[str, None] = {}
        self._skipped: dict[str, str] = {}
        self._notes: dict[str, None] = {}
        self._python = order.python
        self._halted = False
        self.launch = Launch()
        self.running: dict[str, Running] = {}
        """Tests that began and have not ended."""
        self.stopped = ""
        """Why it ended early, if it did."""
        self.news: list[tuple[str, Outcome, str]] = []
        """Tests that have ended, and in one line why, for whoever watches; taken away from here when told."""

    @property
    def total(self) -> int | None:
        """Return how many tests there are; None until they are collected."""
        return None if self._collected is None else len(self._collected)

    @property
    def usable(self) -> bool:
        """Tell whether collection got far enough to say something about tests."""
        found = bool(self._collected or self._errors)
        return found or self._halted or self.launch.exit_code == NOTHING_COLLECTED

    @property
    def ended(self) -> int:
        """Return how many tests have ended."""
        return len(self._attempts)

    @property
    def left(self) -> tuple[str, ...]:
        """Return the tests that were collected and have not ended."""
        return tuple(nodeid for nodeid in self._collected or () if nodeid not in self._attempts)

    def take(self, event: Event) -> None:
        """Take in one event."""
        getattr(self, f"_on_{event['event']}")(event)

    def output(self, command: tuple[str, ...], tail: str) -> SuiteOutput:
        """Return what came of the run."""
        reason = self.stopped or how_it_ended(self.launch.exit_code)
        code = self._exit_code()
        return SuiteOutput(
            command=command,
            python=self._python,
            collected=self._collected or (),
            groups=self._groups,
            attempts=self._attempts,
            earlier=self._earlier,
            lost={} if self._halted else dict.fromkeys(self.running, reason),
            exit_code=code,
            finished=self.launch.finish is not None and self.launch.finish == self.launch.exit_code,
            collection_errors=tuple(self._errors),
            skipped_modules=self._skipped,
            stopped=self.stopped,
            output_tail=tail,
            notes=tuple(self._notes),
        )

    def _exit_code(self) -> int | None:
        """Return one exit code for all starts: the last one knows nothing of what failed under an earlier one."""
        code = self.launch.exit_code
        bad = self._errors or any(attempt.outcome.bad for attempt in self._attempts.values())
        return 1 if self.launch.number > 1 and code in (0, NOTHING_COLLECTED) and bad else code

    def _note(self, text: str) -> None:
        if len(self._notes) < NOTES:
            self._notes.setdefault(text)

    def _on_launch(self, event: Event) -> None:
        self.launch = Launch(number=event["number"])

    def _on_start(self, event: Event) -> None:
        self._python = f"{event['executable']} (Python {event['python']}, pytest {event['pytest']})"

    def _on_mode(self, event: Event) -> None:
        self.launch.mode = event["mode"]
        if event["note"]:
            self._note(f"{_MODES[event['mode']]}, because {event['note']}")

    def _on_again(self, event: Event) -> None:
        self.launch.again, self.launch.why = event["mode"], event["why"]

    def _on_fault(self, event: Event) -> None:
        self._note(f"the witness could not see everything: {event['text']}")

    def _on_note(self, event: Event) -> None:
        self._note(event["text"])

    def _on_unreadable(self, event: Event) -> None:
        """A process that was killed while it wrote leaves half a line: the test in it is not known to have ended."""
        self._note(f"a line of the results could not be read: {event['why']}")

    def _on_collecting(self, event: Event) -> None:
        """Only its arrival counts: it is not a stall."""

    def _on_collect_error(self, event: Event) -> None:
        self._errors.setdefault(f"{event['id']}: {event['text']}".strip())

    def _on_collect_skip(self, event: Event) -> None:
        self._skipped[event["id"]] = event["why"]

    def _on_collected(self, event: Event) -> None:
        if not self.launch.collected:
            self.running.clear()  # what an earlier start did not end is run again
        self.launch.collected = True
        if self._collected is None:
            self._collected, self._groups = tuple(event["ids"]), event["groups"]

    def _on_begin(self, event: Event) -> None:
        self.running[event["id"]] = Running(event["at"], event["pid"], event["group"], event["dump"])

    def _on_phase(self, event: Event) -> None:
        running = self.running.setdefault(event["id"], Running(time.time()))
        running.skip = running.skip or event["skip"]
        if event["failure"]:
            running.failures.append(Failure.model_validate(event["failure"]))

    def _on_exchange(self, event: Event) -> None:
        running = self.running.setdefault(event["id"], Running(time.time()))
        running.trace = event["trace"]
        running.exchanges.append(event["exchange"])

    def _on_end(self, event: Event) -> None:
        nodeid, running = event["id"], self.running.pop(event["id"], None) or Running(time.time())
        phases = [(when, outcome, expected) for when, outcome, expected in event["phases"]]
        outcome, repeats = outcome_of(phases), sum(ended == "rerun" for _, ended, _ in phases)
        attempt = Attempt(
            number=self._order.attempt,
            outcome=outcome,
            started=datetime.fromtimestamp(running.at, UTC),
            duration_s=event["seconds"],
            failure=_deciding(running.failures[repeats:], outcome),
            skip_reason=running.skip,
            sighting=self._sighting(event["sighting"] or _so_far(running)),
        )
        known = self._attempts.get(nodeid)
        if known is None or _WORSE.index(outcome) < _WORSE.index(known.outcome):
            self._attempts[nodeid] = attempt
        if repeats:
            self._earlier[nodeid] = tuple(_repeated(attempt, failure) for failure in running.failures[:repeats])
        if known is None:
            self.news.append((nodeid, outcome, in_a_line(attempt.failure)))

    def _sighting(self, seen: Any) -> Sighting | None:
        """Read what the witness saw; what cannot be read proves nothing, and changes nothing about the outcome."""
        try:
            return Sighting.model_validate(seen) if seen else None
        except ValueError as error:
            self._note(f"what the witness saw cannot be read: {' '.join(str(error).split())[:200]}")
            return None

    def _on_finish(self, event: Event) -> None:
        self.launch.finish = event["code"]
        self.stopped = self.stopped or ("" if event["stopped"] == BROKEN else event["stopped"])

    def _on_stop(self, event: Event) -> None:
        self.stopped = self.stopped or event["why"]
        self._halted = self._halted or event.get("halted", False)

    def _on_exit(self, event: Event) -> None:
        self.launch.exit_code = event["code"]


def outcome_of(phases: list[Phase]) -> Outcome:
    """Return the one outcome of a test from its phases, as pytest names them."""
    last = {when: (outcome, expected) for when, outcome, expected in phases}  # a plugin may have run it several times
    last.pop("subtest", None)
    call, expected = last.get("call", ("", None))
    if call == "failed" or any(when == "subtest" and outcome == "failed" for when, outcome, _ in phases):
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


def _so_far(running: Running) -> dict[str, Any] | None:
    """Return what is known of a test whose process was ended."""
    return {"trace": running.trace, "exchanges": running.exchanges} if running.exchanges else None


def in_a_line(failure: Failure | None) -> str:
    """Tell a failure in one line that moves no cursor; it is whatever a service or a test wrote."""
    if failure is None:
        return ""
    line = " ".join(f"{failure.exception}: {failure.message}".removesuffix(": ").split())[:LINE]
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)


def how_it_ended(exit_code: int | None) -> str:
    """Put the end of a process into words."""
    if exit_code is None:
        return "the runner was stopped"
    if exit_code < 0:
        return f"the runner was killed by signal {-exit_code}"
    full = ", as it does when it cannot write its results" if exit_code == UNWRITABLE else ""
    return f"the runner ended with exit code {exit_code}{full}"


def _repeated(last: Attempt, failure: Failure) -> Attempt:
    """Return the execution that a plugin hid by running the test again."""
    changes = {"outcome": Outcome.FAILED, "failure": failure, "duration_s": 0.0, "sighting": None}
    return last.model_copy(update=changes)


def _deciding(failures: list[Failure], outcome: Outcome) -> Failure | None:
    """Return the failure that gave the outcome: the call's own before its teardown's."""
    if not outcome.bad:
        return None
    return next((failure for failure in failures if failure.phase == "call"), failures[0] if failures else None)
