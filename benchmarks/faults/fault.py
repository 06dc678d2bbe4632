"""What a fault is: what is injected, what it must break, what is its true cause, and what must not be blamed.

Patterns are shell patterns over the text of what they match: node ids, the fields of claims.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.faults.place import Site


@dataclass(frozen=True)
class Edit:
    """One change of one file; the old text must be there exactly once. Without an old text the file is new."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Commit:
    """One commit of a stage.

    Args:
        name: by which a sign refers to it (`@name`); within one fault.
        subject: its first line; says nothing of the fault.
        edits: what it changes.
    """

    name: str
    subject: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Sign:
    """A claim that counts: its type, and patterns for some of its fields. `@name` stands for a commit's sha."""

    type: str
    fields: dict[str, str] = field(default_factory=dict)


def sign(claim: str, **fields: str) -> Sign:
    """Return a sign."""
    return Sign(claim, fields)


@dataclass(frozen=True)
class Cause:
    """One true cause.

    Args:
        name: its label, for the tests that fail for it.
        tests: node ids of the tests that must fail for it.
        right: claims that name it; one of them must be where the chain ends.
        path: what a chain must go through: of each group of signs at least one.
        services: whose evidence is about it; its own first.
        files: which files it is in; its own first.
        some: of `tests` only some need fail, those that come too late for example.
    """

    name: str
    tests: tuple[str, ...]
    right: tuple[Sign, ...]
    path: tuple[tuple[Sign, ...], ...]
    services: tuple[str, ...]
    files: tuple[str, ...]
    some: bool = False


Act = Callable[["Site"], None]
"""Something that happens to the environment, not to the repository."""


def nothing(_site: Site) -> None:
    """Leave the environment as it is."""


@dataclass(frozen=True)
class Stage:
    """One cycle of a fault: commits, then what happens around it.

    Args:
        commits: oldest first.
        before: happens before the cycle.
        deployed: happens after step wait and before the suite.
        causes: what is wrong in this cycle; with none the right answer is that nobody knows.
        collateral: node ids of tests that may fail as well, for the first cause.
        runs: whether the suite can run at all.
        states: what step compare must say: cause's name -> accepted states.
    """

    commits: tuple[Commit, ...]
    before: Act = nothing
    deployed: Act = nothing
    causes: tuple[Cause, ...] = ()
    collateral: tuple[str, ...] = ()
    runs: bool = True
    states: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Planted:
    """An analysis that somebody else hands in.

    Args:
        true: whether it is right.
        record: as `recorded_analyst` reads it.
    """

    true: bool
    record: dict[str, object]


@dataclass(frozen=True)
class Fault:
    """A fault of the benchmark. The last stage is the one that is scored.

    Args:
        id: as in the list of faults.
        title: in words.
        stages: the cycles, oldest first.
        planted: what another analyst says in the last one.
    """

    id: str
    title: str
    stages: tuple[Stage, ...]
    planted: tuple[Planted, ...] = ()

    @property
    def last(self) -> Stage:
        """Return the stage that is scored."""
        return self.stages[-1]


APP = Path(__file__).with_name("app")
