"""What must be true before a service counts as deployed. Each rule says what is wrong, or nothing."""

from __future__ import annotations

from collections.abc import Callable

from untilgreen.deploy.wanted import WantedService
from untilgreen.model.delivery import RevisionState, ServiceState
from untilgreen.model.document import Document

ALL = 100
"""Percent."""


class Observed(Document):
    """What was wanted and what the platform shows after it has decided."""

    wanted: WantedService
    state: ServiceState
    revision: RevisionState | None


Rule = Callable[[Observed], tuple[str, str] | None]


def broken_rule(seen: Observed, rules: tuple[Rule, ...] = ()) -> tuple[str, str] | None:
    """Return reason and message of the first rule that does not hold, or None when all do.

    Args:
        seen: what was wanted and what is there.
        rules: empty for `RULES`: all that makes a service deployed.
    """
    return next((wrong for rule in rules or RULES if (wrong := rule(seen))), None)


def serving_revision(state: ServiceState) -> str:
    """Return who has most of the traffic, or an empty text."""
    shares = [share for share in state.traffic if share.percent]
    return max(shares, key=lambda share: share.percent).revision if shares else ""


def _ready(seen: Observed) -> tuple[str, str] | None:
    state, revision = seen.state, seen.revision
    if not state.ready and not state.reconciling:
        return state.reason or "NOT_READY", state.message or "The platform gives no reason."
    if revision and not revision.ready and revision.reason:
        return revision.reason, revision.message
    return None


def _decided(seen: Observed) -> tuple[str, str] | None:
    if seen.state.reconciling:
        return "STILL_RECONCILING", "The platform had not decided when the time for the rollout was up."
    return None


def _observed(seen: Observed) -> tuple[str, str] | None:
    state = seen.state
    if state.observed_generation != state.generation:
        return "NOT_OBSERVED", f"Generation {state.generation} was wanted, {state.observed_generation} is observed."
    return None


def _ours(seen: Observed) -> tuple[str, str] | None:
    created, ready = seen.state.latest_created, seen.state.latest_ready
    if created == ready == seen.wanted.revision:
        return None
    return "OTHER_REVISION", f"{seen.wanted.revision} was wanted; created is {created!r}, ready is {ready!r}."


def _all_traffic(seen: Observed) -> tuple[str, str] | None:
    share = sum(t.percent for t in seen.state.traffic if t.revision == seen.wanted.revision)
    if share == ALL:
        return None
    shown = ", ".join(f"{t.revision} {t.percent} %" for t in seen.state.traffic) or "nobody"
    return "TRAFFIC_ELSEWHERE", f"{seen.wanted.revision} has {share} % of the traffic; it goes to {shown}."


def _digest(seen: Observed) -> tuple[str, str] | None:
    found = seen.revision.digest if seen.revision else ""
    if found == seen.wanted.digest:
        return None
    return "OTHER_IMAGE", f"{seen.wanted.digest} was built; the revision runs {found or 'an unknown image'}."


def _url(seen: Observed) -> tuple[str, str] | None:
    if seen.state.url:
        return None
    return "NO_URL", "The platform gave the service no URL, so nobody can reach it."


RULES: tuple[Rule, ...] = (_ready, _decided, _observed, _ours, _all_traffic, _digest, _url)
"""In the order in which a person wants to hear of them."""

CANDIDATE_RULES: tuple[Rule, ...] = (_ready, _decided, _observed, _ours, _digest)
"""For a revision that is not to have any traffic yet."""
