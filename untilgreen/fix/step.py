"""From approved analyses to commits: propose, judge, apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from untilgreen.collect.bundle import Bundle
from untilgreen.errors import ConfigError, FixUnusable, RepositoryError
from untilgreen.fix.images import examined
from untilgreen.fix.sources import compared
from untilgreen.fix.tree import Tree, read_texts
from untilgreen.model.analysis import (
    Analysis,
    AppliedFix,
    Decision,
    Finding,
    Fix,
    Fixes,
    FixReview,
    Offer,
    Reviews,
    Triage,
    Truth,
)
from untilgreen.model.cycle import Run
from untilgreen.model.delivery import GateFinding
from untilgreen.model.document import content_id
from untilgreen.ports import Checker, Fixer, History
from untilgreen.review.fixes import refuse, review_fix
from untilgreen.review.fixes.change import Images, paths_in
from untilgreen.review.gate import decide
from untilgreen.settings import FILE, FixingSettings, parse
from untilgreen.ssot.index import NO_STORE, Store

_CITED = 8
"""Evidence ids in a commit's trailer: the strongest are cited first, and a trailer is one line."""


def offer(  # noqa: PLR0917 - a step takes the documents it needs, in the order of the steps that left them
    run: Run,
    triage: Triage,
    reviews: Reviews,
    bundle: Bundle,
    fixers: Sequence[Fixer],
    history: History,
    already: frozenset[str],
    *,
    checker: Checker,
    store: Store = NO_STORE,
    vain: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    limits: FixingSettings = FixingSettings(),  # noqa: B008 - frozen
) -> Offer:
    """Ask the fixers for each approved cause and judge what they offer. Commits nothing.

    Args:
        run: which commit was tested.
        triage: groups and analyses.
        reviews: what the gate thinks of the analyses.
        bundle: the evidence, so that a commit can name what exists.
        fixers: asked in order.
        history: the user's repository; only read.
        already: ids of fixes that were committed or rejected before; they are not offered again.
        checker: parses sources, for the image gate.
        store: what was read of the same sources before.
        vain: group, or broken why -> titles of the fixes that did not help it.
        limits: how many fixes, and after how many attempts a person looks.
    """
    with TemporaryDirectory(prefix="untilgreen-fix-") as place:
        bench = _Bench(Tree(history, run.commit, Path(place)), checker, set(already), store, vain, limits.attempts)
        for analysis in causes(triage, reviews):
            if len(bench.approved) + len(bench.undecided) >= limits.most:
                break
            if not bench.serves(analysis):
                bench.consider(analysis, fixers)
    return bench.offer({analysis.id: _evidence(analysis, bundle) for analysis in triage.analyses})


def causes(triage: Triage, reviews: Reviews) -> Iterator[Analysis]:
    """Go through the best approved analysis of each group; what is masked or not approved has none."""
    sure = {r.analysis: r.confidence for r in reviews.reviews if r.decision is Decision.APPROVED}
    for group in triage.groups:
        mine = [a for a in triage.analyses if a.group == group.id and a.id in sure and not group.masked_by]
        if mine:
            yield max(mine, key=lambda analysis: sure[analysis.id])


def _evidence(analysis: Analysis, bundle: Bundle) -> tuple[str, ...]:
    """Return what an analysis cites, the leaf first."""
    whys = sorted(analysis.whys, key=lambda why: -why.number)
    ids = dict.fromkeys(citation.evidence for why in whys for citation in why.citations)
    return tuple(identity for identity in ids if bundle.get(identity))[:_CITED]


