"""Every test of a cycle as one small cell: its colour, its letter and its words say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from untilgreen.model.cycle import Cycle
from untilgreen.model.suite import Outcome, Reality, Result
from untilgreen.report.details import Details
from untilgreen.report.text import one_line
from untilgreen.suite.outcomes import is_flaky

_NAME = 160
"""Longest node id in a label; parameters can be whole documents."""


@dataclass(frozen=True)
class Look:
    """How one sort of test is shown."""

    style: str
    letter: str
    words: str


PASSED = Look("p", "", "passed and real")
UNPROVEN = Look("u", "U", "passed without proof")
FLAKY = Look("y", "~", "flaky")
LOOKS: dict[Outcome, Look] = {
    Outcome.FAILED: Look("f", "F", "failed"),
    Outcome.ERROR: Look("e", "E", "error"),
    Outcome.LOST: Look("l", "?", "lost"),
    Outcome.NOT_RUN: Look("n", "–", "not run"),  # noqa: RUF001 - a dash is what a missing answer looks like
    Outcome.SKIPPED: Look("s", "S", "skipped"),
    Outcome.XFAILED: Look("x", "X", "failed as expected"),
    Outcome.XPASSED: Look("u", "P", "passed against expectation"),
}


@dataclass(frozen=True)
class Cell:
    """One test."""

    look: Look
    label: str
    link: str = ""
    """Anchor of the cause that it fails for."""


@dataclass(frozen=True)
class Block:
    """The tests of one file."""

    path: str
    counts: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Grid:
    """All tests of one cycle."""

    cycle: int
    ran: bool
    total: int
    blocks: tuple[Block, ...]
    legend: tuple[tuple[Look, int], ...]


def grid(cycle: Cycle, details: Details, links: dict[str, str]) -> Grid:
    """Arrange the tests of a cycle by file, in the order they were collected.

    Args:
        cycle: whose tests.
        details: their results and proofs.
        links: group id -> anchor of its cause.
    """
    results = details.results_of(cycle.number)
    proven = {p.nodeid for p in details.proofs_of(cycle.number) if p.reality is Reality.REAL}
    # Without single proofs the summary decides, and only when it says that all passed tests are real.
    passed = sum(result.outcome is Outcome.PASSED for result in results)
    all_real = cycle.proof is not None and cycle.proof.counts.get(Reality.REAL, 0) == passed > 0
    causes = {test: group for group in (cycle.triage.groups if cycle.triage else ()) for test in group.cases}
    files: dict[str, list[tuple[Result, Cell]]] = {}
    for result in results:
        look = _look(result, real=all_real or result.nodeid in proven)
        cause = causes.get(result.nodeid)
        link = links.get(cause.id, "") if cause and look not in (PASSED, UNPROVEN) else ""
        files.setdefault(result.nodeid.partition("::")[0], []).append((result, Cell(look, _label(result, look), link)))
    looks = Counter(cell.look for cells in files.values() for _, cell in cells)
    return Grid(
        cycle=cycle.number,
        ran=bool(cycle.suite and cycle.suite.ran),
        total=len(results),
        blocks=tuple(_block(path, cells) for path, cells in files.items()),
        legend=tuple(sorted(looks.items(), key=lambda pair: -pair[1])),
    )


def _look(result: Result, *, real: bool) -> Look:
    if is_flaky(result):
        return FLAKY
    if result.outcome is Outcome.PASSED:
        return PASSED if real else UNPROVEN
    return LOOKS[result.outcome]


def _label(result: Result, look: Look) -> str:
    name = one_line(result.nodeid.partition("::")[2] or result.nodeid, _NAME)
    attempts = f" ({', '.join(f'{a.number} {a.outcome}' for a in result.attempts)})" if look is FLAKY else ""
    reason = f": {one_line(result.reason, 80)}" if result.reason and look.style == "s" else ""
    return f"{name}: {look.words}{attempts}{reason}"


def _block(path: str, cells: Sequence[tuple[Result, Cell]]) -> Block:
    counts = Counter(cell.look.words for _, cell in cells)
    told = ", ".join(f"{count} {words}" for words, count in counts.most_common())
    return Block(path=path, counts=told, cells=tuple(cell for _, cell in cells))
