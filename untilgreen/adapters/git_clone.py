"""A disposable copy of the repository for somebody who is not trusted, and a digest of what they must not touch.

A worktree would not do: it shares configuration, hooks and refs with the user's repository.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from untilgreen.adapters.git_process import GitProcess
from untilgreen.errors import RepositoryError

AS_THEY_ARE = "* -text -ident -filter !diff !merge !eol -working-tree-encoding\n"
"""Attributes of the highest rank: no line end, no keyword, no byte is changed between the files and the commit."""

STATE = ".untilgreen"
"""What untilgreen itself writes while others work."""


def clone(git: GitProcess, commit: str, folder: Path) -> None:
    """Copy everything and check a commit out, then forget where it came from.

    Raises:
        RepositoryError: the folder is not empty, or git cannot do it.
    """
    flags = ("--quiet", "--no-hardlinks", "--no-checkout", "--template=", "--no-recurse-submodules")
    git.run("clone", *flags, "--", str(git.root.resolve()), str(folder))
    copy = GitProcess(folder)
    (folder / ".git/info").mkdir(exist_ok=True)
    (folder / ".git/info/attributes").write_text(AS_THEY_ARE)
    copy.run("checkout", "--quiet", "--detach", commit)
    copy.run("remote", "remove", "origin")
    if copy.run("rev-parse", "HEAD").decode().strip() != commit:
        raise RepositoryError(f"{folder}: the copy is not at {commit[:12]}.")


def state(git: GitProcess) -> dict[str, str]:
    """Return a digest of each part of a repository that a stranger could have changed."""
    own, shared = (_folder(git, flag) for flag in ("--git-dir", "--git-common-dir"))
    refs = git.run("for-each-ref", "--format=%(refname) %(objectname) %(symref)")
    listed = git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = sorted({name for name in listed.split(b"\0") if name and not name.startswith(os.fsencode(STATE))})
    return {
        "refs": _digest([(own / "HEAD").read_bytes(), refs]),
        "config": _digest(_contents([shared / "config", own / "config.worktree", *sorted(shared.glob("info/*"))])),
        "hooks": _digest(_contents(sorted((shared / "hooks").rglob("*")))),
        "index": _digest(_contents([own / "index"])),
        "files": _digest(_marks(git.root, names)),
    }


def _folder(git: GitProcess, flag: str) -> Path:
    found = git.run("rev-parse", "--path-format=absolute", flag)
    return Path(os.fsdecode(found.removesuffix(b"\n")))


def _contents(files: Iterable[Path]) -> Iterable[bytes]:
    for file in files:
        if file.is_file():
            yield os.fsencode(file) + b"\0" + oct(file.stat().st_mode).encode() + b"\0" + file.read_bytes()


def _marks(root: Path, names: Iterable[bytes]) -> Iterable[bytes]:
    """Return what the system knows of each file: nobody but root can write one and leave its change time as it was."""
    for name in names:
        try:
            seen = os.lstat(os.fsencode(root) + b"/" + name)
        except OSError:
            yield name + b" is gone"
            continue
        if not stat.S_ISDIR(seen.st_mode):
            yield (
                name + f" {seen.st_mode:o} {seen.st_size} {seen.st_ino} {seen.st_mtime_ns} {seen.st_ctime_ns}".encode()
            )


def _digest(parts: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()[:16]
