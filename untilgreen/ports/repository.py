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


class TouchedFile(Document):
    """One file that differs from a commit."""

    path: str
    mode_before: str = ""
    """As git writes it, for example 100644; empty when the file is new."""
    mode_after: str = ""
    """Empty when it is gone."""
    lines: int | None = 0
    """Lines added and removed; None for what is not text."""
    readable: bool = True
    """Whether it is UTF-8 on both sides."""
    line_ends: bool = False
    """Whether it ended its lines otherwise before."""


class Harvest(Document):
    """How the files of a folder differ from a commit."""

    files: tuple[TouchedFile, ...]
    diff: str
    """Unified, with renames as removal and addition. Empty when a file is not readable."""


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

    def clone(self, commit: str, folder: Path) -> None:
        """Make a disposable copy of the repository, checked out at a commit, that knows no way back.

        Nothing is shared: no hard links, no remote, no hooks, no configuration. Files are as they were committed.

        Raises:
            RepositoryError: the folder is not empty, or the copy cannot be made.
        """

    def harvest(self, commit: str, folder: Path) -> Harvest:
        """Tell how a folder's files differ from a commit, whatever the folder's own git says.

        Raises:
            FixUnusable: what lies there cannot be compared: repositories inside, huge files, no plain folder.
        """

    def state(self) -> dict[str, str]:
        """Return a digest of each part of the user's repository: `refs`, `config`, `hooks`, `index`, `files`."""

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
