"""Whoever proposes, offers and listens."""

from __future__ import annotations

from typing import Protocol

from untilgreen.model.analysis import Analysis, Fix
from untilgreen.model.notice import Notice
from untilgreen.ports.suite import NO_PACE, Pace, Watcher


class Analyst(Protocol):
    """Proposes causes. Whatever it says goes through the same review."""

    def analyse(self, bundle: object) -> tuple[Analysis, ...]:
        """Return analyses of a bundle (`untilgreen.collect.bundle.Bundle`)."""


class Fixer(Protocol):
    """Offers changes for an approved cause."""

    def propose(self, analysis: Analysis) -> tuple[Fix, ...]:
        """Return fixes, best first; an empty tuple when it has none."""


class Courier(Protocol):
    """Takes notices to people who do not watch. Never decides anything."""

    def deliver(self, notice: Notice) -> tuple[str, ...]:
        """Send a notice; return which addresses could not be reached and why, without any credential."""


class Narrator(Protocol):
    """Tells a person what happens, while it happens. Never decides anything."""

    def say(self, step: str, text: str) -> None:
        """Tell one line."""

    def note(self, step: str, text: str) -> None:
        """Tell one line while something else is being shown, such as how far the suite is."""

    def suite(self, pace: Pace = NO_PACE) -> Watcher:
        """Return who watches the suite, and can guess from its pace when it will be over."""
