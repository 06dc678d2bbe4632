"""How often claims of each type turned out right: told by the cycles after, counted honestly when they are few."""

from __future__ import annotations

import math

from untilgreen.model.document import Document

_Z = 1.959964
"""Of a 95 % interval."""


class Record(Document):
    """What became of the analyses that ended at one type of claim, as far as a later cycle could say."""

    claim: str
    right: int = 0
    """Their fixes were confirmed."""
    wrong: int = 0
    """Their fixes were ineffective."""

    @property
    def estimate(self) -> float:
        """Return how often the next one is right, by Laplace: of nothing known it is one half."""
        return (self.right + 1) / (self.right + self.wrong + 2)

    @property
    def cap(self) -> float:
        """Return how sure anybody may be: the upper end of Wilson's interval. Of nothing known it is 1."""
        n = self.right + self.wrong
        if not n:
            return 1.0
        p, z2 = self.right / n, _Z * _Z
        half = _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        return round(min(1.0, (p + z2 / (2 * n) + half) / (1 + z2 / n)), 9)


class Calibration(Document):
    """The records of all types of claims that any fix was made for."""

    records: tuple[Record, ...] = ()

    def of(self, claim: str) -> Record:
        """Return the record of one type; an empty one when nothing is known."""
        return next((record for record in self.records if record.claim == claim), Record(claim=claim))

    def plus(self, other: Calibration) -> Calibration:
        """Return both together; they must not know the same fixes."""
        claims = sorted({record.claim for record in (*self.records, *other.records)})
        both = [(self.of(claim), other.of(claim)) for claim in claims]
        return Calibration(
            records=tuple(
                Record(claim=mine.claim, right=mine.right + theirs.right, wrong=mine.wrong + theirs.wrong)
                for mine, theirs in both
            )
        )
