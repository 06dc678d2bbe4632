"""The course of an approval: ask, check the answer, ask again, and write everything down."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from untilgreen.approval.answer import Answer, Hearing, Verify, not_the_author, troubles
from untilgreen.approval.audit import AuditLog, Event, Happening
from untilgreen.approval.request import ApprovalRequest, again, asked_about, fingerprint
from untilgreen.errors import ApprovalBroken, RepositoryError
from untilgreen.model.analysis import Approval, Decision, Offer, Truth
from untilgreen.settings.people import Approve

_SHA = re.compile(r"[0-9a-f]{12,64}")
"""A name that cannot move; a branch can."""


@dataclass(frozen=True)
class Court:
    """What an approval needs of the world.

    Args:
        ask: shows a request and waits; None when nobody answered in time. May end the process to be called again.
        substitute: judges the commit that an approver names, as an offer instead of the request's.
        keep: remembers the request, so that a run that is started again goes on with it.
        verify: checks a signature.
        log: where everything is written down.
        now: the time.
    """

    ask: Callable[[ApprovalRequest], Answer | None]
    substitute: Callable[[str, ApprovalRequest], Offer]
    keep: Callable[[ApprovalRequest], None]
    verify: Verify
    log: AuditLog
    now: Callable[[], datetime]


@dataclass(frozen=True)
class Outcome:
    """How it ended.

    Args:
        approval: None when nobody answered in time.
        offer: what it is about; another one than before when the approver named a commit.
    """

    approval: Approval | None
    offer: Offer


def hear(request: ApprovalRequest, rules: Approve, court: Court) -> Outcome:
    """Ask until an answer can be believed, or the time is over.

    Args:
        request: the first one, or the one that an interrupted run had come to.
        rules: part `approve` of the settings of the loop's first commit: no fix may change who approves fixes.
        court: the world.

    Raises:
        ApprovalBroken: what is asked about is not what was asked about before.
    """
    while True:
        request = _asked(request, court)
        answer = court.ask(request)
        if answer is None:
            _write(court, request, Event.EXPIRED, reason="nobody answered in time; nothing was changed")
            return Outcome(None, request.offer)
        wrong = troubles(answer, request, rules, court.verify)
        if not wrong and answer.commit.strip():
            believed, wrong = _with_commit(answer, request, rules, court)
        else:
            believed = request
        if not wrong:
            return Outcome(_settled(answer, believed, court), believed.offer)
        _write(court, request, Event.REFUSED, answer, "; ".join(wrong))
        request = again(believed, "; ".join(wrong), court.now())


def _asked(request: ApprovalRequest, court: Court) -> ApprovalRequest:
    """Write down what is asked about; a request that lay on a disk meanwhile must still be the same."""
    log, key = court.log, (request.loop, request.cycle, request.attempt)
    if log.find(*key, Event.EXPIRED):
        longer = court.now() + (request.until - request.asked)
        request = again(request, "nobody answered in time; the run was started again", court.now())
        request = request.model_copy(update={"until": longer})
    known = log.find(*key, Event.ASKED)
    same = fingerprint(request.base, asked_about(request.offer)) == request.hash
    if not same or (known and known.happening.hash != request.hash):
        raise ApprovalBroken(
            f"{request.loop}/{request.cycle}: the fixes that are asked about are no longer those of "
            f"{request.hash[:19]}. Nothing was applied. Look who changed the ledger, then begin a new loop."
        )
    court.keep(request)
    _write(court, request, Event.ASKED, reason=request.trouble)
    return request


def _with_commit(
    answer: Answer, request: ApprovalRequest, rules: Approve, court: Court
) -> tuple[ApprovalRequest, tuple[str, ...]]:
    """Judge the commit that an approver names; only one that the gate approves and that cannot move is taken at once.

    Returns:
        The request about it, and why it must be asked again.
    """
    name = answer.commit.strip()
    try:
        offer = court.substitute(name, request)
    except RepositoryError as error:
        return request, (f"commit: {error}",)
    if not asked_about(offer):
        against = [f.message for review in offer.reviews for f in review.findings if f.truth is not Truth.SUPPORTED]
        return request, (f"commit: the fix gate does not let {name} through: {'; '.join(against) or 'no reason'}",)
    merged = offer.model_copy(update={"reviews": (*request.offer.reviews, *offer.reviews)})
    swapped = request.model_copy(update={"offer": merged, "hash": fingerprint(request.base, asked_about(merged))})
    if trouble := not_the_author(Hearing(answer=answer, request=swapped, rules=rules)):
        return request, (trouble,)
    if offer.undecided or not _SHA.fullmatch(name):
        return swapped, (f"commit: this is {name} now; look at it, and approve it as it stands, without naming it",)
    return swapped, ()


def _settled(answer: Answer, request: ApprovalRequest, court: Court) -> Approval:
    event = Event.APPROVED if answer.decision == "approve" else Event.REJECTED
    record = _write(court, request, event, answer, answer.reason.strip())
    return Approval(
        decision=Decision.APPROVED if event is Event.APPROVED else Decision.REJECTED,
        approver=answer.approver.strip(),
        reason=answer.reason.strip(),
        way=answer.way,
        hash=request.hash,
        base=request.base,
        commit=answer.commit.strip(),
        signature=answer.signature.strip(),
        record=record,
    )


def decided(request: ApprovalRequest, approval: Approval, log: AuditLog, now: datetime) -> Approval:
    """Write down what the policy or the settings decided without asking anybody."""
    event = Event.APPROVED if approval.decision is Decision.APPROVED else Event.REJECTED
    said = {"who": approval.approver, "way": approval.way, "reason": approval.reason}
    seal = log.append(_happening(request, event, now, **said)).seal
    return approval.model_copy(update={"hash": request.hash, "base": request.base, "record": seal})


def _write(court: Court, request: ApprovalRequest, event: Event, answer: Answer | None = None, reason: str = "") -> str:
    """Write an event down and return its seal."""
    said = {"way": request.place, "reason": reason}
    if answer:
        said |= {"who": answer.approver.strip(), "way": answer.way}
        said |= {"commit": answer.commit.strip(), "signature": answer.signature.strip()}
    return court.log.append(_happening(request, event, court.now(), **said)).seal


def _happening(request: ApprovalRequest, event: Event, at: datetime, **said: str) -> Happening:
    about = request.model_dump(include={"loop", "cycle", "attempt", "hash", "base"})
    return Happening(at=at, event=event, **about, **said)
