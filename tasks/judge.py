"""What a cycle says of the fixes before it: read from the ledger, kept in it, told to whoever listens."""

from __future__ import annotations

from untilgreen.compare.step import Observed
from untilgreen.compare.verdicts import Aftermath, judge_fixes
from untilgreen.fix.standing import Chapter, standing
from untilgreen.model.analysis import Comparison, Fixes, Triage
from untilgreen.model.delivery import Rollout, ServingStatus
from untilgreen.model.fix_verdict import FixVerdicts, Undone
from untilgreen.model.suite import Reality
from untilgreen.wiring import Workshop, narrator


def judge_applied(shop: Workshop, now: Observed, earlier: list[Observed], comparison: Comparison) -> FixVerdicts:
    """Judge every fix that the tested commit should hold, and keep the verdicts."""
    held = standing(chapters(shop, shop.run.cycle - 1))
    after = Aftermath(
        now=now,
        earlier=earlier,
        comparison=comparison,
        real={p.nodeid: p.revisions for p in shop.ledger.proofs(shop.run.cycle) if p.reality is Reality.REAL},
        contained=frozenset(s.fix.commit for s in held if shop.history.contains(shop.run.commit, s.fix.commit)),
        broken=broken(shop),
        sources={name: service.source for name, service in shop.settings.services.items()},
    )
    said = shop.ledger.once(shop.run.cycle, "judge", (comparison,), lambda: judge_fixes(held, after))
    for verdict in said.verdicts:
        narrator().say("compare", f"fix {verdict.effect}: {verdict.title}: {verdict.reason}")
    return said


def chapters(shop: Workshop, until: int) -> list[Chapter]:
    """Return what the cycles up to one left behind, as far as fixes are concerned."""
    kept = shop.ledger
    return [
        Chapter(
            number=number,
            triage=kept.recall(number, Triage),
            comparison=kept.recall(number, Comparison),
            verdicts=kept.recall(number, FixVerdicts),
            fixes=kept.recall(number, Fixes),
            undone=kept.recall(number, Undone),
        )
        for number in range(1, until + 1)
    ]


def broken(shop: Workshop) -> dict[str, str]:
    """Return the services whose rollout failed now, although they served in an earlier cycle -> why."""
    rollouts = [shop.ledger.recall(number, Rollout) for number in range(1, shop.run.cycle + 1)]
    served = {s.service for r in rollouts[:-1] if r for s in r.services if s.status is ServingStatus.SERVING}
    failed = [s for s in rollouts[-1].services if s.status is ServingStatus.FAILED] if rollouts[-1] else []
    return {s.service: f"{s.reason} {s.message}".strip()[:300] for s in failed if s.service in served}