@dataclass
class _Bench:
    """Where fixes are tried on, one cause after the other."""

    tree: Tree
    checker: Checker
    tried: set[str]
    store: Store
    vain: Mapping[str, tuple[str, ...]]
    attempts: int
    reviews: list[FixReview] = field(default_factory=list)
    passed_over: list[FixReview] = field(default_factory=list)
    approved: list[Fix] = field(default_factory=list)
    undecided: list[Fix] = field(default_factory=list)
    seen: dict[Path, tuple[GateFinding, ...]] = field(default_factory=dict)
    """Folder of a tree -> what the image gate says of it."""

    def serves(self, analysis: Analysis) -> bool:
        """Tell whether an approved fix breaks this chain already: two groups may have one cause."""
        whys = {f"{why.claim.type} {why.claim.subject}" for why in analysis.whys}
        return any(fix.breaks in whys for fix in self.approved)

    def consider(self, analysis: Analysis, fixers: Sequence[Fixer]) -> None:
        """Take the first fix that the gate approves, or else the first that it asks a human about."""
        open_one: Fix | None = None
        for fix in self._proposals(analysis, fixers):
            decision = self._try_on(fix, analysis) if fix.id not in self.tried else None
            if decision is Decision.APPROVED:
                self.approved.append(fix)
                return
            if decision is Decision.NEEDS_HUMAN and open_one is None:
                open_one = fix
        if open_one:
            self.undecided.append(open_one)

    def _proposals(self, analysis: Analysis, fixers: Sequence[Fixer]) -> Iterator[Fix]:
        """Ask one fixer after the other; one that fails is noted, and the next gets its turn."""
        for fixer in fixers:
            try:
                yield from fixer.propose(analysis)
            except FixUnusable as error:
                (self.reviews if error.refused else self.passed_over).append(_unusable(analysis, error))

    def _try_on(self, fix: Fix, analysis: Analysis) -> Decision | None:
        """Judge a fix on the tree as it is now; None when it does not apply to it."""
        before = self.tree.texts()
        settings = parse(before.get(FILE, ""))
        review = refuse(fix, analysis, before, settings)
        if review is None:
            try:
                copy = self.tree.try_on(fix.diff)
            except RepositoryError as error:
                self.passed_over.append(_inapplicable(fix, analysis, error))
                return None
            images = Images(self._gate(self.tree.folder), self._gate(copy))
            sources = compared(self.tree.folder, copy, fix, settings, self.checker)
            trees = (before, read_texts(copy))
            review = review_fix(fix, analysis, *trees, settings, images, sources, store=self.store)
            review = _with(review, (*fix.doubts, *self._worn(fix, analysis)))
            if review.decision is Decision.APPROVED:
                self.tree.keep(copy)
        self.tried.add(fix.id)
        self.reviews.append(review)
        return review.decision

    def _worn(self, fix: Fix, analysis: Analysis) -> Iterator[Finding]:
        """After so many fixes that did not help a signature, a person decides about the next."""
        earlier = max(self.vain.get(analysis.group, ()), self.vain.get(fix.breaks, ()), key=len)
        if len(earlier) >= self.attempts:
            message = f"{len(earlier)} fixes were tried for this and did not help: {', '.join(earlier)}"
            yield Finding(rule="fix.attempts", truth=Truth.UNPROVEN, message=message)

    def _gate(self, folder: Path) -> tuple[GateFinding, ...]:
        """Ask the image gate about a tree; settings that cannot be read are for another rule to tell."""
        if folder not in self.seen:
            try:
                settings = parse(read_texts(folder).get(FILE, ""))
            except ConfigError:
                return ()
            self.seen[folder] = examined(folder, settings, self.checker)
        return self.seen[folder]

    def offer(self, evidence: dict[str, tuple[str, ...]]) -> Offer:
        """Return what came of it."""
        fixes = (*self.approved, *self.undecided)
        return Offer(
            reviews=tuple(self.reviews),
            fixes=tuple(self.approved),
            undecided=tuple(self.undecided),
            passed_over=tuple(self.passed_over),
            evidence={fix.id: evidence.get(fix.analysis, ()) for fix in fixes},
        )


def _with(review: FixReview, more: tuple[Finding, ...]) -> FixReview:
    """Add what was noticed outside the gate, and decide again."""
    findings = (*review.findings, *more)
    return review.model_copy(update={"findings": findings, "decision": decide(findings)})


def _unusable(analysis: Analysis, error: FixUnusable) -> FixReview:
    """Record what a fixer did instead of offering something."""
    truth = Truth.REFUTED if error.refused else Truth.UNPROVEN
    leaf = f"{analysis.leaf.claim.type} {analysis.leaf.claim.subject}"
    return FixReview(
        fix=content_id("fix", f"{analysis.id} {error.rule} {error}"),
        title=f"What a fixer made of {leaf}",
        analysis=analysis.id,
        decision=decide((finding := Finding(rule=error.rule, truth=truth, message=str(error)),)),
        findings=(finding,),
    )


def _inapplicable(fix: Fix, analysis: Analysis, error: RepositoryError) -> FixReview:
    note = Finding(rule="fix.applies", truth=Truth.UNPROVEN, message=f"does not apply to the tree as it is: {error}")
    return FixReview(fix=fix.id, title=fix.title, analysis=analysis.id, decision=Decision.NEEDS_HUMAN, findings=(note,))


def apply_fixes(
    run: Run, made: Offer, history: History, branch: str, *, undecided: bool = False, trailers: tuple[str, ...] = ()
) -> Fixes:
    """Commit what was offered: one commit a cause, each on top of the last.

    Args:
        run: the tested commit is the base, whatever happened to the branch since.
        made: the offer that was approved.
        history: the user's repository.
        branch: which branch to point at the last commit.
        undecided: whether a human approved those that the gate left open, too.
        trailers: further lines of each commit's message, such as who approved it.

    Raises:
        RepositoryError: a fix does not apply; those before it are committed.
    """
    commit, applied = run.commit, []
    for fix in (*made.fixes, *(made.undecided if undecided else ())):
        commit = history.commit_patch(
            commit, fix.diff, message(run, fix, made.evidence.get(fix.id, ()), trailers), branch
        )
        applied.append(
            AppliedFix(
                fix=fix.id,
                title=fix.title,
                analysis=fix.analysis,
                breaks=fix.breaks,
                commit=commit,
                branch=branch,
                files=paths_in(fix.diff),
            )
        )
    return Fixes(reviews=made.reviews, applied=tuple(applied), commit=commit, passed_over=made.passed_over)


def message(run: Run, fix: Fix, evidence: tuple[str, ...], trailers: tuple[str, ...] = ()) -> str:
    """Return the commit message; whoever finds the commit finds the reason by its trailers."""
    lines = [
        _line(fix.title),
        "",
        f"Breaks {_line(fix.breaks)}. Offered by {_line(fix.author)}.",
        "",
        f"Analysis: {_line(fix.analysis)}",
        *([f"Evidence: {', '.join(evidence)}"] if evidence else []),
        f"Cycle: {run.loop}/{run.cycle}",
        f"Fix: {fix.id}",
        *trailers,
    ]
    return "\n".join(lines) + "\n"


def _line(text: str) -> str:
    """Keep a fixer's words on one line, so that they cannot pose as trailers."""
    return " ".join(text.split())
