"""The user's repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from untilgreen.model.document import Document, Instant


class CommitInfo(Document):
    """A commit."""

    sha: str
    parent: str
    at: Instant
    author: str
    subject: str
    files: tuple[str, ...]


class LineOrigin(Document):
    """Which commit a line is from."""

    line: int
    sha: str
    at: Instant
    author: str
    subject: str


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

    def blame(self, commit: str, path: str, lines: Sequence[int]) -> tuple[LineOrigin, ...]:
        """Tell which commit last changed each of these lines of a commit's file.

        Lines that the file does not have, or whose origin lies before what is there of the history, are left out.

        Raises:
            RepositoryError: the commit has no such file.
        """

    def uncommitted(self) -> tuple[str, ...]:
        """Return what differs from HEAD in the user's checkout; `folder/` stands for a whole untracked folder."""

    def contains(self, commit: str, ancestor: str) -> bool:
        """Tell whether a commit is another one or comes after it."""

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
