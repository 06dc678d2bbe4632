"""What happens to the loop's branch after commits were made on it: the user's own push and pull request."""

from __future__ import annotations

from untilgreen.model.analysis import AppliedFix, Fixes, Publication
from untilgreen.model.fix_verdict import Undone
from untilgreen.wiring import Workshop, narrator


def published(shop: Workshop, branch: str, commit: str, fixes: tuple[AppliedFix, ...] = ()) -> tuple[Publication, ...]:
    """Push, then open a pull request unless one was opened before. A failure is told, and changes nothing.

    Args:
        shop: of the cycle.
        branch: the loop's.
        commit: its tip.
        fixes: what is new on it; none when something was taken back.
    """
    wanted = shop.settings.fixing
    places = {
        "branch": branch,
        "commit": commit,
        "base": shop.run.commit,
        "loop": shop.run.loop,
        "cycle": str(shop.run.cycle),
        "title": fixes[0].title if fixes else f"Fixes of loop {shop.run.loop}",
        "body": "\n".join(f"- {fix.title} ({fix.commit[:12]}, breaks {fix.breaks})" for fix in fixes),
    }
    done: list[Publication] = []
    if wanted.push:
        done.append(shop.publish("push", wanted.push, places))
    if wanted.pull_request and fixes and all(one.ok for one in done) and not _opened(shop):
        done.append(shop.publish("pull_request", wanted.pull_request, places))
    for one in done:
        narrator().say("fix", f"{one.what} {'done' if one.ok else 'failed'}{': ' if one.said else ''}{one.said}")
    return tuple(done)


def _opened(shop: Workshop) -> bool:
    """Tell whether an earlier cycle opened the pull request."""
    kept = (shop.ledger.recall(number, Fixes) for number in range(1, shop.run.cycle))
    return any(one.ok and one.what == "pull_request" for fixes in kept if fixes for one in fixes.published)


def with_publications(shop: Workshop, branch: str, fixes: Fixes) -> Fixes:
    """Publish what a step committed, and keep how that went."""
    if not fixes.applied:
        return fixes
    return fixes.model_copy(update={"published": published(shop, branch, fixes.commit, fixes.applied)})


def with_push(shop: Workshop, branch: str, undone: Undone) -> Undone:
    """Push what was taken back."""
    if undone.commit == shop.run.commit:
        return undone
    said = [f"push failed: {one.said}" for one in published(shop, branch, undone.commit) if not one.ok]
    return undone.model_copy(update={"notes": (*undone.notes, *said)})
