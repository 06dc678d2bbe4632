"""A git repository in memory; import it from `untilgreen.testing`."""

from __future__ import annotations

import difflib
import hashlib
import io
import itertools
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from untilgreen.errors import FixUnusable, RepositoryError
from untilgreen.fix.diff import NOWHERE, file_diff, lines_of
from untilgreen.ports import CommitInfo, Harvest, LineOrigin, TouchedFile

BEGINNING = datetime(2025, 1, 1, tzinfo=UTC)
"""When fakes' time starts: the same in every run."""

_NOWHERE = NOWHERE
"""unidiff's own is_added_file and is_removed_file are wrong where a diff without context starts at line 1."""


class FakeHistory:
    """A repository in memory: one line of commits, each a whole tree.

    Args:
        trees: (subject, path -> text), oldest first.
    """

    def __init__(self, *trees: tuple[str, Mapping[str, str]]) -> None:
        self._trees: dict[str, dict[str, str]] = {}
        self._infos: dict[str, CommitInfo] = {}
        self.branches: dict[str, str] = {}
        """Branch -> sha."""
        self.changed: tuple[str, ...] = ()
        """What `uncommitted` tells."""
        for subject, files in trees:
            self._add(subject, dict(files), self.head, "fake")

    @property
    def head(self) -> str:
        """Return the newest commit of the line, or an empty text."""
        return self.branches.get("main", "")

    def resolve(self, revision: str) -> str:
        """Return the full sha of a branch, a sha or the start of one."""
        names = {"HEAD": self.head, **self.branches}
        found = [names[revision]] if revision in names else [sha for sha in self._infos if sha.startswith(revision)]
        if len(found) != 1 or not revision:
            raise RepositoryError(f"No commit is called {revision!r}.")
        return found[0]

    def files(self, commit: str) -> tuple[str, ...]:
        """Return all paths of a commit."""
        return tuple(sorted(self._trees[self.resolve(commit)]))

    def read(self, commit: str, path: str) -> str | None:
        """Return a file's text, or None."""
        return self._trees[self.resolve(commit)].get(path)

    def export(self, commit: str, folder: Path) -> None:
        """Write a commit's files into an empty folder."""
        _write(folder, self._trees[self.resolve(commit)])

    def log(self, commit: str, limit: int) -> tuple[CommitInfo, ...]:
        """Return the newest commits first."""
        found: list[CommitInfo] = []
        sha = self.resolve(commit)
        while sha and len(found) < limit:
            found.append(self._infos[sha])
            sha = found[-1].parent
        return tuple(found)

    def diff(self, before: str, after: str) -> str:
        """Return the unified diff between two commits, without context lines."""
        old = self._trees[self.resolve(before)] if before else {}
        return diff_of(old, self._trees[self.resolve(after)])

    def blame(self, commit: str, path: str, lines: Sequence[int]) -> tuple[LineOrigin, ...]:
        """Tell which commit last changed each of these lines."""
        content = self.read(commit, path)
        if content is None:
            raise RepositoryError(f"{path}: commit {commit[:12]} has no such file.")
        wanted = sorted({line for line in lines if 0 < line <= len(content.splitlines())})
        infos = [self._infos[self._origin(self.resolve(commit), path, line)] for line in wanted]
        return tuple(
            LineOrigin(line=line, sha=info.sha, at=info.at, author=info.author, subject=info.subject)
            for line, info in zip(wanted, infos, strict=True)
        )

    def _origin(self, sha: str, path: str, line: int) -> str:
        """Go back as long as the parent has the line too."""
        while parent := self._infos[sha].parent:
            old = self._trees[parent].get(path, "").splitlines()
            blocks = difflib.SequenceMatcher(None, old, self._trees[sha][path].splitlines()).get_matching_blocks()
            block = next((b for b in blocks if b.b < line <= b.b + b.size), None)
            if block is None:
                return sha
            sha, line = parent, line - block.b + block.a
        return sha

    def uncommitted(self) -> tuple[str, ...]:
        """Return what was scripted."""
        return self.changed

    def clone(self, commit: str, folder: Path) -> None:
        """Write a commit's files into an empty folder."""
        if folder.exists() and any(folder.iterdir()):
            raise RepositoryError(f"{folder}: it is not empty.")
        self.export(commit, folder)

    def harvest(self, commit: str, folder: Path) -> Harvest:
        """Compare the files of a folder with a commit; every file is taken for a plain one."""
        if not folder.is_dir():
            raise FixUnusable("fixer.folder", "the copy is gone", refused=True)
        old = self._trees[self.resolve(commit)]
        new = {p.relative_to(folder).as_posix(): p.read_bytes().decode() for p in folder.rglob("*") if p.is_file()}
        changed = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
        return Harvest(files=tuple(_touched(p, old.get(p), new.get(p)) for p in changed), diff=diff_of(old, new))

    def state(self) -> dict[str, str]:
        """Return the branches."""
        return {"refs": repr(sorted(self.branches.items()))}

    def contains(self, commit: str, ancestor: str) -> bool:
        """Go back from the commit."""
        sha = self.resolve(commit)
        while sha and sha != ancestor:
            sha = self._infos[sha].parent
        return bool(sha)

    def commit_patch(self, base: str, diff: str, message: str, branch: str) -> str:
        """Apply a diff and point the branch at the new commit."""
        base = self.resolve(base)
        files = patched(self._trees[base], diff)
        return self._add(message.partition("\n")[0], files, base, "untilgreen", branch)

    def apply_to(self, folder: Path, diff: str) -> None:
        """Apply a diff to exported files."""
        old = {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}
        new = patched(old, diff)
        shutil.rmtree(folder)
        _write(folder, new)

    def _add(self, subject: str, files: dict[str, str], parent: str, author: str, branch: str = "main") -> str:
        old = self._trees.get(parent, {})
        changed = tuple(sorted(path for path in {*old, *files} if old.get(path) != files.get(path)))
        sha = hashlib.sha1(repr((subject, sorted(files.items()), parent)).encode(), usedforsecurity=False).hexdigest()
        at = BEGINNING + timedelta(minutes=len(self._infos))
        self._infos[sha] = CommitInfo(sha=sha, parent=parent, at=at, author=author, subject=subject, files=changed)
        self._trees[sha] = files
        self.branches[branch] = sha
        return sha


