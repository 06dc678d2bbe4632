"""Places where the code does not do what the registry declares."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from fnmatch import fnmatchcase

from untilgreen.settings.ssot import Canonical, Registry
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


def exempt(path: str, canonical: Canonical) -> bool:
    """Tell whether a path is one where an entry does not hold."""
    return any(fnmatchcase(path, pattern) for pattern in canonical.allowed)


def shown(node: ast.AST) -> str:
    """Return an expression in few words."""
    text = ast.unparse(node)
    return text if len(text) <= _LONG else f"{text[: _LONG - 3]}..."


_LONG = 80
