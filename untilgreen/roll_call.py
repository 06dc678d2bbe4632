"""Names tests in a line of proof, and says where a summary and the results differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from untilgreen.model.suite import Outcome, Result, SuiteRun

SHOWN = 3
"""Names in one line of proof; the report lists the rest."""


def named(results: Sequence[Result], outcome: Outcome) -> str:
    """Name those that ended so."""
    return listed([r for r in results if r.outcome is outcome], outcome.value.replace("_", " "))


def listed(results: Sequence[Result], what: str, *, attempts: bool = False, shown: int | None = SHOWN) -> str:
    """Say how many and the first few names, or all; empty when there are none."""
    if not results:
        return ""
    names = [f"{r.nodeid} ({_attempts(r)})" if attempts else r.nodeid for r in results[:shown]]
    more = f" and {len(results) - len(names)} more" if len(results) > len(names) else ""
    return f"{len(results)} {what}: {', '.join(names)}{more}"


def _attempts(result: Result) -> str:
    return ", ".join(f"{attempt.number} {attempt.outcome}" for attempt in result.attempts)


def disagreements(suite: SuiteRun, results: Sequence[Result]) -> list[str]:
    """Say where the runner's summary and the results differ: then one of them is wrong."""
    counts = Counter(result.outcome for result in results)
    twice = len(results) - len({result.nodeid for result in results})
    found = [f"{suite.collected} tests were collected and {len(results)} results are there"]
    differing = [o for o in Outcome if suite.count(o) != counts[o]]
    told = ", ".join(f"{suite.count(o)} {o} but {counts[o]} results say so" for o in differing)
    return [
        *(found if suite.collected != len(results) else []),
        *([f"the runner counted {told}"] if told else []),
        *([f"{twice} tests have two results"] if twice else []),
        *([] if results else ["there are no results"]),
    ]
