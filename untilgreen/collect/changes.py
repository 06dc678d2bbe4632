"""What changed since it was good: commits and, for each, the lines it took away and brought."""

from __future__ import annotations

import io
from typing import Any

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from untilgreen.collect.gathered import Gathered
from untilgreen.errors import RepositoryError
from untilgreen.model.document import Window
from untilgreen.model.evidence import Commit, Hunk
from untilgreen.ports import CommitInfo, History

COMMITS = 50
"""Commits that are looked at: a cause that came in earlier has outlived many green runs."""


def changes(history: History, commit: str, good_commit: str, window: Window) -> Gathered:
    """Collect the newest commits, and what those after the last good one changed.

    Args:
        history: the repository.
        commit: the tested one.
        good_commit: the last good one; empty makes every commit suspect.
        window: only for the coverage records.
    """
    infos = history.log(commit, COMMITS)
    good = {info.sha for info in history.log(good_commit, COMMITS)} if good_commit else set()
    commits = [_commit(info, depth, since_good=info.sha not in good) for depth, info in enumerate(infos)]
    gathered = Gathered(window)
    since = f"since {good_commit[:12]}" if good_commit else "from the beginning"
    reached = any(info.sha in good for info in infos) or len(infos) < COMMITS
    gap = "" if reached else f"only the newest {COMMITS} commits were read"
    gathered.add(commits, kind=Commit, subject="*", query=f"newest {COMMITS} commits of {commit[:12]}", gap=gap)
    hunks, left_out, unread = _all_hunks(history, [info for info in infos if info.sha not in good])
    query = f"changed lines of each commit {since}" + (f"; without binary files {', '.join(left_out)}" * bool(left_out))
    gathered.add(hunks, kind=Hunk, subject="*", query=query, gap="; ".join(filter(None, [gap, *unread])))
    return gathered


def old_commits(gathered: Gathered) -> frozenset[str]:
    """Return the commits up to the last good one, of those that were collected."""
    return frozenset(item.sha for item in gathered.items if isinstance(item, Commit) and not item.since_good)


def hunks_of(info: CommitInfo, diff: str) -> tuple[list[Hunk], list[str]]:
    """Take a zero-context diff apart.

    Args:
        info: the commit it belongs to; only files that this names are taken, for a merge's diff shows a whole branch.
        diff: unified, without context lines.

    Returns:
        Its hunks, and the paths of binary files, which have none.

    Raises:
        unidiff.errors.UnidiffParseError: it is no diff.
    """
    hunks: list[Hunk] = []
    binary: list[str] = []
    # A form feed or U+2028 inside a source line would end it for splitlines(), hence the explicit newline.
    for file in PatchSet(io.StringIO(diff, newline="\n")):
        if file.path not in info.files:
            continue
        if file.is_binary_file:
            binary.append(file.path)
        hunks += [_hunk(info, file.path, hunk) for hunk in file]
    return hunks, binary


def _all_hunks(history: History, infos: list[CommitInfo]) -> tuple[list[Hunk], list[str], list[str]]:
    """Return hunks, binary files, and why some commits could not be read."""
    hunks: list[Hunk] = []
    binary: list[str] = []
    unread: list[str] = []
    for info in infos:
        if not info.files:
            continue
        try:
            found, left_out = hunks_of(info, history.diff(info.parent, info.sha))
        except (UnidiffParseError, RepositoryError) as error:
            unread.append(f"the diff of {info.sha[:12]} could not be read: {error}")
            continue
        hunks += found
        binary += left_out
    return hunks, sorted(set(binary)), unread


def _commit(info: CommitInfo, depth: int, *, since_good: bool) -> Commit:
    return Commit(
        at=info.at,
        sha=info.sha,
        subject=info.subject,
        author=info.author,
        files=info.files,
        since_good=since_good,
        depth=depth,
    )


def _hunk(info: CommitInfo, path: str, hunk: Any) -> Hunk:
    lines = list(hunk)
    return Hunk(
        at=info.at,
        commit=info.sha,
        path=path,
        line=hunk.target_start,
        removed=tuple(line.value.rstrip("\n") for line in lines if line.is_removed),
        added=tuple(line.value.rstrip("\n") for line in lines if line.is_added),
    )
