"""Tells a person in a terminal, a pipe or CI what happens: never more than three seconds without a sign of life.

Lines everywhere, so that pipes, CI logs and screen readers get the same words; a terminal has a bar beside them.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self, TextIO

import click
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from untilgreen.approval.answer import Answer
from untilgreen.approval.request import ApprovalRequest
from untilgreen.model.suite import Outcome
from untilgreen.ports import NO_PACE, Pace
from untilgreen.redaction import LAST_NET
from untilgreen.suite.watchers import Tally

SILENCE_S = 2.5
"""Longest time without a line; three seconds is what people bear."""
SHOWN_FAILURES = 5
"""Failures named as they come; the report names all."""


class ConsoleNarrator:
    """A narrator on a text stream.

    Args:
        out: where to write, usually stderr, so that stdout stays the result.
        silence_s: the longest time without a line.
    """

    def __init__(self, out: TextIO, silence_s: float = SILENCE_S) -> None:
        self._silence_s = silence_s
        self._console = Console(file=out, highlight=False, soft_wrap=True)
        self._lock = threading.Lock()
        self._last = self._begun = time.monotonic()
        self._step = "start"
        self._suite: SuiteLine | None = None
        self._ended = threading.Event()
        self._asking = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="narrator", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch the silence."""
        self._heart.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop watching."""
        self._end_suite()
        self._ended.set()
        self._heart.join()

    def say(self, step: str, text: str) -> None:
        """Print one line a line of text, with the step before it."""
        self._end_suite()
        self._step = step
        for line in text.splitlines():
            self._print(step, line)

    def note(self, step: str, text: str) -> None:
        """Print one line beside the suite's progress, which goes on."""
        self._print(step, text)

    def suite(self, pace: Pace = NO_PACE) -> SuiteLine:
        """Return a watcher that counts and names the first failures."""
        self._end_suite()
        self._step, self._suite = "suite", SuiteLine(self, self._console, pace)
        return self._suite

    def _end_suite(self) -> None:
        if self._suite:
            self._suite.end()
        self._suite = None

    def failure(self, text: str) -> None:
        """Print a failing test while the suite runs."""
        self._print("suite", text, "red")

    def _print(self, step: str, line: str, style: str = "") -> None:
        line = LAST_NET.mask(line)
        with self._lock:
            since = f"{time.monotonic() - self._begun:6.1f}s "
            self._console.print(Text.assemble((since, "dim"), (f"{step:<8}", "bold"), (line, style)))
            self._last = time.monotonic()

    def _beat(self) -> None:
        while not self._ended.wait(min(0.2, self._silence_s)):
            if time.monotonic() - self._last >= self._silence_s and not self._asking.is_set():
                self._print(self._step, self._suite.progress() if self._suite else "still at it")

    def ask(self, offered: str, request: ApprovalRequest) -> Answer:
        """Show what is offered and let the person answer; whoever reads the answer asks again when it will not do."""
        self._end_suite()
        self._asking.set()
        try:
            self._console.print(Text(LAST_NET.mask(offered)))
            return asked_here(request)
        finally:
            self._asking.clear()


def asked_here(request: ApprovalRequest) -> Answer:
    """Ask the person at the terminal what they say to a request that they see."""
    decision = typer.prompt("approve or reject", type=click.Choice(["approve", "reject"]), default="reject", err=True)
    approver = typer.prompt("your name", err=True)
    reason = typer.prompt("why", default="", show_default=False, err=True)
    return Answer(decision=decision, approver=approver, reason=reason, hash=request.hash, way="terminal")


class SuiteLine:
    """Counts tests as they end, and shows a bar where there is a terminal."""

    def __init__(self, narrator: ConsoleNarrator, console: Console, pace: Pace) -> None:
        self._narrator = narrator
        self._tally = Tally(pace)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("tests", total=None)
        self._bar.start()

    def collected(self, total: int) -> None:
        """Remember how many there are."""
        self._tally.collected(total)
        self._bar.update(self._task, total=total)

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        """Count one test, and name it with its reason when it is one of the first to fail."""
        self._tally.finished(nodeid, outcome)
        if outcome.bad and self._tally.failed <= SHOWN_FAILURES:
            self._narrator.failure(f"{outcome.upper()} {nodeid}  {why}".rstrip())
        self._bar.update(self._task, completed=self._tally.done, description=self._tally.pace)

    def progress(self) -> str:
        """Return how far the suite is, at what rate, and when it will be over."""
        return str(self._tally)

    def end(self) -> None:
        """Take the bar away."""
        self._bar.stop()
