"""Steps approve and fix under Prefect."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from tasks.judge import chapters
from tasks.policy import policy
from tasks.publish import with_publications, with_push
from untilgreen.approval.named_commit import NamedCommit
from untilgreen.approval.request import ApprovalRequest, asked_about, fingerprint
from untilgreen.collect.bundle import load
from untilgreen.errors import ApprovalBroken
from untilgreen.fix import standing as known
from untilgreen.fix.step import apply_fixes, offer
from untilgreen.fix.undo import plan, undo
from untilgreen.ledger import loops
from untilgreen.model.analysis import Approval, Decision, Fix, Fixes, Offer
from untilgreen.model.cycle import Cycle, Run
from untilgreen.model.fix_verdict import Undone
from untilgreen.settings import Settings
from untilgreen.wiring import Workshop, narrator

POLICY = "policy"
"""The approver when nobody was asked: it lets through what the review approved, never what the review left open."""


@task(name="offer", task_run_name="offer-{run.cycle}", **policy(timeout_s=21_600, retries=0))
def offer_fixes(run: Run, settings: Settings, cycle: Cycle) -> Offer:
    """Ask the fixers for each approved cause, and judge what they offer."""
    shop = Workshop(run, settings)
    if not (cycle.triage and cycle.reviews and cycle.manifest):
        return Offer()
    bundle = load(shop.folder / cycle.manifest.folder)
    made = offer(
        run,
        cycle.triage,
        cycle.reviews,
        bundle,
        shop.fixers(bundle),
        shop.history,
        tried(shop),
        checker=shop.checker,
        store=shop.index,
        vain=known.attempts(chapters(shop, run.cycle)),
        limits=settings.fixing,
    )
    for judged in made.reviews:
        against = "; ".join(f.message for f in judged.findings if f.truth != "supported")
        narrator().say("fix", f"{judged.decision}: {judged.title.rstrip('.')}{': ' if against else ''}{against}")
    for judged in made.passed_over:
        narrator().say("fix", f"nothing of it: {judged.title}: {judged.findings[0].message}")
    return made


@task(name="offer-commit", task_run_name="offer-commit-{run.cycle}", **policy(timeout_s=600))
def offer_commit(run: Run, settings: Settings, cycle: Cycle, name: str, request: ApprovalRequest) -> Offer:
    """Judge the commit that an approver wants to use instead, by the same gate as any fix."""
    shop = Workshop(run, settings)
    if not (cycle.triage and cycle.reviews and cycle.manifest):
        return Offer()
    return offer(
        run,
        cycle.triage,
        cycle.reviews,
        load(shop.folder / cycle.manifest.folder),
        [NamedCommit(shop.history, name, run.commit, asked_about(request.offer)[0])],
        shop.history,
        frozenset(),
        checker=shop.checker,
        store=shop.index,
        limits=settings.fixing,
    )


@task(name="fix", task_run_name="fix-{run.cycle}", **policy(timeout_s=600))
def apply_approved(run: Run, settings: Settings, made: Offer, approval: Approval | None) -> Fixes:
    """Commit the approved fixes to the loop's branch; without approval nothing changes."""
    shop = Workshop(run, settings)
    if approval:
        shop.ledger.once(run.cycle, "approve", (made,), lambda: approval)

    def work() -> Fixes:
        if approval is None or approval.decision is not Decision.APPROVED:
            return Fixes(reviews=made.reviews, applied=(), commit=run.commit, passed_over=made.passed_over)
        human = approval.approver != POLICY
        wanted = asked_about(made) if human else made.fixes
        need_approved(run, wanted, approval)
        by = trailers(approval)
        fixes = apply_fixes(run, made, shop.history, branch(run), undecided=human, trailers=by)
        return with_publications(shop, branch(run), fixes)

    fixes = shop.ledger.once(run.cycle, "fix", (made, *((approval,) if approval else ())), work)
    for applied in fixes.applied:
        narrator().say("fix", f"committed {applied.commit[:12]} on {applied.branch}: {applied.title}")
    return fixes


def need_approved(run: Run, fixes: tuple[Fix, ...], approval: Approval) -> None:
    """Refuse to apply anything else than what was approved.

    Raises:
        ApprovalBroken: the base or a diff is another one.
    """
    if (found := fingerprint(run.commit, fixes)) != approval.hash or run.commit != approval.base:
        raise ApprovalBroken(
            f"{run.loop}/{run.cycle}: {approval.approver} approved {approval.hash[:19]} on {approval.base[:12]}, and "
            f"what would be applied is {found[:19]} on {run.commit[:12]}. Nothing was applied; begin another loop."
        )


def trailers(approval: Approval) -> tuple[str, ...]:
    """Say in the commit who approved it, and where that is written down."""
    return (f"Approved-by: {' '.join(approval.approver.split())}", f"Approval: {approval.record}")


@task(name="undo", task_run_name="undo-{run.cycle}", **policy(timeout_s=600))
def undo_regressed(run: Run, settings: Settings) -> Undone:
    """Take back the fixes that broke what worked, and try subsets when there are several."""
    shop = Workshop(run, settings)
    story = chapters(shop, run.cycle)
    waiting = next((c.undone.waiting for c in reversed(story[:-1]) if c.undone), ())
    planned = plan(known.standing(story), waiting, last=run.cycle >= settings.max_cycles)
    verdicts = (story[-1].verdicts,) if story[-1].verdicts else ()

    def work() -> Undone:
        return with_push(shop, branch(run), undo(run, planned, shop.history, branch(run)))

    undone = shop.ledger.once(run.cycle, "undo", verdicts, work)
    for taken in undone.reverted:
        how = f"reverted by {taken.commit[:12]}" if taken.commit else "could not be taken back"
        narrator().say("fix", f"{how}: {taken.title}: {taken.reason}")
    for note in undone.notes:
        narrator().say("fix", note)
    return undone


def tried(shop: Workshop) -> frozenset[str]:
    """Return the fixes that earlier cycles committed or rejected, and those that broke something in any loop."""
    others = (kept for kept in loops(Path(shop.run.state)) if kept.loop_id != shop.run.loop)
    undone = (kept.recall(number, Undone) for kept in others for number in kept.cycles())
    quarantined = {fix for one in undone if one for fix in one.quarantined}
    return known.tried(chapters(shop, shop.run.cycle - 1)) | quarantined


def branch(run: Run) -> str:
    """Return the branch that a loop's fixes go to."""
    return f"untilgreen/{run.loop}"
