"""Builds the git history of a fault: the healthy project in a few commits, then what a stage brings."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from benchmarks.faults.fault import APP, Commit, Edit

BEGINNINGS = (
    ("Ines Falk", "Accounts: sign in, and tell who somebody is", ("accounts",)),
    ("Otto Brandt", "Depot: parcels in a database", ("depot",)),
    ("Ines Falk", "Gateway: one door for all clients", ("gateway",)),
    ("Mira Zorn", "Test what is deployed", ("e2e", "pytest.ini")),
    ("Mira Zorn", "Deploy with untilgreen", ("untilgreen.yaml", "cloud.yaml", ".gitignore")),
)
AUTHORS = ("Ines Falk", "Otto Brandt", "Mira Zorn", "Jan Petri")


def begin(root: Path, values: dict[str, str]) -> str:
    """Write the healthy project and its first commits; return the sha of the last one.

    Args:
        root: a new folder.
        values: `@NAME@` in the settings -> what stands there instead.
    """
    shutil.copytree(APP, root, ignore=shutil.ignore_patterns("__pycache__", "ruff.toml", ".*"))
    (root / "gitignore").rename(root / ".gitignore")
    settings = root / "untilgreen.yaml"
    text = settings.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    settings.write_text(text)
    notes = root / "notes"
    notes.mkdir()
    (notes / "analyses.json").write_text("[]")
    git(root, "init", "--quiet", "--template=", "--initial-branch=main")
    for day, (author, subject, paths) in enumerate(BEGINNINGS, 1):
        git(root, "add", "--", *paths)
        commit(root, subject, author, f"2026-04-{day:02}T09:00:00Z")
    return head(root)


def apply(root: Path, commits: tuple[Commit, ...]) -> dict[str, str]:
    """Make commits; return the sha of each by its name."""
    made = {}
    count = int(git(root, "rev-list", "--count", "HEAD"))
    for number, wanted in enumerate(commits, count):
        for edit in wanted.edits:
            change(root, edit)
            git(root, "add", "--", edit.path)
        commit(root, wanted.subject, AUTHORS[number % len(AUTHORS)], f"2026-05-{number:02}T10:00:00Z")
        made[wanted.name] = head(root)
    return made


def change(root: Path, edit: Edit) -> None:
    """Make one change.

    Raises:
        ValueError: the old text is not there exactly once.
    """
    file = root / edit.path
    if not edit.old:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(edit.new)
        return
    text = file.read_text()
    if text.count(edit.old) != 1:
        raise ValueError(f"{edit.path}: {text.count(edit.old)} times {edit.old!r}")
    file.write_text(text.replace(edit.old, edit.new))


def commit(root: Path, subject: str, author: str, at: str) -> None:
    """Commit what is staged."""
    email = f"{author.partition(' ')[0].lower()}@depot.example"
    who = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in {"NAME": author, "EMAIL": email, "DATE": at}.items()
    }
    git(root, "commit", "--quiet", "--no-verify", "-m", subject, **who)


def head(root: Path) -> str:
    """Return the sha of the newest commit."""
    return git(root, "rev-parse", "HEAD").strip()


def git(root: Path, *args: str, **variables: str) -> str:
    """Run git, untouched by the settings of whoever runs this.

    Raises:
        RuntimeError: git refused; the message is git's own.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    neutral = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    done = subprocess.run(
        ["git", "-c", "commit.gpgSign=false", *args],
        cwd=root,
        env={**inherited, **neutral, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout
