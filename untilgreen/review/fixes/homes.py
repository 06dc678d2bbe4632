"""Where the product learns its settings: one home each, and what is needed stays needed."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from untilgreen.deploy.secrets_reads import PLATFORM, Read, reads_in
from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, ask
from untilgreen.ssot.syntax import parsed


def keeps_homes(change: Change) -> Iterator[Finding]:
    """It reads no environment variable in a second module, and makes none optional that was needed."""
    names = _touched(change)
    before, after = (_reads(change, tree, names) for tree in (change.before, change.after))
    for name, reads in after.items():
        old = {read.path for read in before.get(name, ())}
        kept = sorted(old & {read.path for read in reads})
        fresh = [read for read in reads if read.path not in old and name not in PLATFORM]
        for read, home in ((r, h) for r in fresh for h in kept if _context(change, h) == _context(change, r.path)):
            where = f"{read.path}:{read.line}"
            yield ask(
                "config_home", f"{where} reads {name}, which {home} reads already; take it from there", where, home
            )
            break
        yield from _optional(name, before.get(name, []), reads)


def _optional(name: str, old: list[Read], new: list[Read]) -> Iterator[Finding]:
    """Tell of a variable without which the program did not start and now does."""
    if old and not all(read.optional for read in old) and all(read.optional for read in new):
        where = f"{new[0].path}:{new[0].line}"
        message = f"{where} goes on without {name}, which was needed; a deployment that lacks it would look healthy"
        yield ask("default", message, where)


def _context(change: Change, path: str) -> str:
    """Return the service that a file is part of: two services have each their own home for a variable."""
    holders = [s.source for s in change.settings.services.values() if PurePosixPath(path).is_relative_to(s.source)]
    return max(holders, key=len, default=PurePosixPath(path).parts[0] if "/" in path else "")


def _touched(change: Change) -> frozenset[str]:
    """Return the variables that changed files read: for all others the change is nothing."""
    changed = [p for p in {*change.before, *change.after} if change.before.get(p) != change.after.get(p)]
    trees = ({path: tree[path] for path in changed if path in tree} for tree in (change.before, change.after))
    return frozenset(read.name for tree in trees for read in _all_reads(change.product_python(tree)))


def _reads(change: Change, tree: Mapping[str, str], names: frozenset[str]) -> dict[str, list[Read]]:
    """Return where these variables are read, by name. A settings class may name them in its own case."""
    naming = re.compile("|".join(map(re.escape, sorted(names))) or r"(?!)", re.IGNORECASE)
    found: dict[str, list[Read]] = defaultdict(list)
    for read in _all_reads({p: text for p, text in change.product_python(tree).items() if naming.search(text)}):
        if read.name in names:
            found[read.name].append(read)
    return found


def _all_reads(files: Mapping[str, str]) -> Iterator[Read]:
    for path, text in files.items():
        module = parsed(text) if "env" in text else None
        yield from reads_in(module, path) if isinstance(module, ast.Module) else ()
