"""What `untilgreen review` says: all judgements on what was handed in, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from untilgreen.model.analysis import Decision, FixReview, Review
from untilgreen.model.document import Document

EXIT_CODES = {Decision.APPROVED: 0, Decision.REJECTED: 5, Decision.NEEDS_HUMAN: 6}


class Verdict(Document):
    """Every judgement, and all of them together."""

    decision: Decision
    """Approved or rejected when everything is; otherwise somebody has to look at it."""
    reviews: tuple[Review, ...] = ()
    """On analyses, in the order in which they were handed in."""
    fixes: tuple[FixReview, ...] = ()
    """On diffs."""


def verdict(reviews: Sequence[Review] = (), fixes: Sequence[FixReview] = ()) -> Verdict:
    """Put judgements together; some approved and some rejected is nothing that a machine may decide."""
    decisions = {one.decision for one in reviews} | {one.decision for one in fixes}
    together = decisions.pop() if len(decisions) == 1 else Decision.NEEDS_HUMAN
    return Verdict(decision=together, reviews=tuple(reviews), fixes=tuple(fixes))


def schema() -> dict[str, Any]:
    """Return the JSON schema of a verdict."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Verdict.model_json_schema(mode="serialization"),
    }
