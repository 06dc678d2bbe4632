"""Every reason to doubt that a passed test was real. What none of them doubts is REAL.

Both sides are joined by the test's trace only: clocks of a laptop, a proxy and a data centre never agree.
An answer of 4xx or 5xx is no doubt by itself: a test of an error path is a test. Where there is nothing else, the
negative control must have shown that the test looks at what it gets: a rejected connection is no success.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from untilgreen.model.evidence import Request
from untilgreen.model.suite import Control, Exchange, Outcome, Reality, Result, Sighting, Trial
from untilgreen.suite.outcomes import is_flaky

REFUSED = 400
"""Statuses from here on say no."""
GOOD_ENDS = frozenset({None, 1000, 1001, 1005})
"""How a conversation ends that nobody objected to (RFC 6455, 7.4.1)."""
NAMED = 3
"""A doubt names so many of the things that it is about."""
GRPC = "grpc"
"""A client whose bytes the kernel shows only while its connection is open; the service's own row must do."""


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
    trials: tuple[Trial, ...] = ()
    """Negative controls that may be held against it."""

    @property
    def answered(self) -> tuple[Exchange, ...]:
        """Return the exchanges in which the client saw an answer."""
        return tuple(exchange for exchange in self.exchanges if exchange.status is not None)

    @property
    def own(self) -> tuple[Exchange, ...]:
        """Return the answers to the test's own calls; where all were its fixtures', those."""
        return tuple(exchange for exchange in self.answered if exchange.phase == "call") or self.answered

    @property
    def received(self) -> int:
        """Return the bytes that came over the network."""
        return self.sighting.bytes_received if self.sighting else 0

    @property
    def mocks(self) -> tuple[str, ...]:
        """Return what was patched."""
        return self.sighting.mocks if self.sighting else ()

    @property
    def strangers(self) -> tuple[str, ...]:
        """Return the hosts that are no deployed service."""
        every = self.sighting.exchanges if self.sighting else ()
        return tuple(dict.fromkeys(exchange.host for exchange in every if exchange not in self.exchanges))

    @property
    def controlled(self) -> bool:
        """Tell whether the test was seen to fail when its answers were empty: then it looks at them."""
        return any(trial.reached and trial.control is Control.EMPTY and trial.outcome.bad for trial in self.trials)

    def passes(self, control: Control) -> bool:
        """Tell whether the test passed although it met what this control answers."""
        return any(
            trial.reached and trial.control is control and trial.outcome is Outcome.PASSED for trial in self.trials
        )


def _none(_: Sides) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Doubt:
    """A reason for doubt, and what a test is worth when it holds."""

    sentence: str
    means: Reality
    holds: Callable[[Sides], bool]
    names: Callable[[Sides], Iterable[str]] = _none
    """What in particular it is about."""

    def told(self, sides: Sides) -> str:
        """Return the sentence, and after a colon what it is about."""
        names = list(dict.fromkeys(self.names(sides)))
        more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
        return ": ".join([self.sentence, *filter(None, [", ".join([*names[:NAMED], *more])])])


def sentence_of(told: str) -> str:
    """Return the sentence of a doubt without what it is about."""
    return told.partition(": ")[0]


def _no_witness(sides: Sides) -> bool:
    return sides.sighting is None


def _only_strangers(sides: Sides) -> bool:
    return bool(sides.strangers) and not sides.exchanges


def _no_exchange(sides: Sides) -> bool:
    return sides.sighting is not None and not sides.exchanges


def _no_answer(sides: Sides) -> bool:
    return bool(sides.exchanges) and not sides.answered


def _no_bytes(sides: Sides) -> bool:
    return any(exchange.client != GRPC for exchange in sides.answered) and not sides.received


def _mocked_away(sides: Sides) -> bool:
    return bool(sides.mocks) and not sides.received


def _some_without_bytes(sides: Sides) -> bool:
    return bool(sides.received) and any(map(_came_from_nowhere, sides.answered))


def _came_from_nowhere(exchange: Exchange) -> bool:
    return exchange.received == 0 and exchange.client != GRPC


def _nowhere(sides: Sides) -> Iterable[str]:
    return (f"{exchange.method} {exchange.path}" for exchange in sides.answered if _came_from_nowhere(exchange))


def _passes_in_silence(sides: Sides) -> bool:
    return sides.passes(Control.SILENCE)


def _passes_on_errors(sides: Sides) -> bool:
    return sides.passes(Control.ERROR) and _saw_success(sides)


def _passes_on_nothing(sides: Sides) -> bool:
    return sides.passes(Control.EMPTY) and _saw_success(sides)


