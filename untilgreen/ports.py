"""What the core asks of the world: our nouns in and out, never a vendor's.

Each port has an adapter under `adapters/` and an in-memory fake in `testing.py`; both pass the same contract tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from untilgreen.model.analysis import Analysis, Fix
from untilgreen.model.delivery import (
    HealthCheck,
    RevisionState,
    SecretBinding,
    SecretStatus,
    ServiceState,
    Template,
)
from untilgreen.model.document import Document, Instant, Window
from untilgreen.model.evidence import Entry, Request
from untilgreen.model.suite import Attempt, Outcome


class Registry(Protocol):
    """Keeps images by digest."""

    def push(self, name: str, context: Path, files: Iterable[str]) -> str:
        """Keep these files of a context as an image.

        Returns:
            `sha256:` and 64 hex digits; the same files give the same digest.

        Raises:
            BuildFailed: the context holds nothing that can be started.
        """


class BuildOrder(Document):
    """What to build."""

    service: str
    image: str
    """Registry and name, without tag."""
    commit: str
    root: str
    """Absolute path of the exported commit."""
    context: str
    """Absolute path of the build context inside of it."""
    files: tuple[str, ...]
    """What the ignore files leave of the context, relative to it."""


class Builder(Protocol):
    """Makes one service's image."""

    def ready(self) -> None:
        """See whether anything can be built at all, and change nothing.

        Raises:
            BuildFailed: the builder's engine is down, or its program is missing.
        """

    def build(self, order: BuildOrder) -> str:
        """Make the image and push it.

        Returns:
            `sha256:` and 64 hex digits.

        Raises:
            BuildFailed: with what the builder printed last.
        """


class Diagnostic(Document):
    """A place that does not parse."""

    path: str
    line: int
    message: str


class Checker(Protocol):
    """Parses Python sources as a certain Python does, not as ours."""

    def check(self, folder: Path, files: Sequence[str], python: str) -> tuple[Diagnostic, ...]:
        """Return what does not parse.

        Args:
            folder: where the files lie.
            files: relative to it.
            python: version, for example `3.11`.

        Raises:
            ConfigError: this version cannot be checked.
            BuildFailed: nothing can be checked.
        """


class Services(Protocol):
    """Cloud Run's services and revisions."""

    def get(self, service: str) -> ServiceState | None:
        """Return the service, or None when there is none of that name."""

    def apply(self, template: Template, revision: str, tag: str = "") -> ServiceState:
        """Create or update a service so that it has a revision of this name, and wait until that is decided.

        Args:
            template: what the revision is made of.
            revision: its name.
            tag: empty gives it all the traffic; else it gets none and answers under a URL of its own, as long as
                another revision serves.

        Returns:
            The state after the platform has decided, ready or not.

        Raises:
            CloudUnavailable: a transient fault, after retries.
            RolloutFailed: the platform refuses the request itself.
        """

    def route(self, service: str, revision: str) -> ServiceState:
        """Give all traffic to a revision that is there, and wait until that is decided; no revision is made.

        Returns:
            The state after the platform has decided. Unless it is the newest one, the traffic is pinned to it.

        Raises:
            CloudUnavailable: a transient fault, after retries.
            RolloutFailed: the platform refuses the request itself.
        """

    def revision(self, service: str, name: str) -> RevisionState | None:
        """Return a revision, or None."""


class Redaction(Protocol):
    """Takes secrets out of text. What it knows of their values never leaves it."""

    def scrub(self, text: str) -> str:
        """Return free text without known values and without whatever looks like a credential."""

    def mask(self, text: str) -> str:
        """Return text whose form must stay, such as a name or a document, without known values."""


class Secrets(Protocol):
    """Secret Manager. No value ever comes out of it."""

    def check(self, service: str, binding: SecretBinding, account: str) -> SecretStatus:
        """Tell what is known about a binding: the platform's side always, the value's if it may be read."""

    def alike(self, bindings: Sequence[SecretBinding]) -> bool | None:
        """Tell whether all of these give the same value; None when one cannot be read."""

    def redaction(self, bindings: Sequence[SecretBinding]) -> Redaction:
        """Return what masks the values of these, as far as they can be read."""


