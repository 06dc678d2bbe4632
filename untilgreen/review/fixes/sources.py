"""Whether what a fix leaves behind can be read and run: syntax at the image's Python, and the names that it uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from untilgreen.model.analysis import Finding
from untilgreen.ports import Diagnostic
from untilgreen.review.fixes.change import Change, ask, stop
from untilgreen.ssot.syntax import Unreadable, parsed

_UNUSED = "F401"
_REPLACED = "F811"


def parses(change: Change) -> Iterator[Finding]:
    """Every Python file that it touches can be parsed, by the image's Python and by this gate."""
    broken = {found.path: found for found in reversed(change.sources.after) if not found.rule} if change.sources else {}
    for path in change.touched:
        if not path.endswith(".py") or path not in change.after:
            continue
        tree = parsed(change.after[path])
        if path in broken:
            where = f"{path}:{broken[path].line}"
            yield stop("syntax", f"{where} is not Python: {broken[path].message}", where)
        elif isinstance(tree, Unreadable):
            yield _unread(change, path, tree)


def _unread(change: Change, path: str, tree: Unreadable) -> Finding:
    where = f"{path}:{tree.line}"
    if change.sources is None or not _newer(tree):
        return stop("syntax", f"{where} is not Python: {tree.problem}", where)
    message = f"{where} parses in the image's Python but not in this gate's ({tree.problem}), so it was not judged"
    return ask("syntax", message, where)


def _newer(tree: Unreadable) -> bool:
    """Tell whether the parser stumbled over a word and not over a byte."""
    return "null byte" not in tree.problem and "codec" not in tree.problem


def knows_its_names(change: Change) -> Iterator[Finding]:
    """It brings no name that nothing defines, no import that nothing uses, no second definition of a name."""
    if change.sources is None:
        return
    spare = Counter(map(_sort, change.sources.after)) - Counter(map(_sort, change.sources.before))
    for found in change.sources.after:
        if found.rule and spare[_sort(found)] > 0 and not _handed_on(found):
            spare[_sort(found)] -= 1
            yield _named(found)


def _named(found: Diagnostic) -> Finding:
    where = f"{found.path}:{found.line}"
    if found.rule == _UNUSED:
        return ask("unused", f"{where} {found.message}: it is left over, or runs for an effect that nobody sees", where)
    if found.rule == _REPLACED:
        return ask("redefined", f"{where} {found.message}: which one is meant?", where)
    return stop("undefined", f"{where} {found.message}: it fails when that line runs", where)


def _sort(found: Diagnostic) -> tuple[str, str]:
    """Return what a diagnostic shares with itself in another tree, where it may stand elsewhere."""
    return found.rule, found.message


def _handed_on(found: Diagnostic) -> bool:
    """Tell whether an import is for others: that is what a package's own file is for."""
    return found.rule == _UNUSED and PurePosixPath(found.path).name == "__init__.py"
