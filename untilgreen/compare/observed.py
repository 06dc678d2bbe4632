"""What one cycle saw, and what may be concluded from it about a single test."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

from untilgreen.model.analysis import Comparison, Group, Triage
from untilgreen.model.document import Document
from untilgreen.model.suite import Outcome, Result

_EXECUTED = frozenset({Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.XFAILED, Outcome.XPASSED})
_PASSED = frozenset({Outcome.PASSED, Outcome.XPASSED})
_UNASKED = frozenset({Outcome.SKIPPED, Outcome.XFAILED})
"""Outcomes that the author chose: they neither pass nor fail, so no rate counts them."""


class Observed(Document):
    """One cycle's facts: what was asked of the tests, what they answered, how the failures were grouped."""

    number: int
    ran: bool
    """False when nothing healthy was there to test: then no result counts as an observation."""
    triage: Triage
    results: tuple[Result, ...]
    comparison: Comparison | None = None
    """What was said of it then. Shown elsewhere; here the facts are gone through again."""
    unsteady: frozenset[str] = frozenset()
    """Tests that their history over all cycles calls flaky: that one of them passes once resolves nothing."""

    @cached_property
    def by_test(self) -> dict[str, Result]:
        """Return the results by node id; empty when the suite did not run."""
        return {result.nodeid: result for result in self.results} if self.ran else {}

    @cached_property
    def seen(self) -> tuple[Group, ...]:
        """Return the groups that could be observed."""
        return tuple(group for group in self.triage.groups if not group.masked_by)

    @cached_property
    def masked(self) -> tuple[Group, ...]:
        """Return the groups that an incident hid."""
        return tuple(group for group in self.triage.groups if group.masked_by)

    @cached_property
    def incidents(self) -> frozenset[str]:
        """Return the ids of the groups that hide others."""
        return frozenset(group.masked_by for group in self.masked)

    @cached_property
    def masked_tests(self) -> frozenset[str]:
        """Return the tests whose outcome says nothing, because an incident made it."""
        return frozenset(test for group in self.masked for test in group.cases)

    def executed(self, test: str) -> bool:
        """Tell whether a test ran to its end, and nothing masked what it would have shown."""
        result = self.by_test.get(test)
        return result is not None and result.outcome in _EXECUTED and test not in self.masked_tests

    def passed(self, test: str) -> bool:
        """Tell whether a test was executed and every attempt passed: a flaky test did not pass."""
        result = self.by_test.get(test)
        if result is None or result.outcome not in _PASSED:
            return False
        return self.executed(test) and all(attempt.outcome in _PASSED for attempt in result.attempts)

    def flaky(self, test: str) -> bool:
        """Tell whether a test passed only in some of its attempts, now or as its history knows it."""
        result = self.by_test.get(test)
        if result is None or result.outcome not in _PASSED or not self.executed(test):
            return False
        return test in self.unsteady or not self.passed(test)

    def hid(self, test: str) -> bool:
        """Tell whether a cause behind this test could not have been seen: it did not run, or failed for another one."""
        return not self.ran or (test in self.by_test and not self.passed(test))

    @property
    def pass_rate(self) -> float | None:
        """Return passed tests by tests that were asked, 0 to 1; None when none was executed.

        Tests that did not run or got lost were asked and count against it; skipped and expected failures were not.
        """
        counts = Counter(result.outcome for result in self.by_test.values())
        asked = sum(count for outcome, count in counts.items() if outcome not in _UNASKED)
        if not asked or not any(counts[outcome] for outcome in _EXECUTED):
            return None
        return sum(counts[outcome] for outcome in _PASSED) / asked
