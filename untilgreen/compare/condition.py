"""The health of the system as a figure: defined, never an impression.

It is the weakest of three shares: expected tests that are proven to pass, services that answer their health path, and
expected tests that no unresolved cause holds. What was not observed has no share, and then there is no figure.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from untilgreen.model.delivery import Health
from untilgreen.model.retrospect import CausePast, SystemHealth


def condition(
    expected: Collection[str] | None,
    proven: Collection[str] | None,
    health: Health | None,
    causes: Sequence[CausePast],
    minimum: int = 1,
) -> SystemHealth:
    """Return the health of the system in one cycle.

    Args:
        expected: node ids of all collected tests; None when the suite did not run.
        proven: those that passed and are proven real; None when nothing could be proven.
        health: what step wait saw; None when it was not reached.
        causes: all causes that are known; resolved ones count for nothing.
        minimum: so many tests are expected at least.
    """
    tests = frozenset(expected or ())
    whole = max(len(tests), minimum)
    real = len(tests & frozenset(proven)) / whole if tests and proven is not None else None
    held = frozenset(test for cause in causes if not cause.closed for test in cause.tests)
    free = len(tests - held) / whole if tests else None
    return _weakest(real, serving(health), free)


def serving(health: Health | None) -> float | None:
    """Return the share of checked services whose last look was good, 0 to 1; None when none was checked."""
    if health is None or not health.checks:
        return None
    last = {check.service: check.ok for check in health.checks if check.kind == "health"}
    if not last:
        return None
    share = sum(last.values()) / len(last)
    return share if health.healthy or share < 1 else 0.0


def _weakest(proven: float | None, served: float | None, unburdened: float | None) -> SystemHealth:
    shares = {
        "tests proven to pass": proven,
        "services that answer": served,
        "tests without an unresolved cause": unburdened,
    }
    missing = [name for name, share in shares.items() if share is None]
    seen = {name: share for name, share in shares.items() if share is not None}
    weakest = min(seen, key=lambda name: seen[name], default="")
    reason = f"not observed: {', '.join(missing)}" if missing else f"the weakest share: {weakest}"
    return SystemHealth(
        # Cut, not rounded: 999 of 1000 must never read as all.
        figure=None if missing else math.floor(seen[weakest] * 1000 + 1e-9) / 10,
        proven=proven,
        serving=served,
        unburdened=unburdened,
        reason=reason,
    )
