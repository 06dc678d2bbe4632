"""Making images and looking at their sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from untilgreen.model.document import Document


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
    rule: str = ""
    """The parser's own name for it, for example `F821`; empty for what does not parse."""


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

    def names(self, folder: Path, files: Sequence[str], python: str) -> tuple[Diagnostic, ...]:
        """Return names that nothing defines, imports that nothing uses, and definitions that another one replaces.

        Args and errors as for `check`. A file that does not parse gives one diagnostic without a rule.
        """
