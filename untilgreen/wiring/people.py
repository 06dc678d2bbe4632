"""Who is told what happens, and who is asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from untilgreen.model.suite import Outcome
from untilgreen.redaction import LAST_NET

if TYPE_CHECKING:
    from untilgreen.approval.answer import Answer, Verify
    from untilgreen.approval.request import ApprovalRequest
    from untilgreen.ports import Narrator, Pace, Watcher


class _LogNarrator:
    """Narrates into the standard log, which Prefect shows in its UI."""

    def __init__(self) -> None:
        self._log = logging.getLogger("untilgreen")

    def say(self, step: str, text: str) -> None:
        self._log.info("%s: %s", step, LAST_NET.mask(text))

    def note(self, step: str, text: str) -> None:
        self.say(step, text)

    def suite(self, pace: Pace | None = None) -> Watcher:  # noqa: ARG002 - a log shows no guesses
        return self

    def collected(self, total: int) -> None:
        self._log.info("suite: %s tests", total)

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        if outcome.bad:
            self._log.info("suite: %s", LAST_NET.mask(f"{outcome} {nodeid}  {why}".strip()))


_narrator: ContextVar[Narrator | None] = ContextVar("narrator", default=None)


@contextmanager
def narrated_by(narrator: Narrator) -> Iterator[None]:
    """Let somebody listen to every step inside."""
    token = _narrator.set(narrator)
    try:
        yield
    finally:
        _narrator.reset(token)


def narrator() -> Narrator:
    """Return who tells people what happens: the terminal's, or the log."""
    return _narrator.get() or _LogNarrator()


Asker = Callable[[str, "ApprovalRequest"], "Answer"]
"""Shows what is offered and returns what the person answered."""

_asker: ContextVar[Asker | None] = ContextVar("asker", default=None)


@contextmanager
def asked_by(asker: Asker) -> Iterator[None]:
    """Let a person at the terminal approve, instead of the Prefect UI."""
    token = _asker.set(asker)
    try:
        yield
    finally:
        _asker.reset(token)


def asker() -> Asker | None:
    """Return who asks the person at the terminal; None when nobody sits there."""
    return _asker.get()


def verifier() -> Verify:
    """Return what checks signatures of approvals."""
    from untilgreen.adapters.signing_keys import fits  # noqa: PLC0415 - adapters are loaded late

    return fits
