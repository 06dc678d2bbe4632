"""What a person is asked: one offer on one commit, known by a hash of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from untilgreen.model.analysis import Fix, Offer
from untilgreen.model.document import Document, Instant


class ApprovalRequest(Document):
    """One question to a person. What is approved is this base and these diffs, and nothing else."""

    loop: str
    cycle: int
    attempt: int = 1
    """Bad input is asked again, under the next number."""
    base: str
    """Full sha of the tested commit."""
    hash: str
    """Of base and diffs; see `fingerprint`."""
    offer: Offer
    asked: Instant
    until: Instant
    """Afterwards nobody can answer any more, and nothing is changed."""
    place: Literal["form", "terminal"] = "form"
    """Where the answer is awaited."""
    flow_run: str = ""
    """Prefect's id of the run that waits."""
    trouble: str = ""
    """Why it is asked again."""


def fingerprint(base: str, fixes: Iterable[Fix]) -> str:
    """Return `sha256:` and the hash of a commit and the diffs that go on top of it, in their order.

    Args:
        base: full sha.
        fixes: all that would be committed.
    """
    text = json.dumps([base, [[fix.id, fix.diff] for fix in fixes]], ensure_ascii=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def asked_about(offer: Offer) -> tuple[Fix, ...]:
    """Return the fixes that a person decides about: the gate's own, and those that it left open."""
    return (*offer.fixes, *offer.undecided)


def again(request: ApprovalRequest, trouble: str, now: datetime, offer: Offer | None = None) -> ApprovalRequest:
    """Return the same question once more, with the reason why, or about another offer."""
    offer = offer or request.offer
    return request.model_copy(
        update={
            "attempt": request.attempt + 1,
            "asked": now,
            "trouble": trouble,
            "offer": offer,
            "hash": fingerprint(request.base, asked_about(offer)),
        }
    )
