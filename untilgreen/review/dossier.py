"""What the chain rules look at: an analysis beside the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from untilgreen.collect.bundle import Bundle
from untilgreen.model.analysis import Analysis, Citation, Why
from untilgreen.model.evidence import Item
from untilgreen.review.judgement import Judgement


@dataclass(frozen=True)
class Chain:
    """An analysis beside the evidence and what the claim checks found."""

    analysis: Analysis
    bundle: Bundle
    judgements: Mapping[int, Judgement]

    def cited(self, why: Why) -> list[Item]:
        """Return the items that a why cites and that exist."""
        found = (self.bundle.get(citation.evidence) for citation in why.citations)
        return [item for item in found if item]

    @cached_property
    def by_number(self) -> dict[int, Why]:
        """Return the whys by their numbers."""
        return {why.number: why for why in self.analysis.whys}

    @cached_property
    def citations(self) -> list[tuple[int | None, Citation]]:
        """Return all citations, those of the rivals without a number."""
        mine: list[tuple[int | None, Citation]] = [(w.number, c) for w in self.analysis.whys for c in w.citations]
        return mine + [(None, c) for rival in self.analysis.rivals for c in rival.citations]
