"""Where the product learns its settings: one home each, and what is needed stays needed."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from untilgreen.deploy.secrets_reads import PLATFORM, Read, reads_in
from untilgreen.model.analysis import Finding
from untilgreen.review.fixes.change import Change, ask
from untilgreen.ssot.syntax import parsed


def keeps_homes(change: Change) -> Iterator[Finding]:
    """It reads no environment variable in a second module, and makes none optional that was needed."""
    before, after = _reads(change, change.before), _reads(change, change.after)
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


def _reads(change: Change, tree: Mapping[str, str]) -> dict[str, list[Read]]:
    found: dict[str, list[Read]] = defaultdict(list)
    for path, text in change.product_python(tree).items():
        module = parsed(text) if "env" in text else None
        for read in reads_in(module, path) if isinstance(module, ast.Module) else ():
            found[read.name].append(read)
    return found
