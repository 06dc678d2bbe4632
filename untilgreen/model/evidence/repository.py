"""What the repository holds: commits, what they changed, files of the tested one."""

from __future__ import annotations

from typing import Literal

from untilgreen.model.evidence.item import Item


class Commit(Item):
    """A commit between the last good one and the tested one, or older."""

    kind: Literal["commit"] = "commit"
    sha: str
    subject: str
    author: str
    files: tuple[str, ...]
    since_good: bool = True
    """Whether it came after the last commit that was good."""
    depth: int = 0
    """How many commits came after it, up to the tested one: of two in one second the times do not tell."""

    @property
    def text(self) -> str:
        """Return short sha, subject and files."""
        return f"{self.sha[:12]} {self.subject} ({', '.join(self.files[:20])})"


class Hunk(Item):
    """What one commit changed in one place."""

    kind: Literal["hunk"] = "hunk"
    commit: str
    path: str
    line: int
    """First line in the file after the change."""
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the changed lines in diff form."""
        return "\n".join(
            [
                f"{self.commit[:12]} {self.path}:{self.line}",
                *(f"-{x}" for x in self.removed),
                *(f"+{x}" for x in self.added),
            ]
        )


class Blame(Item):
    """Where a line of the tested commit, which a failure went through, is from."""

    kind: Literal["blame"] = "blame"
    path: str
    line: int
    source: str
    commit: str
    """The one that last changed the line; it may be older than any that was read."""
    subject: str
    author: str
    since_good: bool = True
    """Whether it came after the last commit that was good."""

    @property
    def text(self) -> str:
        """Return short sha, place, line and subject."""
        return f"{self.commit[:12]} {self.path}:{self.line} {self.source} ({self.subject})"


class SourceFile(Item):
    """A text file of the tested commit: a service's source, an ignore file, the settings."""

    kind: Literal["file"] = "file"
    commit: str
    path: str
    """Relative to the repository's root."""
    service: str = ""
    """Whose build context it lies in, if any."""
    content: str

    @property
    def text(self) -> str:
        """Return the whole content, so that any line of it can be quoted."""
        return self.content
