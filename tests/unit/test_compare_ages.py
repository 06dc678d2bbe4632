"""Compare: each cause is followed over cycles and loops, with its age and where it was first seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.unit.report_story import result
from tests.unit.test_compare_step import PASSED, cycle, group
from untilgreen.compare.ages import REMEMBERED, trace
from untilgreen.compare.observed import Observed
from untilgreen.model.analysis import Group
from untilgreen.model.retrospect import CausePast, Course, Sight
from untilgreen.model.suite import Outcome

BEGAN = datetime(2031, 5, 6, tzinfo=UTC)


def seen(loop: str, number: int, hour: int) -> Sight:
    """Return a cycle's place in time."""
    return Sight(loop=loop, cycle=number, commit=f"c{hour}", at=BEGAN + timedelta(hours=hour))


def after(*steps: tuple[str, Observed]) -> tuple[CausePast, ...]:
    """Return the rows of the last cycle, of cycles in these loops."""
    rows: tuple[CausePast, ...] = ()
    closed: tuple[CausePast, ...] = ()
    past: list[Observed] = []
    for hour, (loop, now) in enumerate(steps):
        rows, closed = trace((*rows, *closed), now, past, seen(loop, now.number, hour))
        past = [now]
    return (*rows, *closed)


def one(*steps: tuple[str, Observed]) -> CausePast:
    """Return the only row."""
    (row,) = after(*steps)
    return row


A = group("a", "abc")


def test_a_cause_of_an_earlier_loop_is_not_new() -> None:
    """A cause that an earlier loop left open is persistent, and keeps its first commit, cycle and loop."""
    row = one(("monday", cycle(1, A)), ("tuesday", cycle(1, A)))
    assert (row.course, row.age) == (Course.PERSISTENT, 1)
    assert row.first_seen == seen("monday", 1, 0)


def test_a_cause_that_an_earlier_loop_resolved_recurs() -> None:
    """What an earlier loop resolved and this one sees again has recurred, and says when it was resolved."""
    row = one(("monday", cycle(1, A)), ("monday", cycle(2)), ("tuesday", cycle(1, A)))
    assert (row.course, row.recurrences, row.age, row.closed) == (Course.RECURRED, 1, 2, False)
    assert "cycle 2 of loop monday" in row.note


def test_resolved_in_a_later_loop() -> None:
    """A cause of an earlier loop is resolved when all of its tests ran and passed in this one."""
    row = one(("monday", cycle(1, A)), ("tuesday", cycle(1)))
    assert (row.course, row.closed, row.last_seen.loop) == (Course.RESOLVED, True, "tuesday")


def test_kept_while_it_stays_resolved() -> None:
    """A resolved cause is remembered without being told of again, so that it can come back much later."""
    steps = [("monday", cycle(1, A)), *((day, cycle(1)) for day in ("tuesday", "wednesday", "thursday"))]
    assert one(*steps).closed
    assert one(*steps, ("friday", cycle(1, A))).course is Course.RECURRED


def test_tests_that_did_not_run_resolve_nothing() -> None:
    """A cause whose tests did not run is not_run, and was last seen when it was last seen."""
    row = one(("monday", cycle(1, A)), ("tuesday", cycle(1, ran=False)))
    assert (row.course, row.now, row.last_seen) == (Course.NOT_RUN, None, seen("monday", 1, 0))
    assert one(("monday", cycle(1, A)), ("tuesday", cycle(1, ran=False)), ("tuesday", cycle(2, A))).age == 2


def test_hidden_by_an_incident_is_masked() -> None:
    """A cause behind an incident is masked, not not_run."""
    incident = group("down", "d")
    hidden = Group(id="g-a", key="key a", cases=tuple("abc"), masked_by="g-down")
    rows = {row.group: row.course for row in after(("m", cycle(1, A)), ("t", cycle(2, incident, hidden)))}
    assert rows["g-a"] is Course.MASKED


def test_changed_keeps_its_age() -> None:
    """The same tests under another signature are one cause, which changed."""
    row = one(("m", cycle(1, A)), ("t", cycle(1, group("other", "abc", key="other words"))))
    assert (row.course, row.first_seen.loop, row.group) == (Course.CHANGED, "m", "g-other")


def test_improved_over_loops() -> None:
    """Fewer failing tests than the earlier loop saw, and the others passed: improved."""
    assert one(("m", cycle(1, A)), ("t", cycle(1, group("a", "ab")))).course is Course.IMPROVED


def test_flaky_is_never_resolved() -> None:
    """A cause whose last test passes in some attempts only is flaky."""
    shaky = result("a", PASSED)
    last = shaky.attempts[-1]
    failed = last.model_copy(update={"outcome": Outcome.FAILED})
    twice = shaky.model_copy(update={"attempts": (failed, last.model_copy(update={"number": 2}))})
    row = one(("m", cycle(1, group("a", "a"))), ("t", cycle(1, results=[twice])))
    assert (row.course, row.closed) == (Course.FLAKY, False)


def test_revealed_after_a_loop_that_could_not_test() -> None:
    """A cause that the last cycle of the loop before could not have shown is revealed."""
    assert one(("m", cycle(1, ran=False)), ("t", cycle(1, A))).course is Course.REVEALED


def test_the_memory_has_a_bound() -> None:
    """Of resolved causes only the newest are kept, however many nights there were."""
    old = one(("m", cycle(1, A)), ("m", cycle(2)))
    many = [
        old.model_copy(update={"group": f"g-{n}", "key": f"k{n}", "last_seen": seen("m", 2, n)})
        for n in range(REMEMBERED + 5)
    ]
    rows, closed = trace(many, cycle(3), [], seen("t", 1, REMEMBERED + 5))
    assert rows == ()
    assert [row.group for row in closed] == [f"g-{n}" for n in range(5, REMEMBERED + 5)]
