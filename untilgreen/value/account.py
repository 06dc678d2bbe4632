"""The value ledger: each feature's money, shared equally among its tests.

A test that is proven to pass credits its share, one that fails debits it, and everything else leaves it unobserved:
not run, lost, skipped, flaky, missing, or passed without a proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType

from untilgreen.model.retrospect import Sight, Value, ValueLine
from untilgreen.model.suite import Outcome, Result
from untilgreen.settings import FeatureValue, ValueSettings

_SHOWN = 20
"""Tests that a line names."""


def account(
    settings: ValueSettings,
    results: Sequence[Result],
    real: Mapping[str, tuple[str, ...]],
    seen: Sight,
    first: Value | None = None,
    *,
    features: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Value | None:
    """Return the value ledger of a cycle.

    Args:
        settings: which tests stand for which money.
        results: one for each collected test; none when the suite did not run.
        real: test that is proven real -> the revisions that answered it.
        seen: the cycle.
        first: the value ledger of the loop's first cycle that has one: what it did not credit was recovered.
        features: name -> patterns of the suite's settings, for features that name no tests of their own.

    Returns:
        None when the settings name no money.
    """
    if not settings.features:
        return None
    began = {line.feature: line.credited for line in first.lines} if first else {}
    lines = tuple(
        _line(name, feature, _tests_of(feature.tests or features.get(name, ()), results), real, seen, began.get(name))
        for name, feature in settings.features.items()
    )
    return Value(currency=settings.currency, lines=lines)


def _tests_of(patterns: Sequence[str], results: Sequence[Result]) -> list[Result]:
    return [result for result in results if any(fnmatchcase(result.nodeid, pattern) for pattern in patterns)]


def _line(  # noqa: PLR0917 - one feature: its name, money, tests, proofs, cycle and beginning
    name: str,
    feature: FeatureValue,
    tests: Sequence[Result],
    real: Mapping[str, tuple[str, ...]],
    seen: Sight,
    began: float | None,
) -> ValueLine:
    proven = sorted(result.nodeid for result in tests if result.outcome is Outcome.PASSED and result.nodeid in real)
    failed = sorted(result.nodeid for result in tests if result.outcome.bad)
    whole = max(len(tests), feature.minimum)
    credited = round(feature.per_month * len(proven) / whole, 2)
    debited = round(feature.per_month * len(failed) / whole, 2)
    at_first = credited if began is None else began
    return ValueLine(
        feature=name,
        per_month=feature.per_month,
        tests=whole,
        proven=len(proven),
        failed=len(failed),
        credited=credited,
        debited=debited,
        unobserved=max(0.0, round(feature.per_month - credited - debited, 2)),
        recovered=max(0.0, round(credited - at_first, 2)),
        credited_at_first=at_first,
        proofs=tuple(proven[:_SHOWN]),
        debits=tuple(failed[:_SHOWN]),
        revisions=tuple(sorted({revision for test in proven for revision in real[test]})),
        seen=seen,
        note=_note(len(tests), feature),
    )


def _note(collected: int, feature: FeatureValue) -> str:
    if not collected:
        return "no collected test matches its patterns"
    return f"{collected} of at least {feature.minimum} tests were collected" if collected < feature.minimum else ""
