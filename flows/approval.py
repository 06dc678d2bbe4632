"""Who decides about fixes: the policy, a person at the terminal, or a person with a form in the Prefect UI.

Nothing is approved by silence or by an empty form.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal

from prefect.context import FlowRunContext
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.input import RunInput
from pydantic import ConfigDict, Field, ValidationError
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema

from tasks.fix import branch, offer_commit, offer_fixes
from tasks.notify import tell_changes
from untilgreen.approval.answer import Answer
from untilgreen.approval.hearing import Court, Outcome, decided, hear
from untilgreen.approval.request import ApprovalRequest, asked_about, fingerprint
from untilgreen.approval.show import describe
from untilgreen.model.analysis import Approval, Decision, Fix, Offer
from untilgreen.model.cycle import Cycle, Run
from untilgreen.settings import Settings
from untilgreen.settings.people import Approve
from untilgreen.wiring import Workshop, asker, narrator, verifier

POLL_S = 2


_SENT_BY_COMMAND: JsonDict = {
    "^hash$": {"type": "string", "maxLength": 80},
    "^signature$": {"type": "string", "maxLength": 200},
    "^way$": {"enum": ["form", "command"]},
}


class FixApproval(RunInput):
    """What the human fills in. Rejecting is the default: an empty form must not approve.

    The Prefect UI gives causes and diff only the room that fields leave: what only `untilgreen approve` sends is no
    field of the form, though the server lets it through.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"patternProperties": _SENT_BY_COMMAND})

    decision: Literal["approve", "reject"] = Field("reject", title="Decision")
    approver: str = Field(min_length=2, max_length=100, title="Your name")
    reason: str = Field("", max_length=2000, title="Reason", description="Needed to reject")
    commit: str = Field("", max_length=200, title="A commit of yours instead")
    hash: SkipJsonSchema[str] = Field("", max_length=80)
    signature: SkipJsonSchema[str] = Field("", max_length=200)
    way: SkipJsonSchema[Literal["form", "command"]] = "form"


class SignedFixApproval(FixApproval):
    """The same where the settings name keys."""

    signature: str = Field(
        "", max_length=200, title="Signature", description="As `untilgreen approve --sign` prints it"
    )


def decide(run: Run, settings: Settings, rules: Approve, cycle: Cycle) -> Outcome:
    """Let the fixers offer, and the policy or a human decide.

    Args:
        run: where.
        settings: of the tested commit.
        rules: part `approve` of the loop's first commit: no fix may change who approves fixes.
        cycle: that the fixes are for.

    Returns:
        No approval when there is nothing to decide, or nobody answered in time.
    """
    ledger = Workshop(run, settings).ledger
    pending, known = ledger.request(run.cycle), ledger.recall(run.cycle, Approval)
    if pending and rules.mode == "ask" and (known is None or known.hash != pending.hash):
        return _hear(run, settings, rules, cycle, pending)  # asked before the run ended: nobody is asked anew
    if pending and known and known.decision is Decision.APPROVED and known.hash == pending.hash:
        return Outcome(known, pending.offer)
    offered = offer_fixes(run, settings, cycle)
    wanted = asked_about(offered) if rules.mode == "ask" else offered.fixes
    if not wanted:
        return Outcome(None, offered)
    request = _request(run, rules, offered, wanted, attempt=pending.attempt + 1 if pending else 1)
    if known and known.hash == request.hash:
        return Outcome(known, offered)
    if rules.mode == "ask":
        return _hear(run, settings, rules, cycle, request)
    return Outcome(decided(request, _standing(rules), ledger.audit, datetime.now(UTC)), offered)


def _standing(rules: Approve) -> Approval:
    """Return what is decided without asking anybody."""
    if rules.mode == "policy":
        reason = "the review approved them"
        return Approval(decision=Decision.APPROVED, approver="policy", reason=reason, way="policy")
    reason = "approve.mode is never"
    return Approval(decision=Decision.REJECTED, approver="settings", reason=reason, way="settings")


def _request(run: Run, rules: Approve, offered: Offer, wanted: tuple[Fix, ...], attempt: int) -> ApprovalRequest:
    now = datetime.now(UTC)
    return ApprovalRequest(
        loop=run.loop,
        cycle=run.cycle,
        attempt=attempt,
        base=run.commit,
        hash=fingerprint(run.commit, wanted),
        offer=offered,
        asked=now,
        until=now + timedelta(seconds=rules.timeout_s),
    )


def _hear(run: Run, settings: Settings, rules: Approve, cycle: Cycle, request: ApprovalRequest) -> Outcome:
    ledger = Workshop(run, settings).ledger
    attended, context = asker(), FlowRunContext.get()
    where = {
        "place": "terminal" if attended else "form",
        "flow_run": str(context.flow_run.id) if context and context.flow_run else "",
    }

    def ask(asked: ApprovalRequest) -> Answer | None:
        text = describe(asked, cycle, branch(run))
        if attended:
            return attended(text, asked)
        narrator().say(
            "approve",
            f"{run.loop}: {len(asked_about(asked.offer))} fixes wait for a person until "
            f"{asked.until:%Y-%m-%d %H:%M:%S} UTC, in the Prefect UI or by `untilgreen approve`",
        )
        tell_changes(run, settings, request=asked)
        return ask_by_form(asked, text, signed=bool(rules.signed_by))

    court = Court(
        ask=ask,
        substitute=partial(offer_commit, run, settings, cycle),
        keep=ledger.keep_request,
        verify=verifier(),
        log=ledger.audit,
        now=lambda: datetime.now(UTC),
    )
    return hear(request.model_copy(update=where), rules, court)


def ask_by_form(request: ApprovalRequest, text: str, *, signed: bool = False) -> Answer | None:
    """Wait until somebody fills in the form in the Prefect UI, or answers by `untilgreen approve`.

    A run of a deployment is suspended: its process ends, and another one begins when the answer is there. Any other
    run waits in its process.

    Returns:
        What was filled in, or None when nobody answered in time.
    """
    form = (SignedFixApproval if signed else FixApproval).with_initial_data(description=text)
    key = f"approve-{request.cycle}-{request.attempt}"
    seconds = max(1, round((request.until - datetime.now(UTC)).total_seconds()))
    context = FlowRunContext.get()
    try:
        if context and context.flow_run and context.flow_run.deployment_id:
            given = suspend_flow_run(wait_for_input=form, timeout=seconds, key=key)
        else:
            given = pause_flow_run(wait_for_input=form, timeout=seconds, poll_interval=POLL_S, key=key)
    except (FlowPauseTimeout, ValidationError):
        return None  # a run that is started again after the time was over finds no answer, which fits no form
    return Answer(**given.model_dump(include=set(Answer.model_fields)))
