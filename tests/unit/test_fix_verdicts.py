"""The next cycle decides: what a fix did is read from tests and signatures, never from what it says of itself."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.report_story import result, why
from untilgreen.compare.step import Observed, compare
from untilgreen.compare.verdicts import Aftermath, Standing, judge_fixes
from untilgreen.fix.standing import Chapter, attempts, standing, tried
from untilgreen.fix.undo import plan, undo
from untilgreen.model.analysis import Analysis, AppliedFix, Fixes, Group, Triage
from untilgreen.model.claims import ServiceDown
from untilgreen.model.cycle import Run
from untilgreen.model.fix_verdict import Effect, FixVerdict, FixVerdicts, RevertedFix, Undone
from untilgreen.model.suite import Outcome, Result
from untilgreen.testing import FakeHistory
from untilgreen.testing.history import diff_of

TESTS = tuple("abcdef")
FAILED, PASSED = Outcome.FAILED, Outcome.PASSED


def applied(name: str, commit: str = "", files: tuple[str, ...] = ("web/app.py",)) -> AppliedFix:
    """Return a committed fix."""
    return AppliedFix(
        fix=f"fix-{name}",
        title=f"Mend {name}",
        analysis=f"an-{name}",
        breaks=f"service_down {name}",
        commit=commit or f"commit-{name}",
        branch="untilgreen/loop",
        files=files,
    )


def group(name: str, cases: str, masked_by: str = "") -> Group:
    """Return a group of failing tests."""
    return Group(id=f"g-{name}", key=f"key {name}", cases=tuple(cases), masked_by=masked_by)


def cycle(number: int, *groups: Group, ran: bool = True, results: Iterable[Result] = ()) -> Observed:
    """Return a cycle in which the tests of the groups fail twice, and all others pass."""
    bad = {test: f"{g.id} broke" for g in groups for test in g.cases}
    told = {r.nodeid: r for r in results}
    rows = [
        told.get(t) or (result(t, FAILED, FAILED, message=bad[t]) if t in bad else result(t, PASSED)) for t in TESTS
    ]
    return Observed(number=number, ran=ran, triage=Triage(groups=groups, analyses=()), results=tuple(rows))


def stands(name: str = "x", cases: str = "ab", *earlier: Effect, after: int = 1) -> Standing:
    """Return a fix that was committed after a cycle, for the cause of the same name."""
    fix = applied(name)
    said = tuple(verdict(fix, effect, after + n) for n, effect in enumerate(earlier, 1))
    return Standing(fix, after, after, f"g-{name}", "service_down", frozenset(cases), said)


def verdict(fix: AppliedFix, effect: Effect, judged_in: int) -> FixVerdict:
    """Return a verdict."""
    return FixVerdict(
        fix=fix.fix,
        title=fix.title,
        analysis=fix.analysis,
        claim="service_down",
        breaks=fix.breaks,
        group=fix.analysis.replace("an-", "g-"),
        commit=fix.commit,
        applied_in=1,
        judged_in=judged_in,
        effect=effect,
        reason="because",
    )


def judged(
    one: Standing, now: Observed, *earlier: Observed, real: str = "abcdef", held: bool = True, broken: str = ""
) -> FixVerdict:
    """Let a cycle judge a fix."""
    after = Aftermath(
        now=now,
        earlier=earlier,
        comparison=compare(now, earlier),
        real=dict.fromkeys(real, ("web-2",)),
        contained=frozenset({one.fix.commit} if held else ()),
        broken={broken: "HealthCheckContainerError"} if broken else {},
        sources={"web": "web", "auth": "auth"},
    )
    return judge_fixes([one], after).verdicts[0]


BEFORE = cycle(1, group("x", "ab"))


def test_confirmed_by_its_own_tests() -> None:
    """A fix is confirmed when its signature is gone and its tests passed, really, on a revision that contains it."""
    said = judged(stands(), cycle(2), BEFORE)
    assert (said.effect, said.evidence) == (Effect.CONFIRMED, ("a", "b", "web-2"))


def test_one_real_pass_is_enough_and_none_is_not() -> None:
    """Passes that reached no revision confirm nothing."""
    assert judged(stands(), cycle(2), BEFORE, real="b").effect is Effect.CONFIRMED
    assert judged(stands(), cycle(2), BEFORE, real="cdef").effect is Effect.UNPROVEN


def test_ineffective_while_the_signature_shows() -> None:
    """A target that still fails makes it ineffective, however many of its tests pass now."""
    assert judged(stands(), BEFORE.model_copy(update={"number": 2}), BEFORE).effect is Effect.INEFFECTIVE
    assert judged(stands(), cycle(2, group("x", "a")), BEFORE).effect is Effect.INEFFECTIVE


def test_unproven_when_nothing_ran() -> None:
    """A signature that nobody could see is not gone."""
    assert judged(stands(), cycle(2, ran=False), BEFORE).effect is Effect.UNPROVEN
    skipped = [result(t, Outcome.SKIPPED, reason="later") for t in "ab"]
    assert judged(stands(), cycle(2, results=skipped), BEFORE).effect is Effect.UNPROVEN
    hidden = cycle(2, group("down", ""), group("y", "ab", masked_by="g-down"))
    assert judged(stands(), hidden, BEFORE).effect is Effect.UNPROVEN


def test_unproven_without_it() -> None:
    """A commit that does not contain the fix says nothing of it, in either direction."""
    assert judged(stands(), cycle(2), BEFORE, held=False).effect is Effect.UNPROVEN
    assert judged(stands(), cycle(2, group("y", "c")), BEFORE, held=False).effect is Effect.UNPROVEN


def test_flaky_passes_confirm_nothing() -> None:
    """A pass among failures, and a pass of a test known as flaky, do not show that the cause is gone."""
    flaky = [result(t, FAILED, PASSED) for t in "ab"]
    assert judged(stands(), cycle(2, results=flaky), BEFORE).effect is Effect.UNPROVEN
    known = cycle(2).model_copy(update={"unsteady": frozenset("ab")})
    assert judged(stands(), known, BEFORE).effect is Effect.UNPROVEN


def test_regressed_by_what_passed_before() -> None:
    """Tests that passed before and fail now in every attempt condemn it, even if its own target is gone."""
    said = judged(stands(), cycle(2, group("y", "cd")), BEFORE)
    assert (said.effect, said.evidence) == (Effect.REGRESSED, ("c", "d"))


@pytest.mark.parametrize(
    "row",
    [result("c", FAILED, PASSED), result("c", PASSED, FAILED), result("c", Outcome.LOST), result("c", Outcome.NOT_RUN)],
    ids=["failed once", "failed the second time", "lost", "not run"],
)
def test_not_regressed_by_less(row: Result) -> None:
    """One failure among passes, a lost test or one that did not run condemns nobody."""
    assert judged(stands(), cycle(2, results=[row]), BEFORE).effect is Effect.CONFIRMED


def test_not_regressed_by_known_flakes_or_old_failures() -> None:
    """A test known as flaky, and one that failed already before the fix, are not its doing."""
    now = cycle(2, group("y", "c"))
    assert judged(stands(), now.model_copy(update={"unsteady": frozenset("c")}), BEFORE).effect is Effect.CONFIRMED
    failed_before = cycle(1, group("x", "ab"), group("y", "c"))
    assert judged(stands(), now, failed_before).effect is Effect.CONFIRMED


def test_not_regressed_once_cleared() -> None:
    """What breaks after a cycle confirmed it is not its doing."""
    past = [BEFORE, cycle(2)]
    assert judged(stands("x", "ab", Effect.CONFIRMED), cycle(3, group("y", "c")), *past).effect is Effect.CONFIRMED
    assert judged(stands("x", "ab", Effect.UNPROVEN), cycle(3, group("y", "c")), *past).effect is Effect.REGRESSED
    hidden = stands("x", "ab", Effect.CONFIRMED, Effect.UNPROVEN)
    assert judged(hidden, cycle(4, group("y", "c")), *past).effect is Effect.CONFIRMED


def test_disproved_when_its_signature_returns() -> None:
    """A confirmed fix is disproved when its signature is back on a later revision."""
    said = judged(stands("x", "ab", Effect.CONFIRMED), cycle(3, group("x", "ab")), BEFORE, cycle(2))
    assert said.effect is Effect.INEFFECTIVE
    assert "confirmed in cycle 2 and its signature is back" in said.reason


def test_regressed_by_a_service_that_no_longer_starts() -> None:
    """A service that it touches and that no longer starts condemns it when a further cycle has not mended that."""
    down, still = cycle(2, ran=False), cycle(3, ran=False)
    once = judged(stands(), down, BEFORE, broken="web")
    assert once.effect is Effect.UNPROVEN
    assert "cannot be rolled out with it" in once.reason
    twice = stands("x", "ab", Effect.UNPROVEN)
    assert judged(twice, still, BEFORE, down, broken="web").effect is Effect.REGRESSED
    assert judged(twice, still, BEFORE, down, broken="auth").effect is Effect.UNPROVEN


def test_confirmed_when_everything_can_be_tested_again() -> None:
    """A fix for what kept all tests from running is confirmed when they run and are proven real."""
    before, stuck = cycle(1, group("down", ""), ran=False), stands("down", "")
    assert judged(stuck, cycle(2), before).effect is Effect.CONFIRMED
    assert judged(stuck, cycle(2), before, real="").effect is Effect.UNPROVEN
    assert judged(stuck, cycle(2, ran=False), before).effect is Effect.UNPROVEN


def test_follows_a_cause_under_its_new_name() -> None:
    """A signature that got another fingerprint is still the same cause."""
    second = cycle(2, Group(id="g-z", key="key x", cases=("a", "b")))
    second = second.model_copy(update={"comparison": compare(second, [BEFORE])})
    third = cycle(3, Group(id="g-w", key="key x", cases=("a", "b")))
    assert judged(stands(), third, BEFORE, second).effect is Effect.INEFFECTIVE


# ---- what the branch holds -----------------------------------------------------------------------------------------


def chapter(number: int, *fixes: AppliedFix, said: dict[str, Effect] | None = None, **more: object) -> Chapter:
    """Return what a cycle left: fixes committed after it, and its verdicts on earlier ones."""
    analyses = tuple(
        Analysis(
            id=fix.analysis,
            author="a",
            group=f"g-{fix.title[-1]}",
            cases=("a",),
            whys=(why(1, "?", "!", ServiceDown(service="web"), leaf=True),),
        )
        for fix in fixes
    )
    groups = tuple(group(fix.title[-1], "ab") for fix in fixes)
    verdicts = FixVerdicts(verdicts=tuple(verdict(applied(n), e, number) for n, e in (said or {}).items()))
    return Chapter(
        number=number,
        triage=Triage(groups=groups, analyses=analyses),
        verdicts=verdicts,
        fixes=Fixes(reviews=(), applied=fixes, commit="c"),
        undone=Undone.model_validate({"commit": "c", **more}) if more else None,
    )


def test_standing_fixes() -> None:
    """A fix stands from its commit until it is reverted, with what cycles have said of it since."""
    story = [chapter(1, applied("x"), applied("y")), chapter(2, said={"x": Effect.CONFIRMED, "y": Effect.REGRESSED})]
    x, y = standing(story)
    assert (x.claim, x.group, x.cases, x.fresh, y.fresh) == ("service_down", "g-x", frozenset("ab"), False, True)
    gone = RevertedFix(fix="fix-y", title="", reverts="commit-y", commit="r", reason="")
    story[1] = chapter(2, said={"y": Effect.REGRESSED}, reverted=(gone,))
    assert [s.fix.fix for s in standing(story)] == ["fix-x"]
    story.append(chapter(3, reapplied=(applied("y", "again"),)))
    again = standing(story)[-1]
    assert (again.fix.commit, again.first, again.cycle, again.earlier) == ("again", 1, 3, ())


def test_never_tried_twice() -> None:
    """What was committed or quarantined is not tried again."""
    assert tried([chapter(1, applied("x")), chapter(2, quarantined=("fix-z",))]) == {"fix-x", "fix-z"}


def test_attempts_in_vain() -> None:
    """Fixes that did not help are counted for their signature and for the why that they wanted to break."""
    story = [chapter(1, applied("x")), chapter(2, applied("x"), said={"x": Effect.INEFFECTIVE})]
    assert attempts(story) == {"g-x": ("Mend x",), "service_down x": ("Mend x",)}
    assert attempts([*story, chapter(3, said={"x": Effect.UNPROVEN})]) == attempts(story)
    assert attempts([chapter(1, applied("x")), chapter(2, said={"x": Effect.CONFIRMED})]) == {}


# ---- taking back -----------------------------------------------------------------------------------------------------

RUN = Run(loop="loop", cycle=2, commit="", root="", state="")


def test_one_suspect_is_reverted_and_quarantined() -> None:
    """A single fix that broke something is taken back for good."""
    planned = plan([stands("x", "a", Effect.REGRESSED), stands("y", "b", Effect.CONFIRMED)], (), last=False)
    assert ([f.fix for f in planned.revert], [f.fix for f in planned.quarantine]) == (["fix-x"], ["fix-x"])


def test_nothing_is_done_without_a_regression() -> None:
    """Ineffective and unproven fixes stay: whoever merges the branch reads what they did."""
    kept = [stands("x", "a", Effect.INEFFECTIVE), stands("y", "b", Effect.UNPROVEN), stands("z", "c")]
    assert plan(kept, (), last=False) == plan([], (), last=True)


def test_the_last_cycle_tries_nothing() -> None:
    """When no cycle is left, every suspect is taken back, and the notes say that the guilty one is not known."""
    planned = plan([stands(n, "a", Effect.REGRESSED) for n in "xy"], (), last=True)
    assert (len(planned.revert), planned.quarantine, planned.waiting) == (2, (), ())
    assert "without knowing" in planned.notes[0]


@given(st.integers(1, 9), st.data())
def test_bisection_finds_the_guilty(count: int, data: st.DataObject) -> None:
    """Whatever the number of fixes and the guilty ones among them: all of these end up quarantined, no other does."""
    names = [chr(ord("A") + n) for n in range(count)]
    guilty = data.draw(st.sets(st.sampled_from(names), min_size=1))
    inside, fresh = list(names), set(names)
    waiting: tuple[tuple[AppliedFix, ...], ...] = ()
    convicted: set[str] = set()
    for _ in range(6 * count):
        bad = bool(guilty & set(inside))
        held = [stands(n, "a", Effect.REGRESSED if bad and n in fresh else Effect.CONFIRMED) for n in inside]
        if not bad:
            fresh -= set(inside)
        planned = plan(held, waiting, last=False)
        waiting = planned.waiting
        gone, back = ({f.title[-1] for f in fixes} for fixes in (planned.revert, planned.reapply))
        convicted |= {f.title[-1] for f in planned.quarantine}
        inside = [n for n in inside if n not in gone] + sorted(back)
        if not planned.revert and not planned.reapply:
            break
    assert (convicted, waiting, sorted(inside)) == (guilty, (), sorted(set(names) - guilty))


def committed(history: FakeHistory, name: str, path: str, text: str) -> AppliedFix:
    """Commit a change to the branch, and return it as a fix."""
    tip = history.branches.get("b", history.head)
    tree = {p: history.read(tip, p) or "" for p in history.files(tip)}
    sha = history.commit_patch(tip, diff_of(tree, {**tree, path: text}), name, "b")
    return applied(name, sha, (path,))


def test_undone_by_commits_of_their_own() -> None:
    """Each revert, and each further try, is a commit with trailers; the tree is as it was without the fix."""
    history = FakeHistory(("base", {"web/app.py": "one\n", "auth/app.py": "one\n"}))
    x, y = committed(history, "x", "web/app.py", "two\n"), committed(history, "y", "auth/app.py", "two\n")
    run = RUN.model_copy(update={"commit": y.commit})
    held = [stands("x", "a", Effect.REGRESSED), stands("y", "b", Effect.REGRESSED)]
    real = [Standing(f, 1, 1, s.group, s.claim, s.cases, s.earlier) for f, s in zip((x, y), held, strict=True)]
    first = undo(run, plan(real, (), last=False), history, "b")
    assert [taken.fix for taken in first.reverted] == ["fix-y"]
    assert (history.read(first.commit, "web/app.py"), history.read("b", "auth/app.py")) == ("two\n", "one\n")
    second = undo(
        run.model_copy(update={"commit": first.commit}), plan(real[:1], first.waiting, last=False), history, "b"
    )
    assert ([t.fix for t in second.reverted], second.quarantined) == (["fix-x"], ("fix-x",))
    assert [fix.fix for fix in second.reapplied] == ["fix-y"]
    assert (history.read(second.commit, "web/app.py"), history.read("b", "auth/app.py")) == ("one\n", "two\n")
    assert history.log("b", 1)[0].sha == second.commit == second.reapplied[0].commit


def test_not_reverted_over_later_changes() -> None:
    """What somebody changed since is not overwritten: a person takes the fix back."""
    history = FakeHistory(("base", {"web/app.py": "one\n"}))
    x = committed(history, "x", "web/app.py", "two\n")
    later = committed(history, "y", "web/app.py", "three\n")
    held = [Standing(x, 1, 1, "g", "c", frozenset(), (verdict(x, Effect.REGRESSED, 2),))]
    done = undo(RUN.model_copy(update={"commit": later.commit}), plan(held, (), last=False), history, "b")
    assert (done.commit, done.reverted[0].commit) == (later.commit, "")
    assert "by hand" in done.reverted[0].reason
