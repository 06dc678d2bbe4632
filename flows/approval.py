"""The form on which a human approves fixes. Nothing is approved by silence or by an empty form."""

from __future__ import annotations

from typing import Literal

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field

from untilgreen.model.analysis import Approval, Decision


class FixApproval(RunInput):
    """What the human fills in. Rejecting is the default: an empty form must not approve."""

    decision: Literal["approve", "reject"] = "reject"
    approver: str = Field(min_length=2, description="Your name")
    reason: str = Field("", description="Why; needed to reject")


def ask(cycle: int, description: str, timeout_s: int) -> Approval | None:
    """Pause the flow until somebody fills in the form in the Prefect UI.

    Returns:
        The decision, or None when nobody answered in time.
    """
    form = FixApproval.with_initial_data(description=description)
    try:
        answer = pause_flow_run(wait_for_input=form, timeout=timeout_s, poll_interval=2, key=f"approve-{cycle}")
    except FlowPauseTimeout:
        return None
    decision = Decision.APPROVED if answer.decision == "approve" else Decision.REJECTED
    return Approval(decision=decision, approver=answer.approver, reason=answer.reason)
