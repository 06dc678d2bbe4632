"""The user's repository through git. Reading leaves no trace; a fix becomes a commit that only a branch names.

Nothing of the user's configuration takes part: no hooks, no external diffs, no filters, no signing.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from untilgreen.adapters import git_blame, git_clone, git_commit, git_harvest
from untilgreen.adapters.git_process import Blobs, GitProcess
from untilgreen.errors import RepositoryError
from untilgreen.ports import CommitInfo, Harvest, LineOrigin

_HEAD_FIELDS = 6
"""A log record: what stands before the token, then sha, parents, time, author, subject; files follow."""


class Git:
    """A repository on disk.

    Args:
        root: its root folder.

    Raises:
        RepositoryError: there is no repository.
    """

    def __init__(self, root: Path) -> None:
        self._git = GitProcess(root)
        if self._git.try_run("rev-parse", "--git-dir") is None:
            raise RepositoryError(f"{root}: there is no git repository. Run untilgreen inside one, or name it.")

    def resolve(self, revision: str) -> str:
        """Return the full sha of a branch, tag or sha.

        Raises:
            RepositoryError: there is no such thing.
        """
        found = self._git.try_run("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
        if found is None:
            raise RepositoryError(f"{self._git.root}: no commit is called {revision!r}. Look at `git log --all`.")
        return found.decode().strip()

    def files(self, commit: str) -> tuple[str, ...]:
        """Return all paths of a commit, submodules left out. Bytes that are not UTF-8 become U+FFFD."""
        return tuple(text(path) for _, _, path in self._tree(commit))

    def read(self, commit: str, path: str) -> str | None:
        """Return a file's text, or None when the commit has none of that path."""
        sha = self.resolve(commit)
        listed = self._git.run("--literal-pathspecs", "ls-tree", "-z", "--full-tree", sha, "--", path)
        for mode, blob, name in _entries(listed):
            if text(name) == path and mode != b"160000":
                return text(self._git.run("cat-file", "blob", blob))
        return None

    def export(self, commit: str, folder: Path) -> None:
        """Write a commit's files into an empty folder, byte for byte.

        `git archive` would leave out what .gitattributes marks as export-ignore, and run filters.

        Raises:
            RepositoryError: the folder is not empty, or a path leads out of it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RepositoryError(f"{folder}: it is not empty. Remove it.")
        draft = folder.with_name(f".{folder.name}.part")  # a folder that is there is whole, whoever was killed
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        try:
            with Blobs(self._git) as blobs:
                for mode, blob, path in self._tree(commit):
                    git_commit.write_file(draft, path, mode, blobs.read(blob))
            draft.replace(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def log(self, commit: str, limit: int) -> tuple[CommitInfo, ...]:
        """Return the newest commits first. A merge lists only files that differ from all its parents."""
        token = secrets.token_hex(16)
        layout = f"--format={token}%x00%H%x00%P%x00%cI%x00%an%x00%s"
        flags = ("-z", "--cc", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-notes")
        raw = self._git.run("log", *flags, f"--max-count={limit}", layout, self.resolve(commit), "--")
        return tuple(_commit(record) for record in text(raw).split(token)[1:])

    def diff(self, before: str, after: str) -> str:
        """Return the unified diff between two commits, without context lines.

        Args:
            before: a commit, or empty for what a first commit is compared with.
            after: a commit.
        """
        start = self.resolve(before) if before else self._git.run("hash-object", "-t", "tree", "--stdin").decode()
        flags = ("--unified=0", "--inter-hunk-context=0", "--no-renames", "--no-ext-diff", "--no-textconv")
        same = ("--no-color", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=myers")
        return text(self._git.run("diff", *flags, *same, start.strip(), self.resolve(after), "--"))

    def blame(self, commit: str, path: str, lines: Sequence[int]) -> tuple[LineOrigin, ...]:
        """Tell which commit last changed each of these lines of a commit's file.

        Raises:
            RepositoryError: the commit has no such file.
        """
        sha = self.resolve(commit)
        content = self.read(sha, path)
        if content is None:
            raise RepositoryError(f"{path}: commit {sha[:12]} has no such file.")
        count = len(content.removesuffix("\n").split("\n")) + 1
        there = sorted({line for line in lines if 0 < line < count})
        if not there:
            return ()
        ranges = (word for line in there for word in ("-L", f"{line},{line}"))
        # A file of commits to leave out may be named in the repository's settings and be missing, or hide the culprit.
        flags = ("--porcelain", "--no-progress", "--ignore-revs-file=")
        raw = self._git.run("blame", *flags, *ranges, sha, "--", path)
        shallow = self._git.run("rev-parse", "--is-shallow-repository").strip() == b"true"
        return git_blame.origins(text(raw), shallow=shallow)

    def uncommitted(self) -> tuple[str, ...]:
        """Return what differs from HEAD in the user's checkout; `folder/` stands for a whole untracked folder."""
        if self._git.run("rev-parse", "--is-inside-work-tree").strip() != b"true":
            return ()
        flags = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=all")
        listed = self._git.run("status", *flags, "--", ".")
        return tuple(text(entry[3:]) for entry in listed.split(b"\0") if entry)

    def clone(self, commit: str, folder: Path) -> None:
        """Make a disposable copy of the repository, checked out at a commit, that knows no way back.

        Raises:
            RepositoryError: the folder is not empty, or the copy cannot be made.
        """
        git_clone.clone(self._git, self.resolve(commit), folder)

    def harvest(self, commit: str, folder: Path) -> Harvest:
        """Tell how a folder's files differ from a commit, whatever the folder's own git says.

        Raises:
            FixUnusable: what lies there cannot be compared.
        """
        with tempfile.TemporaryDirectory(prefix="untilgreen-") as place:
            bench = git_commit.borrow(self._git, Path(place))
            return git_harvest.harvest(bench, self.resolve(commit), folder)

    def state(self) -> dict[str, str]:
        """Return a digest of each part of the repository: `refs`, `config`, `hooks`, `index`, `files`."""
        return git_clone.state(self._git)

    def contains(self, commit: str, ancestor: str) -> bool:
        """Tell whether a commit is another one or comes after it."""
        return self._git.try_run("merge-base", "--is-ancestor", ancestor, self.resolve(commit)) is not None

    def commit_patch(self, base: str, diff: str, message: str, branch: str) -> str:
        """Apply a diff to a base in a disposable repository and point the branch at the commit it makes.

        The user's files, index and HEAD stay as they are. The same call repeated returns the same commit.

        Raises:
            RepositoryError: the diff does not apply, or the branch is checked out or holds somebody's commits.
        """
        return git_commit.commit_patch(self._git, self.resolve(base), diff, message, branch)

    def apply_to(self, folder: Path, diff: str) -> None:
        """Apply a diff to exported files.

        Raises:
            RepositoryError: it does not apply.
        """
        git_commit.apply_to(folder, diff)

    def _tree(self, commit: str) -> list[tuple[bytes, str, bytes]]:
        listed = self._git.run("ls-tree", "-r", "-z", "--full-tree", self.resolve(commit))
        return [entry for entry in _entries(listed) if entry[0] != b"160000"]


def text(raw: bytes) -> str:
    """Read bytes as UTF-8 without ever failing."""
    return raw.decode("utf-8", "replace")


def _entries(listed: bytes) -> list[tuple[bytes, str, bytes]]:
    """Split the answer of ls-tree into mode, blob and path."""
    entries = []
    for line in listed.split(b"\0")[:-1]:
        meta, _, path = line.partition(b"\t")
        mode, _, blob = meta.split(b" ")
        entries.append((mode, blob.decode(), path))
    return entries


def _commit(record: str) -> CommitInfo:
    parts = record.split("\0")
    _, sha, parents, at, author, subject = parts[:_HEAD_FIELDS]
    files = [part for part in parts[_HEAD_FIELDS:] if part]
    if files:
        files[0] = files[0].removeprefix("\n")
    return CommitInfo(
        sha=sha,
        parent=parents.partition(" ")[0],
        at=datetime.fromisoformat(at),
        author=author,
        subject=subject,
        files=tuple(files),
    )
