"""Where the evidence about a test comes from: a loop's newest cycle that knows it, or a folder."""

from __future__ import annotations

from pathlib import Path

from untilgreen.collect.bundle import Bundle, load
from untilgreen.errors import ConfigError, EvidenceIncomplete
from untilgreen.explain.choice import chosen
from untilgreen.explain.explanation import Explanation, explain
from untilgreen.ledger import Ledger
from untilgreen.model.analysis import Reviews, Triage
from untilgreen.model.evidence import Case, Manifest
from untilgreen.review.gate import review
from untilgreen.triage.step import triage


def of_folder(folder: Path, name: str) -> Explanation:
    """Explain a test of a bundle, judged now.

    Raises:
        ConfigError: the folder holds no bundle, or no such test.
        EvidenceIncomplete: the bundle cannot be read.
    """
    bundle = load(folder)
    case = chosen(bundle.find(Case), name)
    found = triage(bundle)
    return explain(bundle, found, _reviews(bundle, found), case)


def of_loop(ledger: Ledger, name: str) -> Explanation:
    """Explain a test of a loop, by what the loop itself found: the newest cycle in which it fails, else the newest.

    Raises:
        ConfigError: no cycle has such a test.
        EvidenceIncomplete: no cycle came to step collect.
    """
    known: tuple[int, Bundle, Case] | None = None
    trouble: ConfigError | None = None
    for number in reversed(ledger.cycles()):
        manifest = ledger.recall(number, Manifest)
        if manifest is None:
            continue
        bundle = load(ledger.cycle_folder(number) / manifest.folder)
        try:
            case = chosen(bundle.find(Case), name)
        except ConfigError as error:
            trouble = trouble or error
            continue
        known = known or (number, bundle, case)
        if case.outcome.bad:
            return _of_cycle(ledger, number, bundle, case)
    if known:
        return _of_cycle(ledger, *known)
    raise trouble or EvidenceIncomplete(f"{ledger.folder}: no cycle came to step collect, so nothing can be explained.")


def _of_cycle(ledger: Ledger, number: int, bundle: Bundle, case: Case) -> Explanation:
    found = ledger.recall(number, Triage)
    if found is None:
        fresh = triage(bundle)
        return explain(bundle, fresh, _reviews(bundle, fresh), case)
    return explain(bundle, found, ledger.recall(number, Reviews), case)


def _reviews(bundle: Bundle, found: Triage) -> Reviews:
    return Reviews(reviews=tuple(review(analysis, bundle) for analysis in found.analyses))
