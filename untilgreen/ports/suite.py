"""The user's tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from untilgreen.model.document import Document
from untilgreen.model.suite import Attempt, Control, Outcome


class SuiteOrder(Document):
    """What to run. All paths are absolute."""

    run_id: str
    """Differs per loop and cycle; traces are made from it."""
    root: str
    """The checkout of the tested commit: pytest's working directory."""
    path: str
    """Tests, relative to root."""
    python: str
    args: tuple[str, ...] = ()
    workers: int
    first_worker: int = 0
    """Number of the first one. Shards that run side by side have other numbers, so that `worker_id` keeps test data
    apart."""
    env: dict[str, str] = {}
    """Added to the environment, with URLs filled in."""
    hosts: tuple[str, ...]
    """host:port of the deployed services: only bytes to these count."""
    folder: str
    """Where the runner may write."""
    deadline_s: float
    test_timeout_s: float
    only: tuple[str, ...] = ()
    """Node ids to run; empty means all."""
    select: tuple[str, ...] = ()
    """Node id patterns, as in fnmatch: what matches none of them is left out; empty means all."""
    first: tuple[str, ...] = ()
    """Node ids to begin with, in this order, as far as shared fixtures allow."""
    spared: dict[str, int] = {}
    """Node id -> how many of the test's own first calls say that they only get it going, as its fixtures' do."""
    brief: bool = False
    """Whether nobody reads why tests fail: describing that takes longer than most tests."""
    collect_only: bool = False
    """Whether nothing is run: only what is there is wanted."""
    attempt: int = 1


class SuiteOutput(Document):
    """What came of it."""

    command: tuple[str, ...]
    python: str
    collected: tuple[str, ...]
    groups: dict[str, str] = {}
    """Node id -> the group that it must not be taken from, such as an `xdist_group`; most tests have none."""
    attempts: dict[str, Attempt]
    """Node id -> its execution. A collected test that is not here did not run, or got lost."""
    earlier: dict[str, tuple[Attempt, ...]] = {}
    """Node id -> executions before that one, where a plugin of the tests' own ran it again at once."""
    lost: dict[str, str] = {}
    """Node id -> why nobody knows how it ended."""
    exit_code: int | None
    finished: bool
    """Whether the session reported its own end."""
    collection_errors: tuple[str, ...] = ()
    skipped_modules: dict[str, str] = {}
    """Module or package that skipped itself while it was collected -> its reason. Its tests are unknown."""
    stopped: str = ""
    """Why it was stopped early, if it was."""
    output_tail: str = ""
    """The last lines that the runner printed, for messages."""
    notes: tuple[str, ...] = ()
    """What a reader should know about how it ran, for example why nothing ran side by side."""


class Pace(NamedTuple):
    """What earlier runs tell about how long this one will take."""

    seconds: Mapping[str, float] = {}
    """Node id -> how long the test usually takes."""
    workers: int = 1


NO_PACE = Pace()


class Watcher(Protocol):
    """Whoever watches a suite while it runs."""

    def collected(self, total: int) -> None:
        """Be told how many tests there are."""

    def finished(self, nodeid: str, outcome: Outcome, why: str = "") -> None:
        """Be told of one test's end, and in one line why, when it ended badly."""


Halt = Callable[[], str]
"""Says why a run should end now; an empty text lets it go on."""


def never() -> str:
    """Let a run go on whatever happens."""
    return ""


class Suite(Protocol):
    """Runs the user's tests in the user's own environment."""

    def run(self, order: SuiteOrder, watcher: Watcher, halt: Halt = never) -> SuiteOutput:
        """Run them and lose nothing.

        Args:
            order: what to run.
            watcher: is told what happens.
            halt: is asked several times a second; when it gives a reason, the run ends within a second and what has
                not run is left over, for that reason.

        Raises:
            SuiteCrashed: the runner could not even start.
        """

    def recover(self, order: SuiteOrder) -> SuiteOutput:
        """Return what an interrupted run had finished."""


class StandIns(Protocol):
    """Stand in for deployed services and answer wrongly on purpose."""

    def broken(
        self, services: Mapping[str, str], control: Control, *, entirely: bool = False
    ) -> AbstractContextManager[dict[str, str]]:
        """Stand in for them as long as the context lasts.

        Args:
            services: name -> URL of the real one.
            control: what is answered instead.
            entirely: whether fixtures get that, too. Otherwise what says that it comes from a fixture is answered by
                the real service, WebSockets excepted: nobody knows where in a conversation the test itself begins.

        Returns:
            Name -> URL of what stands in for it.
        """
