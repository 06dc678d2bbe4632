"""The gate for fixes: what no rule stops is approved, and a rule that cannot read something stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from untilgreen.model.analysis import Analysis, Finding, Fix, FixReview
from untilgreen.review.fixes import content, reach
from untilgreen.review.fixes.bindings import binds_what_is_read
from untilgreen.review.fixes.canon import keeps_to_the_registry
from untilgreen.review.fixes.change import Change, Images
from untilgreen.review.fixes.duplicates import duplicates
from untilgreen.review.fixes.image import images_can_start
from untilgreen.review.gate import decide
from untilgreen.settings import Settings

Rule = Callable[[Change], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    reach.names_a_why,
    reach.changes_something,
    reach.stays_inside,
    reach.has_a_readable_size,
    reach.leaves_tests_alone,
    reach.leaves_the_loop_alone,
    binds_what_is_read,
    images_can_start,
    content.parses,
    content.holds_no_secret,
    content.does_not_sense_tests,
    content.does_more_than_raise_limits,
    content.keeps_checks,
    content.swallows_nothing,
    duplicates,
    keeps_to_the_registry,
)


def refuse(fix: Fix, analysis: Analysis, before: Mapping[str, str], settings: Settings) -> FixReview | None:
    """Reject a fix by its diff alone when it must not even be applied; None when it may."""
    findings = tuple(reach.stays_inside(Change(fix, analysis, before, before, settings)))
    return _review(fix, analysis, findings) if findings else None


def review_fix(  # noqa: PLR0917 - both trees, and what each is for
    fix: Fix,
    analysis: Analysis,
    before: Mapping[str, str],
    after: Mapping[str, str],
    settings: Settings,
    images: Images = Images(),  # noqa: B008 - frozen
) -> FixReview:
    """Judge one fix by what it does to the tree.

    Args:
        fix: the change on offer.
        analysis: the approved analysis that it wants to make untrue.
        before: path -> text of every text file, as it is without the fix.
        after: the same with the fix.
        settings: those of the tree before the fix.
        images: what the image gate says of both.
    """
    change = Change(fix, analysis, before, after, settings, images)
    findings = tuple(finding for rule in RULES for finding in rule(change))
    return _review(fix, analysis, findings)


def _review(fix: Fix, analysis: Analysis, findings: tuple[Finding, ...]) -> FixReview:
    return FixReview(fix=fix.id, title=fix.title, analysis=analysis.id, decision=decide(findings), findings=findings)
