"""The tested commit's files, and what was changed since the last good one."""

from __future__ import annotations

import ast
from collections import defaultdict
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from untilgreen.collect.bundle import Bundle
from untilgreen.model.evidence import Commit, Hunk, SourceFile
from untilgreen.triage.syntax import parse

_START = datetime(1970, 1, 1, tzinfo=UTC)


class Checkout:
    """What the repository holds, as far as it was collected.

    Args:
        bundle: the evidence; its items may come in any order.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.manifest = bundle.manifest
        self.memo: dict[tuple[str, str], Any] = {}

    @cached_property
    def by_path(self) -> dict[str, SourceFile]:
        """Path -> file of the tested commit."""
        return {f.path: f for f in sorted(self.bundle.find(SourceFile), key=lambda f: f.path)}

    def files(self, service: str) -> list[SourceFile]:
        """Return the text files of a service's build context."""
        return self._files.get(service, [])

    @cached_property
    def _files(self) -> dict[str, list[SourceFile]]:
        found: dict[str, list[SourceFile]] = defaultdict(list)
        for file in sorted(self.bundle.find(SourceFile), key=lambda f: f.path):
            found[file.service or self._owner(file.path)].append(file)
        return found

    def named(self, service: str, name: str) -> list[SourceFile]:
        """Return the files of a service's build context that have this name, whatever their folder."""
        return self._named.get((service, name), [])

    @cached_property
    def _named(self) -> dict[tuple[str, str], list[SourceFile]]:
        found: dict[tuple[str, str], list[SourceFile]] = defaultdict(list)
        for service, files in self._files.items():
            for file in files:
                found[service, file.path.rsplit("/", 1)[-1]].append(file)
        return found

    def _owner(self, path: str) -> str:
        roots = sorted(self.manifest.sources.items(), key=lambda item: -len(item[1]))
        return next((name for name, root in roots if root not in ("", ".") and path.startswith(f"{root}/")), "")

    def root(self, service: str) -> str:
        """Return a service's build context with a slash at its end, or nothing when it is the repository itself."""
        root = self.manifest.sources.get(service, "").strip("/").removeprefix("./")
        return f"{root}/" if root not in ("", ".") else ""

    def lines(self, path: str) -> list[str]:
        """Return a file's lines, or none when the commit has no such file."""
        if path not in self._lines:
            file = self.by_path.get(path)
            self._lines[path] = file.content.splitlines() if file else []
        return self._lines[path]

    @cached_property
    def _lines(self) -> dict[str, list[str]]:
        return {}

    def tree(self, path: str) -> ast.Module | None:
        """Return a Python file's syntax tree, or None when it is no Python or does not parse."""
        if path not in self._trees:
            self._trees[path] = parse(self.by_path.get(path))
        return self._trees[path]

    @cached_property
    def _trees(self) -> dict[str, ast.Module | None]:
        return {}

    @cached_property
    def hunks(self) -> tuple[Hunk, ...]:
        """What changed after the last good commit, newest first."""
        order = {c.sha: n for n, c in enumerate(sorted(self.commits.values(), key=_age, reverse=True))}
        found = [h for h in self.bundle.find(Hunk) if h.commit in order]
        return tuple(sorted(found, key=lambda h: (order[h.commit], h.path, h.line, h.added, h.removed)))

    @cached_property
    def commits(self) -> dict[str, Commit]:
        """Sha -> commit, of those after the last good one; without a good one all but the oldest.

        The oldest of a history brought everything, and so explains nothing.
        """
        found = sorted((c for c in self.bundle.find(Commit) if c.since_good), key=_age)
        return {c.sha: c for c in (found if self.manifest.good_commit else found[1:])}


def _age(commit: Commit) -> tuple[int, datetime, str]:
    """Return what sorts the oldest first."""
    return -commit.depth, commit.at or _START, commit.sha
