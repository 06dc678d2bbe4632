"""Fixes that lie in a folder as patches: `fixes/0001-bind-the-secret.patch`.

A patch begins with a head of `Author:`, `Title:` and one or more `Breaks:` lines, then an empty line, then what
`git diff` prints. `Breaks: code_defect */orders.py *` is a glob over `claim_type subject`: the patch is offered for
each analysis with such a why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from untilgreen.errors import ConfigError
from untilgreen.fix.fingerprint import fix_id
from untilgreen.model.analysis import Analysis, Fix

_NAME = re.compile(r"\d{4}-[\w.-]+\.patch")
_HEAD = ("Author", "Title", "Breaks")


@dataclass(frozen=True)
class Patch:
    """One file of the queue."""

    author: str
    title: str
    breaks: tuple[str, ...]
    diff: str

    def breaks_of(self, analysis: Analysis) -> str:
        """Return the deepest why that it says it breaks, as `claim_type subject`, or an empty string."""
        for why in sorted(analysis.whys, key=lambda why: -why.number):
            name = f"{why.claim.type} {why.claim.subject}"
            if any(fnmatchcase(name, glob) for glob in self.breaks):
                return name
        return ""


class PatchQueue:
    """Offers patches in the order of their names.

    Args:
        folder: where they lie.

    Raises:
        ConfigError: there is no such folder, or a patch is malformed.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError(f"{folder}: there is no such folder. Make it, or remove this patch_queue from `fixers`.")
        self._patches = tuple(read(file) for file in sorted(folder.glob("*.patch")))

    def propose(self, analysis: Analysis) -> tuple[Fix, ...]:
        """Return all patches that break a why of this analysis."""
        return tuple(
            Fix(
                id=fix_id(patch.diff),
                author=patch.author,
                title=patch.title,
                analysis=analysis.id,
                breaks=breaks,
                diff=patch.diff,
            )
            for patch in self._patches
            if (breaks := patch.breaks_of(analysis))
        )


def read(file: Path) -> Patch:
    """Read one patch.

    Raises:
        ConfigError: with file, line, and what to do.
    """
    if not _NAME.fullmatch(file.name):
        raise ConfigError(f"{file}:1: name it like 0001-what-it-does.patch; the number is its place in the queue.")
    try:
        lines = file.read_bytes().decode().split("\n")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}:1: it is not UTF-8 ({error.reason}). Save it as UTF-8.") from None
    end = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
    head = _head(file, lines[:end])
    diff = _diff(file, "\n".join(lines[end + 1 :]), end + 2)
    return Patch(head["Author"][0], head["Title"][0], tuple(head["Breaks"]), diff)


def _head(file: Path, lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        name, _, value = line.partition(":")
        if name not in _HEAD or not value.strip():
            wanted = ", ".join(f"`{known}: ...`" for known in _HEAD)
            raise ConfigError(f"{file}:{number}: {line[:60]!r} is none of {wanted}. Correct it; the diff comes after.")
        found.setdefault(name, []).append(value.strip())
    for name in _HEAD:
        if name not in found:
            raise ConfigError(f"{file}:{len(lines) + 1}: the head has no `{name}:` line. Add one above the empty line.")
    return found


def _diff(file: Path, text: str, line: int) -> str:
    """Check that this is a git diff."""
    try:
        patches = PatchSet(text)
    except UnidiffParseError as error:
        raise ConfigError(f"{file}:{_where(text, str(error), line)}: {error}. Make it again with `git diff`.") from None
    if not patches or not text.startswith("diff --git "):
        raise ConfigError(f"{file}:{line}: no git diff begins here. Put the output of `git diff` after the empty line.")
    return text if text.endswith("\n") else f"{text}\n"


def _where(text: str, problem: str, line: int) -> int:
    """Return the line that a parser complains about, or the last hunk's: it is the one that was cut short."""
    lines = text.split("\n")
    quoted = [n for n, content in enumerate(lines) if content.strip() and content.strip() in problem]
    hunks = [n for n, content in enumerate(lines) if content.startswith("@@")]
    return line + (quoted or hunks or [0])[-1]
