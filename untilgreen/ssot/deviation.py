"""Places where the code does not do what the registry declares."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from fnmatch import fnmatchcase

from untilgreen.settings import Settings
from untilgreen.settings.ssot import Registry
from untilgreen.ssot.modules import Code


@dataclass(frozen=True)
class Deviation:
    """One place that deviates.

    Args:
        sort: `sink`, `banned`, `constant` or `env`.
        entry: which line of the registry: a canonical function, a primitive, a constant or a variable.
        path: file.
        line: from 1.
        function: around it.
        what: what stands there instead: the primitive, or where the value comes from.
        text: the expression, to find the place again in another tree.
        message: where, what, and what to do.
        sure: False when the source alone does not tell.
    """

    sort: str
    entry: str
    path: str
    line: int
    function: str
    what: str
    text: str
    message: str
    sure: bool = True

    @property
    def where(self) -> str:
        """Return `path:line`."""
        return f"{self.path}:{self.line}"

    @property
    def class_(self) -> tuple[str, str]:
        """Return what it shares with its siblings."""
        return self.sort, self.entry


@dataclass(frozen=True)
class Survey:
    """What a tree has of one registry.

    Args:
        deviations: in the order of rule, path and line.
        conforming: class -> places that do it right.
    """

    deviations: tuple[Deviation, ...]
    conforming: dict[tuple[str, str], int]


@dataclass(frozen=True)
class Subject:
    """What the rules look at."""

    registry: Registry
    code: Code
    contexts: tuple[str, ...] = ()
    """The folders that are deployed apart."""

    def exempt(self, path: str, symbol: str) -> bool:
        """Tell whether a canonical function is not for a path: allowed there, or deployed where it is not."""
        wanted = self.registry.canonical.get(symbol)
        here, home = context(path, self.contexts), context(symbol, self.contexts)
        apart = bool(here and home and here != home)
        return wanted is not None and (apart or any(fnmatchcase(path, pattern) for pattern in wanted.allowed))


def contexts_of(settings: Settings) -> tuple[str, ...]:
    """Return the folders that are deployed apart, the innermost first: one cannot import from another."""
    return tuple(sorted({s.source.strip("/") for s in settings.services.values()}, key=lambda c: (-len(c), c)))


def context(path: str, contexts: tuple[str, ...]) -> str:
    """Return the deployed folder that a file belongs to; empty for the rest."""
    return next((c for c in contexts if path.startswith(f"{c}/")), "")


def shown(node: ast.AST) -> str:
    """Return an expression in few words."""
    text = ast.unparse(node)
    return text if len(text) <= _LONG else f"{text[: _LONG - 3]}..."


_LONG = 80
