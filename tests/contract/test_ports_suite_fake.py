"""The fakes of Suite and Narrator; the real suite has contract tests of its own."""

from __future__ import annotations

from untilgreen.model.suite import Outcome
from untilgreen.ports import SuiteOrder
from untilgreen.testing import FakeNarrator, FakeSuite


def order(attempt: int = 1, *only: str) -> SuiteOrder:
    """Return what to run."""
    return SuiteOrder(
        run_id="r",
        root="/r",
        path="e2e",
        python="python",
        workers=1,
        hosts=(),
        folder="/f",
        deadline_s=1,
        test_timeout_s=1,
        only=only,
        attempt=attempt,
    )


def test_scripted_outcomes() -> None:
    """Each test ends as scripted for this attempt, and the watcher hears of it."""
    suite, narrator = FakeSuite({"a": [Outcome.FAILED, Outcome.PASSED], "b": [Outcome.PASSED]}), FakeNarrator()
    first, second = suite.run(order(), narrator), suite.run(order(2, "a"), narrator)
    assert {n: a.outcome for n, a in first.attempts.items()} == {"a": Outcome.FAILED, "b": Outcome.PASSED}
    assert (first.exit_code, second.exit_code, second.collected) == (1, 0, ("a",))
    assert (narrator.total, narrator.outcomes) == (1, {"a": Outcome.PASSED, "b": Outcome.PASSED})


def test_lost_tests() -> None:
    """A lost test is collected, has no attempt, and the session did not end."""
    output = FakeSuite({"a": [Outcome.PASSED]}, lost={"b": "worker died"}).run(order(), FakeNarrator())
    assert output.collected == ("a", "b")
    assert (output.lost, output.finished, set(output.attempts)) == ({"b": "worker died"}, False, {"a"})


def test_narrator_remembers() -> None:
    """What was told can be read back."""
    narrator = FakeNarrator()
    narrator.say("deploy", "backend serves")
    assert narrator.lines == [("deploy", "backend serves")]
