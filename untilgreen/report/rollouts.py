"""What a reader should know about a cycle beside its results: a rollout's failures, ways back, and notes."""

from __future__ import annotations

from dataclasses import dataclass

from untilgreen.model.cycle import Cycle, Loop
from untilgreen.model.delivery import Identity, RolledBack, Served, ServingStatus


@dataclass(frozen=True)
class Trouble:
    """A service that was not rolled out."""

    service: str
    reason: str
    message: str
    last_words: tuple[str, ...]
    exit_code: int | None


@dataclass(frozen=True)
class RolloutNote:
    """One cycle's rollout, as far as there is something to tell."""

    cycle: int
    troubles: tuple[Trouble, ...]
    ways_back: tuple[str, ...]
    notes: tuple[str, ...]


def rollout_notes(loop: Loop) -> list[RolloutNote]:
    """Return the cycles whose rollout needs words, the newest first."""
    found = (_of_cycle(cycle) for cycle in reversed(loop.cycles))
    return [note for note in found if note.troubles or note.ways_back or note.notes]


def cycle_notes(cycle: Cycle) -> tuple[str, ...]:
    """Return what the steps of a cycle say beside their results: how tests were run, controlled and explained."""
    suite, proof, triage = cycle.suite, cycle.proof, cycle.triage
    return (
        *(suite.notes if suite else ()),
        *(proof.control_notes if proof else ()),
        *(triage.notes if triage else ()),
    )


def _of_cycle(cycle: Cycle) -> RolloutNote:
    rollout, rollback = cycle.rollout, cycle.rollback
    failed = [s for s in rollout.services if s.status in _TOLD] if rollout else []
    back = (*(rollout.rolled_back if rollout else ()), *(rollback.services if rollback else ()))
    strangers = [_stranger(i) for i in cycle.health.identities if not i.proven] if cycle.health else []
    return RolloutNote(
        cycle=cycle.number,
        troubles=tuple(_trouble(served) for served in failed),
        ways_back=tuple(_way_back(service) for service in back),
        notes=(*(rollout.notes if rollout else ()), *strangers),
    )


_TOLD = (ServingStatus.FAILED, ServingStatus.REFUSED, ServingStatus.ROLLED_BACK)


def _trouble(served: Served) -> Trouble:
    return Trouble(served.service, served.reason, served.message, served.last_words, served.exit_code)


def _way_back(back: RolledBack) -> str:
    if back.verified:
        return f"{back.service} went back from {back.from_revision} to {back.to_revision}, verified: {back.reason}"
    return f"{back.service} did not go back from {back.from_revision}: {back.message or back.reason}"


def _stranger(identity: Identity) -> str:
    who = f"{identity.answered} answered" if identity.answered else "the request log does not show who answered"
    return f"{identity.service}: {identity.expected or 'no revision'} was expected, {who}"