def _passes_on_later_errors(sides: Sides) -> bool:
    return sides.passes(Control.LATER_ERROR)


def _passes_on_nothing_later(sides: Sides) -> bool:
    return sides.passes(Control.LATER_EMPTY)


def _saw_success(sides: Sides) -> bool:
    return any(exchange.status is not None and exchange.status < REFUSED for exchange in sides.own)


def _asserts_nothing(sides: Sides) -> bool:
    return sides.sighting is not None and not sides.sighting.assertions and not sides.controlled


def _asserts_too_early(sides: Sides) -> bool:
    seen = sides.sighting
    early = seen is not None and 0 < seen.assertions == seen.early_assertions
    return early and bool(sides.answered) and not sides.controlled


def _swallowed(sides: Sides) -> bool:
    return sides.sighting is not None and bool(sides.sighting.swallowed_assertions)


def _only_refusals(sides: Sides) -> bool:
    return bool(sides.own) and all(map(_refused, sides.own)) and not sides.controlled


def _refused(exchange: Exchange) -> bool:
    return (exchange.status or 0) >= REFUSED or exchange.close_code not in GOOD_ENDS


def _refusals(sides: Sides) -> Iterable[str]:
    codes = ((exchange, exchange.close_code or exchange.status) for exchange in sides.own)
    return (f"{exchange.method} {exchange.path} -> {code}" for exchange, code in codes)


def _no_row(sides: Sides) -> bool:
    return not sides.expected and not sides.others


def _only_other_revision(sides: Sides) -> bool:
    return bool(sides.others) and not sides.expected


def _also_other_revision(sides: Sides) -> bool:
    return bool(sides.others) and bool(sides.expected)


def _other_revisions(sides: Sides) -> Iterable[str]:
    return (row.revision for row in sides.others)


def _log_incomplete(sides: Sides) -> bool:
    return not sides.log_complete


def _mocked(sides: Sides) -> bool:
    return bool(sides.mocks)


def _flaky(sides: Sides) -> bool:
    return is_flaky(sides.result)


_MOCKED, _VACUOUS, _UNPROVEN = Reality.MOCKED, Reality.VACUOUS, Reality.UNPROVEN

DOUBTS: tuple[Doubt, ...] = (
    Doubt("answers came, but no bytes over the network", _MOCKED, _no_bytes),
    Doubt("something answered in place of the network", _MOCKED, _mocked_away, lambda sides: sides.mocks),
    Doubt("some answers came without any bytes over the network", _MOCKED, _some_without_bytes, _nowhere),
    Doubt("it passes although nothing answers", _VACUOUS, _passes_in_silence),
    Doubt("it passes although every answer is an error", _VACUOUS, _passes_on_errors),
    Doubt("it passes although every answer is empty", _VACUOUS, _passes_on_nothing),
    Doubt("it passes although every answer after its first calls is an error", _VACUOUS, _passes_on_later_errors),
    Doubt("it passes although every answer after its first calls is empty", _VACUOUS, _passes_on_nothing_later),
    Doubt("no witness reported", _UNPROVEN, _no_witness),
    Doubt("it only talked to what is no deployed service", _UNPROVEN, _only_strangers, lambda sides: sides.strangers),
    Doubt("no exchange with a deployed service was seen", _UNPROVEN, _no_exchange),
    Doubt("no deployed service answered", _UNPROVEN, _no_answer),
    Doubt("no assertion about anything but constants was executed", _VACUOUS, _asserts_nothing),
    Doubt("all its assertions were made by fixtures or before any answer came", _VACUOUS, _asserts_too_early),
    Doubt("an assertion failed, and it passed all the same", _UNPROVEN, _swallowed),
    Doubt("every answer was a refusal, and no control has shown that it looks", _UNPROVEN, _only_refusals, _refusals),
    Doubt("no row of the request log carries its trace", _UNPROVEN, _no_row),
    Doubt(
        "only a revision that is not under test logged its requests", _UNPROVEN, _only_other_revision, _other_revisions
    ),
    Doubt(
        "a revision that is not under test answered some of its requests",
        _UNPROVEN,
        _also_other_revision,
        _other_revisions,
    ),
    Doubt("the request log was not read to its end", _UNPROVEN, _log_incomplete),
    Doubt("a client library or socket was patched while it ran", _UNPROVEN, _mocked, lambda sides: sides.mocks),
    Doubt("it failed before on the same revision", _UNPROVEN, _flaky),
)
"""The first that holds says what the test is worth: what asked nothing is unproven before it can be vacuous."""
