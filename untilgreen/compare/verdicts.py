"""What became of each fix: the cycle after it decides, not the words that it came with.

A fix is confirmed only when its signature is gone while its own tests passed, really, on a revision that contains it.
What passed before it and fails with it in every attempt condemns it, whatever else it mended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from untilgreen.compare.observed import Observed
from untilgreen.model.analysis import AppliedFix, Comparison
from untilgreen.model.fix_verdict import Effect, FixVerdict, FixVerdicts
from untilgreen.settings import FILE

_SHOWN = 5
"""Tests that a verdict names."""


@dataclass(frozen=True)
class Standing:
    """A fix that the branch holds."""

    fix: AppliedFix
    cycle: int
    """After which it was committed, the last time."""
    first: int
    """After which it was committed for the first time: cycles up to here knew nothing of it."""
    group: str
    claim: str
    cases: frozenset[str]
    """The tests that failed for its cause."""
    earlier: tuple[FixVerdict, ...] = ()
    """What cycles have said of it since it was committed the last time, the oldest first."""

    @property
    def fresh(self) -> bool:
        """Tell whether no cycle has yet shown what it does without suspecting it: what breaks now may be its doing."""
        return not any(verdict.effect in (Effect.CONFIRMED, Effect.INEFFECTIVE) for verdict in self.earlier)


@dataclass(frozen=True)
class Aftermath:
    """What a cycle shows, as far as fixes are concerned."""

    now: Observed
    earlier: Sequence[Observed]
    comparison: Comparison
    real: Mapping[str, tuple[str, ...]]
    """Test -> the revisions that answered it, for tests proven real."""
    contained: frozenset[str]
    """Commits of fixes that the tested commit holds."""
    broken: Mapping[str, str]
    """Service -> why its rollout failed, for those that served before."""
    sources: Mapping[str, str]
    """Service -> folder of its build context."""

    @cached_property
    def names(self) -> dict[str, str]:
        """Return an earlier name of a group -> its name now, as the comparisons tell."""
        known = [seen.comparison for seen in self.earlier if seen.comparison]
        return {c.was: c.group for made in (*known, self.comparison) for c in made.changes if c.was}

    def name(self, group: str) -> str:
        """Return what a group is called now."""
        seen: set[str] = set()
        while group in self.names and group not in seen:
            seen.add(group)
            group = self.names[group]
        return group

    @cached_property
    def failing(self) -> dict[str, tuple[str, ...]]:
        """Return the groups that show now -> their tests."""
        return {group.id: group.cases for group in self.now.seen}

    def broken_by(self, fix: AppliedFix) -> dict[str, str]:
        """Return the services that a fix touched and that failed to be rolled out -> why."""
        return {name: why for name, why in self.broken.items() if _touches(fix, self.sources.get(name, ""))}

    def regressions(self, until: int) -> list[str]:
        """Return the tests that passed when last executed up to a cycle, and fail now in every attempt."""
        before = sorted((seen for seen in self.earlier if seen.number <= until), key=lambda seen: -seen.number)
        return sorted(test for test in self.now.by_test if self._fails(test) and _passed(test, before))

    def _fails(self, test: str) -> bool:
        result = self.now.by_test[test]
        tried = [attempt for attempt in result.attempts if attempt.outcome.bad]
        steady = self.now.executed(test) and test not in self.now.unsteady
        return steady and bool(tried) and len(tried) == len(result.attempts)


def _passed(test: str, newest_first: Sequence[Observed]) -> bool:
    seen = next((cycle for cycle in newest_first if cycle.executed(test)), None)
    return seen is not None and seen.passed(test) and test not in seen.unsteady


def _touches(fix: AppliedFix, source: str) -> bool:
    """Tell whether a fix changes a build context, or the settings that every revision is made by."""
    context = PurePosixPath(source)
    return any(path == FILE or PurePosixPath(path).is_relative_to(context) for path in fix.files)


_Said = tuple[Effect, str, tuple[str, ...]]
Rule = Callable[[Standing, Aftermath], _Said | None]


def absent(standing: Standing, after: Aftermath) -> _Said | None:
    """A commit without the fix says nothing of it."""
    if standing.fix.commit in after.contained:
        return None
    return Effect.UNPROVEN, "the tested commit does not contain it", ()


def brought_down(standing: Standing, after: Aftermath) -> _Said | None:
    """A service that it touches, that served before it and cannot be rolled out with it, was broken by it.

    One such cycle leaves room for a fix that mends it forward; the second one condemns it.
    """
    mine = after.broken_by(standing.fix) if standing.fresh and not after.now.ran else {}
    if not mine:
        return None
    told = "; ".join(f"{name}: {why}" for name, why in sorted(mine.items()))
    reason = f"served before it and cannot be rolled out with it: {told}"
    return (Effect.REGRESSED if standing.earlier else Effect.UNPROVEN), reason, tuple(sorted(mine))


def unobserved(_standing: Standing, after: Aftermath) -> _Said | None:
    """Without a suite there is nothing to see."""
    return None if after.now.ran else (Effect.UNPROVEN, "no test ran, so nothing was exercised", ())


def broke_what_passed(standing: Standing, after: Aftermath) -> _Said | None:
    """Tests that passed before it fail in every attempt since."""
    lost = after.regressions(standing.first) if standing.fresh else []
    if not lost:
        return None
    reason = f"{len(lost)} tests that passed in cycle {standing.first} fail now in every attempt"
    return Effect.REGRESSED, reason, tuple(lost[:_SHOWN])


def still_there(standing: Standing, after: Aftermath) -> _Said | None:
    """Its signature shows: the target still fails, or fails again."""
    name = after.name(standing.group)
    if name not in after.failing:
        return None
    tests = after.failing[name]
    confirmed = [v.judged_in for v in standing.earlier if v.effect is Effect.CONFIRMED]
    again = f"it was confirmed in cycle {confirmed[-1]} and its signature is back" if confirmed else ""
    reason = again or "its signature is still there"
    return Effect.INEFFECTIVE, f"{reason}: {len(tests)} tests fail with it", tuple(tests[:_SHOWN])


def exercised(standing: Standing, after: Aftermath) -> _Said | None:
    """Its signature is gone while its own tests passed, and were answered by the revision with the fix."""
    passed = sorted(
        t for t in standing.cases if after.now.passed(t) and t in after.real and t not in after.now.unsteady
    )
    if not passed:
        return None
    revisions = sorted({revision for test in passed for revision in after.real[test]})
    reason = f"its signature is gone, and {len(passed)} of its {len(standing.cases)} tests passed and are proven real"
    return Effect.CONFIRMED, reason, (*passed[:_SHOWN], *revisions)


def came_up(standing: Standing, after: Aftermath) -> _Said | None:
    """What kept everything from being tested has no tests of its own: that they ran, really, is what shows it gone."""
    if standing.cases or not after.real:
        return None
    revisions = sorted({revision for answered in after.real.values() for revision in answered})
    reason = f"what it mends kept everything from being tested; now {len(after.real)} tests are proven real"
    return Effect.CONFIRMED, reason, tuple(revisions)


def not_exercised(standing: Standing, after: Aftermath) -> _Said | None:
    """Silence confirms nothing."""
    ran = sum(after.now.executed(test) for test in standing.cases)
    reason = f"its signature is not seen, but of its {len(standing.cases)} tests {ran} ran and none is proven to pass"
    return Effect.UNPROVEN, reason, ()


RULES: tuple[Rule, ...] = (
    absent,
    brought_down,
    unobserved,
    broke_what_passed,
    still_there,
    exercised,
    came_up,
    not_exercised,
)
"""The first that knows an answer gives it; the last one always does."""


def judge_fixes(standing: Sequence[Standing], after: Aftermath) -> FixVerdicts:
    """Judge every fix that the branch holds by what a cycle shows."""
    return FixVerdicts(verdicts=tuple(_verdict(one, after) for one in standing))


def _verdict(standing: Standing, after: Aftermath) -> FixVerdict:
    said = next(answer for rule in RULES if (answer := rule(standing, after)))
    return FixVerdict(
        fix=standing.fix.fix,
        title=standing.fix.title,
        analysis=standing.fix.analysis,
        claim=standing.claim,
        breaks=standing.fix.breaks,
        group=standing.group,
        commit=standing.fix.commit,
        applied_in=standing.cycle,
        judged_in=after.now.number,
        effect=said[0],
        reason=said[1],
        evidence=said[2],
    )