class LogQuery(Document):
    """Which part of the log is wanted."""

    services: tuple[str, ...]
    window: Window
    traces: tuple[str, ...] = ()
    """Only rows of these, 32 hex digits each; empty means all. More than 200 do not fit into one question."""


class LogPage(Document):
    """Rows and whether there are more of them than came."""

    entries: tuple[Entry, ...]
    requests: tuple[Request, ...]
    complete: bool
    gap: str = ""


class Logs(Protocol):
    """Cloud Logging."""

    def read(self, query: LogQuery) -> LogPage:
        """Read everything that these services and the platform logged about them in the window."""

    def settled(self, query: LogQuery, traces: frozenset[str], patience_s: float) -> bool:
        """Wait until the request log holds a row for each of these traces, or patience ends."""


class Probe(Protocol):
    """Asks a service how it is."""

    def check(self, service: str, url: str, trace: str = "") -> HealthCheck:
        """Ask once. Never raises: no answer is an answer.

        Args:
            service: who is asked.
            url: where.
            trace: 32 hex digits under which the platform's request log will have it; empty for none.
        """


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
    attempt: int = 1


class SuiteOutput(Document):
    """What came of it."""

    command: tuple[str, ...]
    python: str
    collected: tuple[str, ...]
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
    stopped: str = ""
    """Why it was stopped early, if it was."""
    output_tail: str = ""
    """The last lines that the runner printed, for messages."""
    notes: tuple[str, ...] = ()
    """What a reader should know about how it ran, for example why nothing ran side by side."""


class Watcher(Protocol):
    """Whoever watches a suite while it runs."""

    def collected(self, total: int) -> None:
        """Be told how many tests there are."""

    def finished(self, nodeid: str, outcome: Outcome) -> None:
        """Be told of one test's end."""


class Suite(Protocol):
    """Runs the user's tests in the user's own environment."""

    def run(self, order: SuiteOrder, watcher: Watcher) -> SuiteOutput:
        """Run them and lose nothing.

        Raises:
            SuiteCrashed: the runner could not even start.
        """

    def recover(self, order: SuiteOrder) -> SuiteOutput:
        """Return what an interrupted run had finished."""


class CommitInfo(Document):
    """A commit."""

    sha: str
    parent: str
    at: Instant
    author: str
    subject: str
    files: tuple[str, ...]


class History(Protocol):
    """The user's git repository. Nothing here changes a file that the user sees."""

    def resolve(self, revision: str) -> str:
        """Return the full sha of a branch, tag or sha.

        Raises:
            RepositoryError: there is no such thing, or no repository.
        """

    def files(self, commit: str) -> tuple[str, ...]:
        """Return all paths of a commit."""

    def read(self, commit: str, path: str) -> str | None:
        """Return a file's text, or None when the commit has none of that path."""

    def export(self, commit: str, folder: Path) -> None:
        """Write a commit's files into an empty folder."""

    def log(self, commit: str, limit: int) -> tuple[CommitInfo, ...]:
        """Return the newest commits first."""

    def diff(self, before: str, after: str) -> str:
        """Return the unified diff between two commits, without context lines."""

    def uncommitted(self) -> tuple[str, ...]:
        """Return what differs from HEAD in the user's checkout; `folder/` stands for a whole untracked folder."""

    def commit_patch(self, base: str, diff: str, message: str, branch: str) -> str:
        """Apply a diff to a base in a disposable clone and point the branch at the commit it makes.

        Returns:
            The new commit's sha.

        Raises:
            RepositoryError: the diff does not apply.
        """

    def apply_to(self, folder: Path, diff: str) -> None:
        """Apply a diff to exported files.

        Raises:
            RepositoryError: it does not apply.
        """


class Analyst(Protocol):
    """Proposes causes. Whatever it says goes through the same review."""

    def analyse(self, bundle: object) -> tuple[Analysis, ...]:
        """Return analyses of a bundle (`untilgreen.collect.bundle.Bundle`)."""


class Fixer(Protocol):
    """Offers changes for an approved cause."""

    def propose(self, analysis: Analysis) -> tuple[Fix, ...]:
        """Return fixes, best first; an empty tuple when it has none."""


class Narrator(Protocol):
    """Tells a person what happens, while it happens. Never decides anything."""

    def say(self, step: str, text: str) -> None:
        """Tell one line."""

    def suite(self) -> Watcher:
        """Return who watches the suite."""
