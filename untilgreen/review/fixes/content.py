"""What a fix may write."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, Line, ask, stop
from untilgreen.review.fixes.credentials import known_sorts, looks_secret

_LIMIT = r"(?:time_?out|deadline|retr(?:y|ies)|attempts?|wait|delay|sleep|backoff|startup|grace|memory|max)"
_NAME = rf"(?:\w*{_LIMIT}\w*|(?-i:[A-Z][A-Z0-9_]+))"
_LIMIT_SETTING = re.compile(rf"[ ,]*{_NAME}[\"']?\s*(?:[=:(]\s*)+[\"']?\d[\d_.]*\w*[\"']?\)?", re.IGNORECASE)
_HASHES = re.compile(
    r"--hash=sha256:|[\"']?(?:sha(?:256|384|512)|integrity|digest|resolution)[\"']?\s*[:=-]", re.IGNORECASE
)
_LOCKS = frozenset(
    {"uv.lock", "poetry.lock", "package-lock.json", "yarn.lock", "Cargo.lock", "go.sum", "pnpm-lock.yaml"}
)
_DESTROYS = re.compile(
    r"\b(?:DROP\s+(?:TABLE|COLUMN|DATABASE|SCHEMA)|TRUNCATE(?:\s+TABLE)?\s+\w|DELETE\s+FROM\s+\w+\s*(?:;|[\"']))",
    re.IGNORECASE,
)
_REQUIREMENTS = re.compile(r"requirements[\w.-]*\.(?:txt|in)|constraints[\w.-]*\.txt")
_PACKAGE = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)")
_ELSEWHERE = re.compile(
    r"^\s*(?:--(?:extra-)?index-url|--find-links|--trusted-host|-[if]\s)|\b(?:git\+|https?://|file:)"
)


def holds_no_secret(change: Change) -> Iterator[Finding]:
    """It adds no credential. The finding says where, never what."""
    lines = [line for line in change.added if _may_hold(line)]
    for line, known in zip(lines, known_sorts(line.text for line in lines) if lines else (), strict=True):
        if sort := looks_secret(line.text) or known:
            where = f"{line.path}:{line.number}"
            yield stop("secrets", f"{where} adds what looks like {sort}; bind a secret instead", where)


def _may_hold(line: Line) -> bool:
    """Tell whether a line is worth a look: lock files and hashes are random, and nobody's secret."""
    return bool(line.text.strip()) and PurePosixPath(line.path).name not in _LOCKS and not _HASHES.search(line.text)


def does_more_than_raise_limits(change: Change) -> Iterator[Finding]:
    """Raising a limit hides a cause, unless the limit is the cause."""
    if change.fix.breaks.startswith(("config_mismatch ", "resource_exhausted ")):
        return
    added, removed = ([line.text for line in lines if line.text.strip()] for lines in (change.added, change.removed))
    moved = set(removed)
    raised = [line for line in change.added if line.text not in moved and _LIMIT_SETTING.search(line.text)]
    if raised and _apart_from_limits(added) == _apart_from_limits(removed):
        where = f"{raised[0].path}:{raised[0].number}"
        yield ask("limits", f"{where} changes limits only; why was the old one not enough?", where)


def _apart_from_limits(texts: list[str]) -> Counter[str]:
    left = (_LIMIT_SETTING.sub("", text).strip() for text in texts)
    return Counter(text for text in left if text)


def destroys_nothing(change: Change) -> Iterator[Finding]:
    """It deletes no stored data."""
    for line in change.added:
        if _DESTROYS.search(line.text) and not line.path.endswith(".md") and not change.is_test(line.path):
            where = f"{line.path}:{line.number}"
            yield ask("data", f"{where} deletes stored data; a fix that is taken back does not bring it back", where)


def brings_no_strangers(change: Change) -> Iterator[Finding]:
    """It installs nothing new, and nothing from elsewhere."""
    for line in change.added:
        if not _REQUIREMENTS.fullmatch(PurePosixPath(line.path).name):
            continue
        where = f"{line.path}:{line.number}"
        package = _PACKAGE.match(line.text)
        if _ELSEWHERE.search(line.text):
            yield ask("dependency", f"{where} installs from another place than the package index", where)
        elif package and package[1].lower() not in _packages(change.before.get(line.path, "")):
            yield ask("dependency", f"{where} installs {package[1]}, which this project did not need so far", where)


def _packages(text: str) -> set[str]:
    return {found[1].lower() for line in text.splitlines() if (found := _PACKAGE.match(line))}
