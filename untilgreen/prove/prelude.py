"""What a test does to get going, before it comes to what it is about: it logs in, or makes what it will look at.

A test that logs in by itself fails when everything is broken, for it gets no token. Whether it looks at anything after
that shows only when its first calls are answered by the service, and the rest is broken. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from untilgreen.model.suite import Exchange, Result

READS = frozenset({"GET", "HEAD", "WS"})
"""Methods that change nothing: whoever uses one wants its answer."""
MOST = 20
"""A test that gets going for longer than this is about that."""
REFUSED = 400


def prelude(result: Result, exchanges: Sequence[Exchange]) -> int:
    """Return how many of a passed test's own calls come before what it is about; 0 when nobody can tell.

    A log-in counts when what follows is read, or when nothing was checked before that: a test of the log-in itself,
    which cleans up afterwards, is about the log-in. Where a test checks nothing at all, its last call is what it is
    about, if that reads.

    Args:
        result: how it ended.
        exchanges: those with deployed services.
    """
    calls = [exchange for exchange in exchanges if exchange.phase == "call"]
    before = _log_in(exchanges, calls)
    follows = calls[before:]
    wanted = bool(before) and (_reads(follows) or not follows[0].checks)
    if not before and len(calls) > 1 and not _checks(result):
        before, follows = len(calls) - 1, calls[-1:]
        wanted = _reads(follows)
    return before if wanted and before <= MOST and any(map(_succeeded, follows)) else 0


def _log_in(exchanges: Sequence[Exchange], calls: Sequence[Exchange]) -> int:
    """Return how many calls come before the first one in a name that no fixture had: those brought it."""
    known = {"", *(exchange.principal for exchange in exchanges if exchange.phase == "setup")}
    before = next((number for number, call in enumerate(calls) if call.principal not in known), 0)
    return before if any(call.method not in READS and _succeeded(call) for call in calls[:before]) else 0


def _reads(calls: Sequence[Exchange]) -> bool:
    return any(call.method in READS and _succeeded(call) for call in calls)


def _succeeded(call: Exchange) -> bool:
    return call.status is not None and call.status < REFUSED


def _checks(result: Result) -> int:
    """Return how many assertions the test made about what it got."""
    sighting = result.last.sighting if result.last else None
    return sighting.assertions - sighting.early_assertions if sighting else 0
