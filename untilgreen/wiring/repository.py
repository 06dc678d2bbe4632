"""The user's repository, and what it says about how it wants to be tested."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from untilgreen.errors import ConfigError
from untilgreen.knowledge import read as read_knowledge
from untilgreen.settings import FILE, Settings, parse

if TYPE_CHECKING:
    from untilgreen.ports import History


def open_history(root: Path) -> History:
    """Return the repository at a path.

    Raises:
        RepositoryError: there is none.
    """
    from untilgreen.adapters.git import Git  # noqa: PLC0415 - adapters are loaded late

    return Git(root)


def read_settings(history: History, commit: str) -> Settings:
    """Read the settings of a commit: what is tested is what is committed.

    Raises:
        ConfigError: there are none, or they are wrong.
    """
    text = history.read(commit, FILE)
    if text is None:
        raise ConfigError(f"{FILE}: commit {commit[:12]} has no such file at its root. Add and commit one.")
    settings = parse(text)
    read_knowledge(history, commit, settings.knowledge)  # a mistake in it must not wait until the tests are over
    return settings
