"""Evidence on its way into a bundle, with a record of how completely each sort was looked for."""

from __future__ import annotations

from collections.abc import Iterable

from untilgreen.model.document import Window
from untilgreen.model.evidence import Coverage, Item, kind_of


class Gathered:
    """Items and coverage of one source.

    Args:
        window: the span of time that the coverage records name.
    """

    def __init__(self, window: Window) -> None:
        self.window = window
        self.items: list[Item] = []
        self.coverage: list[Coverage] = []

    def add(self, items: Iterable[Item], *, kind: type[Item], subject: str, query: str, gap: str = "") -> None:
        """Take items in, all of one kind and about one subject; a gap in words makes them incomplete."""
        new = list(items)
        self.items += new
        self.coverage.append(
            Coverage(
                kind=kind_of(kind),
                subject=subject,
                window=self.window,
                query=query,
                rows=len(new),
                complete=not gap,
                gap=gap,
            )
        )

    def merge(self, other: Gathered) -> None:
        """Take in what another source gave."""
        self.items += other.items
        self.coverage += other.coverage
