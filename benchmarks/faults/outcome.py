"""What a fault left behind, opened, and analysed by the code as it is now: triage needs nothing but the bundles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.fault import Fault
from benchmarks.faults.place import NOTES, Happened
from untilgreen.adapters.recorded_analyst import RecordedAnalyst
from untilgreen.collect.bundle import Bundle, load
from untilgreen.compare.step import Observed, compare
from untilgreen.ledger import Ledger
from untilgreen.model.analysis import Comparison, Review, Triage
from untilgreen.model.evidence import Manifest
from untilgreen.model.suite import Result, SuiteRun
from untilgreen.review.gate import review
from untilgreen.triage.step import triage


@dataclass(frozen=True)
class Outcome:
    """The scored cycle of a fault.

    Args:
        fault: what was injected.
        happened: its commits.
        bundle: the evidence.
        triage: groups and analyses.
        reviews: one for each analysis, in their order.
        comparison: with the cycles before.
        stages: the results of the tests in each stage.
    """

    fault: Fault
    happened: Happened
    bundle: Bundle
    triage: Triage
    reviews: tuple[Review, ...]
    comparison: Comparison
    stages: tuple[tuple[Result, ...], ...]


def read(kept: Path, fault: Fault) -> Outcome:
    """Open what was kept of a fault.

    Raises:
        FileNotFoundError: it was not kept.
    """
    ledger = Ledger(kept, fault.id)
    happened = Happened.model_validate_json((ledger.folder / "happened.json").read_text())
    seen = [_observed(ledger, number) for number in range(1, happened.cycles[-1])]
    suite, bundle = ledger.recall(happened.cycles[-1], SuiteRun), _bundle(ledger, happened.cycles[-1])
    found = triage(bundle, (RecordedAnalyst(ledger.folder / NOTES),))
    stages = tuple(tuple(ledger.results(number)) for number in happened.cycles)
    ran = suite is not None and suite.ran
    now = Observed(number=happened.cycles[-1], ran=ran, triage=found, results=stages[-1])
    return Outcome(
        fault=fault,
        happened=happened,
        bundle=bundle,
        triage=found,
        reviews=tuple(review(analysis, bundle) for analysis in found.analyses),
        comparison=compare(now, seen),
        stages=stages,
    )


def _observed(ledger: Ledger, number: int) -> Observed:
    suite = ledger.recall(number, SuiteRun)
    return Observed(
        number=number,
        ran=suite is not None and suite.ran,
        triage=triage(_bundle(ledger, number)),
        results=tuple(ledger.results(number)),
    )


def _bundle(ledger: Ledger, number: int) -> Bundle:
    manifest = ledger.recall(number, Manifest)
    assert manifest, f"cycle {number} of {ledger.folder} has no bundle"
    return load(ledger.cycle_folder(number) / manifest.folder)
