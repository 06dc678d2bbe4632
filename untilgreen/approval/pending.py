"""What a loop's files say about approvals: what waits, and whether the audit log can be believed."""

from __future__ import annotations

from untilgreen.approval.audit import Chain, Event, missing
from untilgreen.approval.request import ApprovalRequest
from untilgreen.ledger import Ledger, loops
from untilgreen.model.analysis import Approval


def pending(ledger: Ledger) -> ApprovalRequest | None:
    """Return what a loop asked a person and nobody has decided yet; None when it asks nobody."""
    number = max(ledger.cycles(), default=0)
    request = ledger.request(number)
    if request is None or ledger.recall(number, Approval):
        return None
    ends = (Event.APPROVED, Event.REJECTED)
    return None if any(ledger.audit.find(*_key(request), event) for event in ends) else request


def audited(ledger: Ledger) -> tuple[Chain, str]:
    """Check the log against itself and against every decision that a ledger beside it has.

    Returns:
        The log, and what is wrong with it; an empty text when nothing is.
    """
    chain = ledger.audit.chain()
    if chain.broken:
        return chain, f"{ledger.audit.file}: {chain.broken}"
    decided = {
        approval.record: f"{found.loop_id}/{number}"
        for found in loops(ledger.audit.file.parent)
        for number in found.cycles()
        if (approval := found.recall(number, Approval))
    }
    gone = missing(chain, decided)
    named = f"{ledger.audit.file}: it has no record of {', '.join(gone)}: its end was cut off, or it was begun anew"
    return chain, named if gone else ""


def _key(request: ApprovalRequest) -> tuple[str, int, int]:
    return request.loop, request.cycle, request.attempt
