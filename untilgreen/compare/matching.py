"""Which cause of an earlier cycle a group is: by its signature first, by its tests last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from untilgreen.compare.observed import Observed
from untilgreen.model.analysis import Group
from untilgreen.model.suite import Attempt
from untilgreen.triage.masking import first_line, mask

SAME_TESTS = 0.6
"""Jaccard index from which two groups with different words are one cause; measured on labelled mutants."""


@dataclass(frozen=True)
class Cause:
    """A cause as it was last observed."""

    group: str
    key: str
    message: str
    services: frozenset[str]
    cases: frozenset[str]
    """All tests of the group."""
    failed: frozenset[str]
    """Those of them that were executed: only these were seen to fail."""
    count: int
    """Failing tests when it was last observed."""
    cycle: int
    """When that was; for a resolved one, when it was resolved."""
    incident: bool = False
    """Whether it hid other causes."""
    closed: bool = False
    """Whether it was resolved."""
    loop: str = ""
    """The earlier loop whose cycle is meant; empty for this one."""

    @property
    def when(self) -> str:
        """Say in which cycle it was last observed."""
        return f"cycle {self.cycle} of loop {self.loop}" if self.loop else f"cycle {self.cycle}"


def cause_of(group: Group, cycle: Observed) -> Cause:
    """Return a group as a cause."""
    return Cause(
        group=group.id,
        key=group.key,
        message=_message(group, cycle),
        services=_services(group, cycle),
        cases=frozenset(group.cases),
        failed=frozenset(test for test in group.cases if cycle.executed(test)),
        count=len(set(group.cases)),
        cycle=cycle.number,
        incident=group.id in cycle.incidents,
    )


def match(known: Iterable[Cause], found: Iterable[Cause]) -> dict[str, Cause]:
    """Pair what was found with what is known, each at most once.

    Returns:
        Id of a found group -> the known cause that it is.
    """
    left, right, pairs = list(known), list(found), dict[str, Cause]()
    for rule in RULES:
        for old, new in _best_first(rule, left, right):
            if old in left and new in right:
                pairs[new.group] = old
                left.remove(old)
                right.remove(new)
    return pairs


def _best_first(rule: Rule, known: Sequence[Cause], found: Sequence[Cause]) -> list[tuple[Cause, Cause]]:
    """Order by shared tests; ties by both names, the same whichever cycle came first."""
    pairs = [(old, new) for old in known for new in found if rule(old, new, known, found)]
    return sorted(pairs, key=lambda p: (-overlap(p[0].cases, p[1].cases), *sorted((p[0].group, p[1].group))))


def same_signature(old: Cause, new: Cause, _known: Sequence[Cause], _found: Sequence[Cause]) -> bool:
    """The fingerprint is the same."""
    return old.group == new.group or old.key == new.key


def same_message(old: Cause, new: Cause, known: Sequence[Cause], found: Sequence[Cause]) -> bool:
    """The client saw the same words; where several causes share them, they must share tests too."""
    if not old.message or old.message != new.message or _elsewhere(old, new):
        return False
    alone = sum(cause.message == old.message for cause in (*known, *found)) == len((old, new))
    return alone or bool(old.cases & new.cases)


def same_tests(old: Cause, new: Cause, _known: Sequence[Cause], _found: Sequence[Cause]) -> bool:
    """Mostly the same tests were seen to fail. A resolved cause comes back only under its own signature."""
    if old.closed or old.incident != new.incident or _elsewhere(old, new):
        return False
    return overlap(old.failed, new.failed) >= SAME_TESTS


Rule = Callable[[Cause, Cause, Sequence[Cause], Sequence[Cause]], bool]

RULES: tuple[Rule, ...] = (same_signature, same_message, same_tests)


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Jaccard index of two sets of tests, 0 for empty ones."""
    return len(one & other) / len(one | other) if one and other else 0.0


def _elsewhere(old: Cause, new: Cause) -> bool:
    """Tell whether the analyses place the two in different services."""
    return bool(old.services and new.services) and not old.services & new.services


def _services(group: Group, cycle: Observed) -> frozenset[str]:
    leaves = (analysis.leaf.claim for analysis in cycle.triage.analyses if analysis.group == group.id)
    return frozenset(name for leaf in leaves if (name := getattr(leaf, "service", "")))


def _message(group: Group, cycle: Observed) -> str:
    """Return the commonest masked message of its tests; empty when none has one."""
    failures = (attempt.failure for test in group.cases if (attempt := _last_attempt(test, cycle)))
    words = Counter(f"{f.exception}: {mask(first_line(f.message))}" for f in failures if f)
    return min(words, key=lambda text: (-words[text], text), default="")


def _last_attempt(test: str, cycle: Observed) -> Attempt | None:
    result = cycle.by_test.get(test)
    return result.last if result else None
