"""Judges a diff alone, or one beside an analysis: no loop, no bundle, no cloud, and the repository only read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from untilgreen.errors import ConfigError, RepositoryError
from untilgreen.fix.images import examined
from untilgreen.fix.sources import compared
from untilgreen.fix.tree import Tree, read_texts
from untilgreen.model.analysis import Analysis, Decision, Finding, Fix, FixReview, Truth
from untilgreen.model.delivery import GateFinding
from untilgreen.model.document import content_id
from untilgreen.ports import Checker, History
from untilgreen.review.fixes import refuse, review_fix
from untilgreen.review.fixes.change import Images
from untilgreen.settings import FILE, Service, Settings, parse
from untilgreen.ssot.index import NO_STORE, Store

_ANY = Settings(services={"none": Service(source="none", image="none")})
"""Stands for the settings of a repository that has none: one service that holds nothing."""


def meant(analyses: Sequence[Analysis], breaks: str) -> Analysis | None:
    """Return the analysis that has the why that a fix breaks, or the first; None when there are none."""
    for analysis in analyses:
        if any(breaks == f"{why.claim.type} {why.claim.subject}" for why in analysis.whys):
            return analysis
    return analyses[0] if analyses else None


def judge_bytes(  # noqa: PLR0917 - as `judge`, before anything was read
    history: History,
    base: str,
    diff: bytes,
    analysis: Analysis | None,
    breaks: str,
    checker: Checker,
    *,
    store: Store = NO_STORE,
) -> FixReview:
    """Judge a diff as it came, see `judge`; one that is no UTF-8 is rejected, for nobody can read it.

    Args:
        history: the repository; only read.
        base: the commit that the diff is relative to.
        diff: what `git diff` prints.
        analysis: what it is said to be for, if anybody says so.
        breaks: `claim_type subject` of the why that it breaks.
        checker: parses sources.
        store: what was read of the same sources before.
    """
    text = diff.decode("utf-8", "backslashreplace")
    about = analysis.id if analysis else ""
    fix = Fix(id=content_id("fix", text), author="", title="the diff", analysis=about, breaks=breaks, diff=text)
    try:
        diff.decode()
    except UnicodeDecodeError as error:
        line = diff.count(b"\n", 0, error.start) + 1
        return _rejected(fix, "fix.unreadable", f"line {line} of the diff is not UTF-8; convert that file first")
    return judge(history, base, fix, analysis, checker, store=store)


def judge(
    history: History, base: str, fix: Fix, analysis: Analysis | None, checker: Checker, *, store: Store = NO_STORE
) -> FixReview:
    """Apply a fix to a copy of a commit and judge it by every rule of the gate.

    Args:
        history: the repository; only read.
        base: the commit that the diff is relative to.
        fix: the change.
        analysis: what it is for; None when nobody says.
        checker: parses sources.
        store: what was read of the same sources before, so that a large tree is not read for each diff.

    Raises:
        RepositoryError: the base cannot be read.
        ConfigError: the settings of the base cannot be used.
        BuildFailed: sources cannot be checked.
    """
    with TemporaryDirectory(prefix="untilgreen-review-") as place:
        tree = Tree(history, history.resolve(base), Path(place))
        before = tree.texts()
        settings = parse(before[FILE]) if FILE in before else _ANY
        review = refuse(fix, analysis, before, settings)
        if review:
            return review
        try:
            copy = tree.try_on(fix.diff) if fix.diff.strip() else tree.folder
        except RepositoryError as error:
            said = f"does not apply to {base}: {error}. Name the commit that it is relative to by --base."
            return _rejected(fix, "fix.applies", said)
        images = Images(*(_gate(folder, checker) for folder in (tree.folder, copy)))
        sources = compared(tree.folder, copy, fix, settings, checker)
        return review_fix(fix, analysis, before, read_texts(copy), settings, images, sources, store=store)


def _gate(folder: Path, checker: Checker) -> tuple[GateFinding, ...]:
    """Ask the image gate about a tree that says which images it makes."""
    try:
        settings = parse(read_texts(folder).get(FILE, ""))
    except ConfigError:
        return ()  # there are none, or another rule tells what is wrong with them
    return examined(folder, settings, checker)


def _rejected(fix: Fix, rule: str, message: str) -> FixReview:
    """Reject what cannot be judged: nobody knows what the tree would be."""
    finding = Finding(rule=rule, truth=Truth.REFUTED, message=message)
    decision = Decision.REJECTED
    return FixReview(fix=fix.id, title=fix.title, analysis=fix.analysis, decision=decision, findings=(finding,))
