"""A request, rules, and a court whose approver answers from a list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.unit.test_fix_step import GOOD, HEAD, OTHER, RUN, SEND, STOP, Drawer, found, offered
from untilgreen.approval.answer import Answer
from untilgreen.approval.audit import AuditLog
from untilgreen.approval.hearing import Court, Outcome, hear
from untilgreen.approval.request import ApprovalRequest, asked_about, fingerprint
from untilgreen.model.analysis import Fix, Offer
from untilgreen.model.cycle import Color, Cycle, Verdict
from untilgreen.settings.people import Approve

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
YES = Answer(decision="approve", approver="Mara")
NO = Answer(decision="reject", approver="Mara", reason="mends the spot")


def made(author: str = "Ada Lee <ada@example.com>") -> Offer:
    """Return an offer of one fix that the gate approved."""
    offer = offered(Drawer({"send": [GOOD]}), SEND)
    return offer.model_copy(update={"fixes": (offer.fixes[0].model_copy(update={"author": author}),)})


def request(offer: Offer | None = None, attempt: int = 1) -> ApprovalRequest:
    """Return what a person is asked about an offer."""
    offer = offer or made()
    return ApprovalRequest(
        loop=RUN.loop,
        cycle=RUN.cycle,
        attempt=attempt,
        base=HEAD,
        hash=fingerprint(HEAD, asked_about(offer)),
        offer=offer,
        asked=NOW,
        until=NOW + timedelta(hours=1),
    )


def cycle() -> Cycle:
    """Return the red cycle that the fixes are for."""
    triage, reviews = found(SEND, STOP)
    red = Verdict(color=Color.RED, lines=())
    return Cycle(number=3, commit=HEAD, started=NOW, finished=NOW, verdict=red, triage=triage, reviews=reviews)


def instead() -> Offer:
    """Return an offer of another fix for the same cause."""
    return offered(Drawer({"stop": [OTHER]}), STOP)


def no_signature(_key: str, _text: bytes, _signature: str) -> bool:
    """Nothing fits."""
    return False


@dataclass
class Room:
    """A court: who answers what, in order; nobody when the answers are used up."""

    folder: Path
    answers: list[Answer] = field(default_factory=list)
    commits: dict[str, Offer] = field(default_factory=dict)
    asked: list[ApprovalRequest] = field(default_factory=list)
    kept: ApprovalRequest | None = None

    @property
    def log(self) -> AuditLog:
        """The log of the folder."""
        return AuditLog(self.folder)

    def hear(self, wanted: ApprovalRequest | None = None, **rules: object) -> Outcome:
        """Hear a request under rules."""
        court = Court(
            ask=self._ask,
            substitute=lambda name, _: self.commits[name],
            keep=self._keep,
            verify=no_signature,
            log=self.log,
            now=lambda: NOW,
        )
        return hear(wanted or request(), Approve.model_validate(rules), court)

    def events(self) -> list[str]:
        """Return what the log has."""
        return [record.happening.event for record in self.log.chain().records]

    def _ask(self, asked: ApprovalRequest) -> Answer | None:
        self.asked.append(asked)
        return self.answers.pop(0) if self.answers else None

    def _keep(self, asked: ApprovalRequest) -> None:
        self.kept = asked


def fix_of(outcome: Outcome) -> tuple[Fix, ...]:
    """Return what would be committed."""
    return asked_about(outcome.offer)
