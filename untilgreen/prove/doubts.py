"""Every reason to doubt that a passed test was real. What none of them doubts is REAL.

Both sides are joined by the test's trace only: clocks of a laptop, a proxy and a data centre never agree.
An answer of 4xx or 5xx is no doubt: a test of an error path is a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from untilgreen.model.evidence import Request
from untilgreen.model.suite import Exchange, Reality, Result, Sighting
from untilgreen.suite.outcomes import is_flaky


@dataclass(frozen=True)
class Sides:
    """What the client and the platform say about one test."""

    result: Result
    sighting: Sighting | None
    exchanges: tuple[Exchange, ...]
    """With deployed services only."""
    expected: tuple[Request, ...]
    """Rows of its trace on the revisions under test."""
    others: tuple[Request, ...]
    """Rows of its trace on any other revision."""
    log_complete: bool

    @property
    def answers(self) -> int:
        """Return how many answers the client saw."""
        return sum(exchange.status is not None for exchange in self.exchanges)

    @property
    def received(self) -> int:
        """Return the bytes that came over the network."""
        return self.sighting.bytes_received if self.sighting else 0


@dataclass(frozen=True)
class Doubt:
    """A reason for doubt, and what a test is worth when it holds."""

    sentence: str
    means: Reality
    holds: Callable[[Sides], bool]


def _no_witness(sides: Sides) -> bool:
    return sides.sighting is None


def _no_exchange(sides: Sides) -> bool:
    return sides.sighting is not None and not sides.exchanges


def _no_answer(sides: Sides) -> bool:
    return bool(sides.exchanges) and not sides.answers


def _no_bytes(sides: Sides) -> bool:
    return bool(sides.answers) and not sides.received


def _no_row(sides: Sides) -> bool:
    return not sides.expected and not sides.others


def _only_other_revision(sides: Sides) -> bool:
    return bool(sides.others) and not sides.expected


def _also_other_revision(sides: Sides) -> bool:
    return bool(sides.others) and bool(sides.expected)


def _log_incomplete(sides: Sides) -> bool:
    return not sides.log_complete


def _asserts_nothing(sides: Sides) -> bool:
    return sides.sighting is not None and not sides.sighting.assertions


def _mocked(sides: Sides) -> bool:
    return sides.sighting is not None and bool(sides.sighting.mocks)


def _flaky(sides: Sides) -> bool:
    return is_flaky(sides.result)


DOUBTS: tuple[Doubt, ...] = (
    Doubt("answers came, but no bytes over the network", Reality.MOCKED, _no_bytes),
    Doubt("no assertion about anything but constants was executed", Reality.VACUOUS, _asserts_nothing),
    Doubt("no witness reported", Reality.UNPROVEN, _no_witness),
    Doubt("no exchange with a deployed service was seen", Reality.UNPROVEN, _no_exchange),
    Doubt("no deployed service answered", Reality.UNPROVEN, _no_answer),
    Doubt("no row of the request log carries its trace", Reality.UNPROVEN, _no_row),
    Doubt("only a revision that is not under test logged its requests", Reality.UNPROVEN, _only_other_revision),
    Doubt("a revision that is not under test answered some of its requests", Reality.UNPROVEN, _also_other_revision),
    Doubt("the request log was not read to its end", Reality.UNPROVEN, _log_incomplete),
    Doubt("a client library or socket was patched while it ran", Reality.UNPROVEN, _mocked),
    Doubt("it failed before on the same revision", Reality.UNPROVEN, _flaky),
)
"""The gravest first: the first that holds says what the test is worth."""
