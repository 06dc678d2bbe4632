"""History.uncommitted, over git and over the fake."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from untilgreen.adapters.git import Git
from untilgreen.testing import FakeHistory


def git(root: Path, *words: str) -> None:
    """Run git without anybody's configuration."""
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
    subprocess.run(["git", *who, *words], cwd=root, env=quiet, check=True, capture_output=True)  # noqa: S607 - git from the path


def test_what_differs_from_head(tmp_path: Path) -> None:
    """Changed, staged, deleted and untracked paths are told, ignored ones are not; a whole new folder is one path."""
    for name in ("changed", "deleted", "same"):
        (tmp_path / name).write_text("1")
    (tmp_path / ".gitignore").write_text("*.log\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "begin")
    assert Git(tmp_path).uncommitted() == ()
    (tmp_path / "changed").write_text("2")
    (tmp_path / "deleted").unlink()
    (tmp_path / "a\n\xe9").write_text("new")
    (tmp_path / "x.log").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/inner").write_text("")
    (tmp_path / "staged").write_text("")
    git(tmp_path, "add", "staged")
    assert sorted(Git(tmp_path).uncommitted()) == ["a\n\xe9", "changed", "deleted", "folder/", "staged"]


def test_repository_without_a_checkout(tmp_path: Path) -> None:
    """A bare repository has no files that could differ."""
    git(tmp_path, "init", "-q", "--bare")
    assert Git(tmp_path).uncommitted() == ()


def test_fake_tells_what_it_was_given() -> None:
    """The fake has no checkout: it says what a test wants it to say."""
    history = FakeHistory(("first", {"a": "1"}))
    assert history.uncommitted() == ()
    history.changed = ("a",)
    assert history.uncommitted() == ("a",)
