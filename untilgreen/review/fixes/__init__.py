"""The gate for fixes: what no rule stops is approved, and a rule that cannot read something stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from untilgreen.model.analysis import Analysis, Decision, Finding, Fix, FixReview
from untilgreen.review.fixes import checks, content, disguise, handlers, paths, pretence, reach, sources, tampering
from untilgreen.review.fixes.bindings import binds_what_is_read
from untilgreen.review.fixes.canon import keeps_to_the_registry
from untilgreen.review.fixes.change import Change, Images, Sources
from untilgreen.review.fixes.duplicates import duplicates
from untilgreen.review.fixes.homes import keeps_homes
from untilgreen.review.fixes.image import images_can_start
from untilgreen.review.gate import decide
from untilgreen.settings import Settings
from untilgreen.ssot.index import NO_STORE, Store

Rule = Callable[[Change], Iterator[Finding]]

AT_SIGHT: tuple[Rule, ...] = (paths.can_be_read, paths.stays_inside)
"""What a diff alone shows, before anybody applies it."""

RULES: tuple[Rule, ...] = (
    reach.names_a_why,
    reach.changes_something,
    *AT_SIGHT,
    paths.says_what_it_does,
    paths.keeps_names_apart,
    reach.has_a_readable_size,
    reach.leaves_tests_alone,
    tampering.keeps_assertions,
    reach.leaves_the_loop_alone,
    binds_what_is_read,
    images_can_start,
    sources.parses,
    sources.knows_its_names,
    content.holds_no_secret,
    pretence.can_be_seen,
    pretence.does_not_sense_tests,
    pretence.knows_no_test_data,
    pretence.computes_its_answers,
    pretence.leaves_no_dead_code,
    pretence.patches_nobody,
    content.does_more_than_raise_limits,
    pretence.waits_for_nothing,
    checks.keeps_checks,
    checks.keeps_checks_strict,
    checks.keeps_patterns_and_bounds,
    checks.keeps_routes,
    checks.answers_honestly,
    handlers.swallows_nothing,
    handlers.catches_its_symptom,
    handlers.keeps_talking,
    content.destroys_nothing,
    content.brings_no_strangers,
    disguise.says_it_plainly,
    disguise.swallows_by_no_other_name,
    disguise.runs_nothing_unseen,
    disguise.stands_for_nobody,
    disguise.compares_two_things,
    keeps_homes,
    duplicates,
    keeps_to_the_registry,
)


def refuse(fix: Fix, analysis: Analysis | None, before: Mapping[str, str], settings: Settings) -> FixReview | None:
    """Reject a fix by its diff alone when it must not even be applied; None when it may."""
    change = Change(fix, analysis, before, before, settings)
    findings = tuple(finding for rule in AT_SIGHT for finding in rule(change))
    return _review(fix, analysis, findings) if decide(findings) is Decision.REJECTED else None


def review_fix(  # noqa: PLR0917 - both trees, and what each is for
    fix: Fix,
    analysis: Analysis | None,
    before: Mapping[str, str],
    after: Mapping[str, str],
    settings: Settings,
    images: Images = Images(),  # noqa: B008 - frozen
    seen: Sources | None = None,
    *,
    store: Store = NO_STORE,
) -> FixReview:
    """Judge one fix by what it does to the tree.

    Args:
        fix: the change on offer.
        analysis: the approved analysis that it wants to make untrue; None for a diff alone.
        before: path -> text of every text file, as it is without the fix.
        after: the same with the fix.
        settings: those of the tree before the fix.
        images: what the image gate says of both.
        seen: what a parser of the image's Python says of both; None when nobody looked.
        store: what was read of the same sources before, so that a large tree is not read for each fix.
    """
    change = Change(fix, analysis, before, after, settings, images, seen, store)
    findings = tuple(finding for rule in RULES for finding in rule(change))
    return _review(fix, analysis, findings)


def _review(fix: Fix, analysis: Analysis | None, findings: tuple[Finding, ...]) -> FixReview:
    about = analysis.id if analysis else ""
    return FixReview(fix=fix.id, title=fix.title, analysis=about, decision=decide(findings), findings=findings)
