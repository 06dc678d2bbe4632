"""What one test does, seen from inside its process: exchanges, assertions, mocks."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .counters import CONSTANT, REAL, VAIN
from .order import ORDER, clip

if TYPE_CHECKING:
    from .exchanges import Exchange

EXCHANGE_LIMIT = 120  # a polling test makes thousands; the first hundred and the last twenty tell its story
EARLY = 2
"""A passed assertion that is a fixture's, or was made before any answer came. The other kinds are in counters."""
ACTIVE_MOCKS: dict[Any, str] = {}
FAULTS: set[str] = set()
"""What the witness itself could not do."""
DEPLOYED = frozenset(
    place
    for host in ORDER.get("hosts", ())
    for place in ([host.lower()] if ":" in host else [f"{host.lower()}:443", f"{host.lower()}:80"])
)
"""host:port of the deployed services."""


def ignore(_: dict[str, Any]) -> None:
    """Tell nobody: what a test did is written down at its end."""


class Sight:
    """What one test did, seen in this process."""

    def __init__(self, nodeid: str) -> None:
        text = "\0".join((ORDER["run_id"], nodeid, str(ORDER["attempt"])))
        self.trace = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
        self.name = quote(nodeid.encode("utf-8", "backslashreplace"), safe="/:.[]-_")[:200]
        self.spared = ORDER.get("spared", {}).get(clip(nodeid), 0)
        self.exchanges: list[Exchange] = []
        self.answered = False
        self.assertions = [0, 0, 0]
        self.last = REAL
        self.failed: dict[str, int] = {}
        """Where an assertion failed and has not held since; how often."""
        self.mocks = set(ACTIVE_MOCKS.values())
        self.tell: Callable[[dict[str, Any]], None] = ignore
        """Is told at once what is known when an exchange is over, where a test may well be ended before it ends."""

    def add(self, exchange: Exchange) -> None:
        """Keep an exchange; in the middle of very many, forget."""
        self.exchanges.append(exchange)
        if len(self.exchanges) > EXCHANGE_LIMIT:
            del self.exchanges[EXCHANGE_LIMIT - 20]

    def document(self, sent: int, received: int) -> dict[str, Any]:
        """Return what is written down."""
        constant, real, early = self.assertions
        return {
            "trace": self.trace,
            "exchanges": [exchange.document() for exchange in self.exchanges],
            "bytes_sent": sent,
            "bytes_received": received,
            "assertions": real + early,
            "early_assertions": early,
            "constant_assertions": constant,
            "swallowed_assertions": sum(self.failed.values()),
            "mocks": sorted(self.mocks),
        }


class Present:
    """The test that runs in this process. There is only one at a time, whatever thread asks."""

    sight: Sight | None = None
    phase = "setup"
    """Of the test: setup, call or teardown."""
    received: Callable[[bool], int] = staticmethod(lambda _: 0)
    """Gives the bytes that came from deployed hosts since the test began; true looks for unknown connections, too."""


PRESENT = Present()
COUNTING = threading.local()
"""Whether this thread is inside a counted assertion: one that is made of others counts once."""


def harmless(call: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a fault of the witness out of the test that it watches; the fault is told, and proves nothing."""

    @functools.wraps(call)
    def tried(*args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the user's test must not fail for it
            FAULTS.add(f"{call.__qualname__}: {type(error).__name__}: {error}"[:300])
            return None

    return tried


def passed(kind: int, where: str = "") -> None:
    """Count an assertion that passed.

    Args:
        kind: CONSTANT, REAL, or VAIN.
        where: the place that tells it from others; what failed there before was tried again, not swallowed.
    """
    sight = PRESENT.sight
    if sight is None:
        return
    if sight.failed:
        sight.failed.pop(where, None)
    if kind == VAIN:
        sight.assertions[sight.last] -= 1
        kind = CONSTANT
    elif kind == REAL and (not sight.answered or PRESENT.phase == "setup"):
        kind = EARLY
    sight.last = kind
    sight.assertions[kind] += 1


def failed(where: str) -> None:
    """Count an assertion that failed: if the test passes all the same, somebody swallowed it."""
    sight = PRESENT.sight
    if sight is not None:
        sight.failed[where] = sight.failed.get(where, 0) + 1


def counting(call: Any) -> Any:
    """Return a patch for a method that checks something and raises when it does not hold."""

    def checked(*args: Any, **kwargs: Any) -> Any:
        if getattr(COUNTING, "inside", False):
            return call(*args, **kwargs)
        COUNTING.inside, frame = True, sys._getframe(1)  # noqa: SLF001 - the one way to know who calls, at no cost
        where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        try:
            result = call(*args, **kwargs)
        except AssertionError:
            failed(where)
            raise
        finally:
            COUNTING.inside = False
        passed(REAL, where)
        return result

    return checked


def patch_now(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace owner.name by make(the original), if there is such a thing in this version."""
    original = getattr(owner, name, None)
    if original is not None:
        patched = functools.wraps(original)(make(original))
        with contextlib.suppress(TypeError, ValueError):  # of a method in C
            patched.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
        setattr(owner, name, patched)
