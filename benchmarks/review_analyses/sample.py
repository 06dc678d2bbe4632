"""An analysis whose truth is known, because somebody injected the fault that it is about."""

from __future__ import annotations

from collections.abc import Iterable

from untilgreen.model.analysis import Analysis, Citation, Why
from untilgreen.model.claims import Claim
from untilgreen.model.document import Document, content_id
from untilgreen.model.evidence import Item

QUOTED = 120
"""Characters of a quote: enough to be found, not so many that a corpus is all quotes."""


class Sample(Document):
    """One analysis of the corpus."""

    fault: str
    true: bool
    way: str
    """How it was made: the name of the transformation."""
    about: tuple[str, ...]
    """The types of claims that it is counted under: of a false one the false claims only."""
    analysis: Analysis


def chain(author: str, cases: Iterable[str], *links: tuple[Claim, Iterable[Item]]) -> Analysis:
    """Return an analysis whose whys explain one another in this order, each with what it cites."""
    whys = tuple(
        Why(
            number=number,
            question="Why?",
            answer=f"{claim.type} {claim.subject}"[:300],
            claim=claim,
            citations=tuple(quote(item) for item in items),
            because=number + 1 if number < len(links) else None,
        )
        for number, (claim, items) in enumerate(links, 1)
    )
    cases = tuple(cases)
    key = "".join(why.model_dump_json() for why in whys) + "".join(cases)
    return Analysis(
        id=content_id("analysis", author + key), author=author, group="", cases=cases, whys=whys, confidence=0.9
    )


def quote(item: Item) -> Citation:
    """Cite an item by its first line."""
    return Citation(evidence=item.id, quote=item.text.partition("\n")[0][:QUOTED])
