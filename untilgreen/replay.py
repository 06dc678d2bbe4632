"""Judges a cycle's evidence again: what the ledger says must come out of the evidence, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from untilgreen.collect.bundle import load
from untilgreen.errors import ConfigError
from untilgreen.ledger import Ledger
from untilgreen.model.analysis import Reviews, Triage
from untilgreen.model.document import Document
from untilgreen.review.gate import review
from untilgreen.triage.step import AUTHOR, triage


class Replay(Document):
    """What came out of a bundle now, and what of it differs from what was kept."""

    triage: Triage
    reviews: Reviews
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Tell whether every verdict came out as it was kept."""
        return not self.differences

    def lines(self) -> Iterator[str]:
        """Say it in a line for each analysis."""
        judged = {r.analysis: r for r in self.reviews.reviews}
        for analysis in self.triage.analyses:
            yield f"{judged[analysis.id].decision:<12}{analysis.author}  {analysis.id}"
        count = len(self.triage.analyses)
        yield from self.differences or (f"{count} analyses, {len(self.triage.groups)} groups: the same, bit for bit",)


def replay(folder: Path) -> Replay:
    """Judge a bundle again.

    Args:
        folder: a cycle's bundle; the ledger lies around it.

    Raises:
        ConfigError: no ledger lies around it, or the cycle has no triage.
        EvidenceIncomplete: the bundle cannot be read.
    """
    kept, reviewed = _kept(folder.resolve())
    bundle = load(folder)
    ours = triage(bundle)
    others = tuple(analysis for analysis in kept.analyses if analysis.author != AUTHOR)
    found = ours.model_copy(update={"analyses": (*ours.analyses, *others), "notes": kept.notes})
    known = reviewed.calibration
    judged = tuple(review(analysis, bundle, known) for analysis in found.analyses)
    reviews = Reviews(reviews=judged, calibration=known)
    return Replay(triage=found, reviews=reviews, differences=tuple(_differences(kept, reviewed, found, reviews)))


def _kept(folder: Path) -> tuple[Triage, Reviews]:
    cycle, loop = folder.parent, folder.parent.parent
    number = cycle.name.removeprefix("cycle-")
    if not number.isdecimal() or not (loop / "loop.json").exists():
        raise ConfigError(
            f"{folder}: no ledger lies around it. Name a loop's cycle-NN/bundle, or use `untilgreen triage`."
        )
    ledger = Ledger(loop.parent.parent, loop.name)
    found, reviews = ledger.recall(int(number), Triage), ledger.recall(int(number), Reviews)
    if found is None or reviews is None:
        raise ConfigError(f"{cycle}: this cycle was not judged yet, so there is nothing to compare with.")
    return found, reviews


def _differences(kept: Triage, reviewed: Reviews, found: Triage, reviews: Reviews) -> Iterator[str]:
    if kept.groups != found.groups:
        yield f"groups: {len(kept.groups)} were kept, {len(found.groups)} came out now, and they differ"
    was, now = {a.id: a for a in kept.analyses}, {a.id: a for a in found.analyses}
    yield from (f"{identity}: was kept and did not come out now" for identity in was if identity not in now)
    yield from (f"{identity}: came out now and was not kept" for identity in now if identity not in was)
    yield from (f"{one}: its text differs" for one in was if one in now and was[one] != now[one])
    before = {r.analysis: r for r in reviewed.reviews}
    for judged in reviews.reviews:
        old = before.get(judged.analysis)
        if old and old != judged:
            yield f"{judged.analysis}: was {old.decision}, is {judged.decision}; what was found differs"
