"""Diffs become files and commits, without touching what the user has checked out."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path, PurePosixPath

from untilgreen.adapters.git_process import GitProcess
from untilgreen.errors import RepositoryError

AUTHOR = "untilgreen"
EMAIL = "untilgreen@localhost"

_HUNK = re.compile(r"^@@ [^\n]*$", re.MULTILINE)

_IDENTITY = {
    "GIT_AUTHOR_NAME": AUTHOR,
    "GIT_AUTHOR_EMAIL": EMAIL,
    "GIT_COMMITTER_NAME": AUTHOR,
    "GIT_COMMITTER_EMAIL": EMAIL,
}


def commit_patch(git: GitProcess, base: str, diff: str, message: str, branch: str) -> str:
    """Make a commit of a diff in a disposable repository and fetch it into a branch.

    Args:
        git: the user's repository.
        base: full sha.
        diff: unified.
        message: the commit's.
        branch: its short name.

    Returns:
        The commit's sha.

    Raises:
        RepositoryError: the diff does not apply, or the branch is not ours to move.
    """
    ref = f"refs/heads/{branch}"
    _need_free(git, ref)
    with tempfile.TemporaryDirectory(prefix="untilgreen-") as folder:
        bench = borrow(git, Path(folder))
        commit = _commit(bench, base, diff, message)
        tip = git.try_run("rev-parse", "--verify", "--quiet", ref)
        if tip is not None:
            if _same(bench, tip.decode().strip(), commit):
                return tip.decode().strip()
            _need_ours(bench, tip.decode().strip(), commit, branch)
        flags = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-prune", "--no-recurse-submodules")
        git.run("fetch", *flags, str(bench.root), f"+{commit}:{ref}")
    return commit


def apply_to(folder: Path, diff: str) -> None:
    """Apply a diff to files that are in no repository.

    Raises:
        RepositoryError: it does not apply.
    """
    # Without the ceiling git would find the repository around the folder and silently skip every file.
    git = GitProcess(folder, {"GIT_CEILING_DIRECTORIES": str(folder.resolve().parent)})
    git.run("apply", "--whitespace=nowarn", *_zero(diff), "-", given=_raw(diff))


def write_file(folder: Path, path: bytes, mode: bytes, content: bytes) -> None:
    """Write one file of a commit below a folder.

    Raises:
        RepositoryError: its path or its link leads out of the folder.
    """
    name = os.fsdecode(path)
    target = folder / name
    if not PurePosixPath(name).parts or {"..", ".git"} & set(PurePosixPath(name).parts) or name.startswith("/"):
        raise RepositoryError(f"The commit holds a path that leads out of its tree: {name!r}. Remove it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise RepositoryError(f"The commit holds a path that goes through a link out of its tree: {name!r}. Remove it.")
    if mode == b"120000":
        target.symlink_to(os.fsdecode(content))
        return
    target.write_bytes(content)
    target.chmod(0o755 if mode == b"100755" else 0o644)


def _need_free(git: GitProcess, ref: str) -> None:
    """Refuse a branch that somebody has checked out: their HEAD would move under their files."""
    if git.try_run("check-ref-format", ref) is None:
        raise RepositoryError(f"{ref.removeprefix('refs/heads/')!r} cannot name a branch. Choose another.")
    listed = git.run("worktree", "list", "--porcelain").decode("utf-8", "replace").splitlines()
    if f"branch {ref}" in listed:
        name = ref.removeprefix("refs/heads/")
        raise RepositoryError(f"Branch {name} is checked out. Check out another, for example `git switch -`.")


def borrow(git: GitProcess, folder: Path) -> GitProcess:
    """Make a bare repository that borrows the user's objects and nothing of their configuration."""
    objects = _place(git, "objects")
    kind = git.run("rev-parse", "--show-object-format").decode().strip()
    bench = GitProcess(folder, {"GIT_INDEX_FILE": str(folder / "index"), **_IDENTITY})
    bench.run("init", "--quiet", "--bare", "--template=", f"--object-format={kind}", str(folder))
    (folder / "objects/info").mkdir(parents=True, exist_ok=True)
    (folder / "objects/info/alternates").write_bytes(os.fsencode(objects) + b"\n")
    if (shallow := _place(git, "shallow")).exists():
        shutil.copy(shallow, folder / "shallow")
    return bench


def _place(git: GitProcess, name: str) -> Path:
    found = git.run("rev-parse", "--path-format=absolute", "--git-path", name)
    return Path(os.fsdecode(found.removesuffix(b"\n")))


def _commit(bench: GitProcess, base: str, diff: str, message: str) -> str:
    bench.run("read-tree", base)
    bench.run("apply", "--cached", "--whitespace=nowarn", *_zero(diff), "-", given=_raw(diff))
    tree = bench.run("write-tree").decode().strip()
    if tree == bench.run("rev-parse", f"{base}^{{tree}}").decode().strip():
        raise RepositoryError("The diff changes nothing.")
    commit = bench.run("commit-tree", tree, "-p", base, given=message.encode("utf-8", "surrogateescape"))
    sha = commit.decode().strip()
    bench.run("update-ref", "refs/heads/made", sha)
    return sha


def _same(bench: GitProcess, tip: str, commit: str) -> bool:
    """Tell whether two commits differ in nothing but the time they were made."""
    layout = ("log", "-1", "--no-notes", "--format=%T%n%P%n%ae%n%B")
    return bench.run(*layout, tip) == bench.run(*layout, commit)


def _need_ours(bench: GitProcess, tip: str, commit: str, branch: str) -> None:
    """Refuse to move a branch away from commits that somebody else made."""
    left = bench.run("log", "--no-notes", "--format=%ae", f"{commit}..{tip}").decode("utf-8", "replace").split("\n")
    if strangers := {author for author in left if author and author != EMAIL}:
        who = ", ".join(sorted(strangers))
        raise RepositoryError(f"Branch {branch} holds commits of {who}. Move them to another branch, or delete it.")


def _zero(diff: str) -> tuple[str, ...]:
    """Let git take hunks without context, which it otherwise refuses; the base is exact, so lines cannot drift."""
    hunks = _HUNK.split(diff)[1:]
    return () if all("\n " in hunk for hunk in hunks) else ("--unidiff-zero",)


def _raw(diff: str) -> bytes:
    return diff.encode("utf-8", "surrogateescape")