def _touched(path: str, old: str | None, new: str | None) -> TouchedFile:
    mode = ["100644" if text is not None else "" for text in (old, new)]
    lines = file_diff(path, old, new, context=0).split("\n")
    changed = sum(line.startswith(("+", "-")) and not line.startswith(("+++ ", "--- ")) for line in lines)
    ends = bool(old and new and ("\r\n" in old) != ("\r\n" in new))
    return TouchedFile(path=path, mode_before=mode[0], mode_after=mode[1], lines=changed, line_ends=ends)


def diff_of(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Return the unified diff between two trees, without context lines."""
    changed = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
    return "".join(file_diff(path, old.get(path), new.get(path), context=0) for path in changed)


def patched(files: Mapping[str, str], diff: str) -> dict[str, str]:
    """Return a tree with a diff applied.

    Raises:
        RepositoryError: it does not apply.
    """
    result = dict(files)
    try:
        changes = PatchSet(io.StringIO(diff, newline="\n"))
    except UnidiffParseError as error:
        raise RepositoryError(f"This is no diff: {error}") from None
    for change in changes:
        if ".." in change.path.split("/"):
            raise RepositoryError(f"{change.path}: the diff leads out of the tree.")
        if change.source_file != _NOWHERE and change.path not in result:
            raise RepositoryError(f"{change.path}: the diff changes it, and it is not there.")
        text = _patched_text(result.pop(change.path, ""), change)
        if change.target_file != _NOWHERE:
            result[change.path] = text
    if result == files:
        raise RepositoryError("The diff changes nothing.")
    return result


def _patched_text(text: str, change: PatchedFile) -> str:
    lines, result, position = lines_of(text), [], 0
    for hunk in change:
        start = hunk.source_start - (1 if hunk.source_length else 0)
        result += lines[position:start]
        if lines[start : start + hunk.source_length] != _side(hunk, " -"):
            raise RepositoryError(f"{change.path}:{hunk.source_start}: the diff does not apply.")
        result += _side(hunk, " +")
        position = start + hunk.source_length
    return "".join([*result, *lines[position:]])


def _side(hunk: Hunk, kinds: str) -> list[str]:
    """Return the lines before or after a hunk; a no-newline mark takes the line feed off the line before it."""
    marked = [*hunk, None]
    return [
        line.value.removesuffix("\n") if following and following.line_type == "\\" else line.value
        for line, following in itertools.pairwise(marked)
        if line.line_type in kinds
    ]


def _write(folder: Path, files: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())
