"""Git's ignore rules, ours against git's own."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

from untilgreen.build.gitrules import parse_git_rules, split_by_git_rules

PATHS = [
    *("a.py", "b.md", "build/a.py", "build/b.md", "src/build/a.py", "src/a.py", "src/x/y/a.py", "src/x/b.md"),
    *("docs/a.md", "docs/api/a.md", "a b.txt", "[odd].py", "lib/a.pyc", "#x", "!y", "src/foo.bar", "foo.bar/z"),
]
PARTS = [
    "*",
    "**",
    "?",
    "a",
    "src",
    "build",
    "x",
    "y",
    "*.py",
    "*.md",
    "[ab]*",
    "[!a]*",
    "foo.bar",
    "docs",
    "\\#x",
    "\\!y",
]


def lines(numbers: random.Random) -> list[str]:
    """Return a few patterns, with slashes and exclamation marks where they may stand."""
    made = []
    for _ in range(numbers.randint(1, 4)):
        body = "/".join(numbers.choice(PARTS) for _ in range(numbers.choice([1, 1, 1, 2, 2, 3])))
        mark = numbers.choice(["", "", "", "!"])
        made.append(f"{mark}{numbers.choice(['', '', '/'])}{body}{numbers.choice(['', '', '/'])}")
    return made


def ignored_by_git(root: Path, text: str) -> list[str]:
    """Ask git."""
    (root / ".gitignore").write_text(text)
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    asked = "\0".join(PATHS).encode()
    command = ["git", "-c", "core.excludesFile=", "check-ignore", "--no-index", "-z", "--stdin"]
    done = subprocess.run(command, cwd=root, env=quiet, input=asked, capture_output=True, check=False)
    return sorted(path for path in done.stdout.decode().split("\0") if path)


def test_ours_against_git(tmp_path: Path) -> None:
    """For many ignore files, exactly what git ignores is left out."""
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)  # noqa: S607 - git from the path
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    numbers = random.Random(7)  # noqa: S311 - a repeatable choice, no secret
    for _ in range(80):
        text = "\n".join(lines(numbers)) + "\n"
        rules = parse_git_rules(text, ".gitignore", lambda _: None)
        ours = sorted(exclusion.path for exclusion in split_by_git_rules(PATHS, rules)[1])
        assert ours == ignored_by_git(tmp_path, text), text
