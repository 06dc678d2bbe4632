"""Pushes and pull requests: the user's commands, run as words, told as they went."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from untilgreen.adapters.publish_command import publish

PLACES = {"branch": "untilgreen/x", "title": "Mend {branch}; rm -rf $HOME `id`", "body": "- one\n- two"}
SHOW = (sys.executable, "-S", "-c", "import os, sys; print(sys.argv[1:], sorted(os.environ), os.getcwd())")


def test_words_stay_words(tmp_path: Path) -> None:
    """Placeholders are filled in once, without a shell: a title is one word, whatever it holds."""
    done = publish("push", (*SHOW, "origin", "{branch}", "--title={title}", "{unknown}"), tmp_path, PLACES)
    assert done.ok
    assert "['origin', 'untilgreen/x', '--title=Mend {branch}; rm -rf $HOME `id`', '{unknown}']" in done.said
    assert str(tmp_path) in done.said


def test_only_named_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given what git needs, and what the settings name."""
    monkeypatch.setenv("SHOP_SECRET", "x")
    monkeypatch.setenv("FORGE_TOKEN", "x")
    said = publish("push", SHOW, tmp_path, {}, pass_env=("FORGE_TOKEN",)).said
    assert "FORGE_TOKEN" in said
    assert "SHOP_SECRET" not in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("/nowhere/git",), "cannot be started"),
        ((sys.executable, "-S", "-c", "import sys; print('rejected: non-fast-forward'); sys.exit(1)"), "exit code 1"),
    ],
)
def test_a_failure_is_told(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    """A command that fails, or is not there, is no error: its last words are kept, redacted."""
    done = publish("pull_request", words, tmp_path, {}, redactor=lambda text: text.replace("rejected", "[redacted]"))
    assert not done.ok
    assert told in done.said
    assert "rejected" not in done.said
