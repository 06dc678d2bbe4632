"""Judges true and false analyses of faults that really happened.

    python benchmarks/review_analyses/run.py                      judge the committed corpus
    python benchmarks/review_analyses/run.py --kept FOLDER        judge all analyses of what a fault run kept
    python benchmarks/review_analyses/run.py --kept FOLDER --write    and make the corpus of it

What is true is known because somebody injected it; what is false is derived from that by transformations that know
neither the fault nor the gate. Prints for each type of claim what became of both, with 95 % intervals. Twenty faults
are made by `benchmarks/faults/run.py --keep FOLDER`, some more by `--happen` of this script into the same folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2])]

# The folder above must be importable first: this is a script of a package.
from benchmarks.faults.catalogue import FAULTS  # noqa: E402 - the line above makes it importable
from benchmarks.faults.fault import Fault  # noqa: E402 - the line above makes it importable
from benchmarks.faults.outcome import Outcome, read  # noqa: E402 - the line above makes it importable
from benchmarks.faults.place import place  # noqa: E402 - the line above makes it importable
from benchmarks.review_analyses.corpus import (  # noqa: E402 - the line above makes it importable
    FOLDER,
    Few,
    Told,
    corpus,
    nameless,
    save,
    smaller,
)
from benchmarks.review_analyses.faults import MORE  # noqa: E402 - the line above makes it importable
from benchmarks.review_analyses.lies import lies  # noqa: E402 - the line above makes it importable
from benchmarks.review_analyses.table import met, render  # noqa: E402 - the line above makes it importable
from benchmarks.review_analyses.tampering import tampered  # noqa: E402 - the line above makes it importable
from benchmarks.review_analyses.truths import truths  # noqa: E402 - the line above makes it importable
from untilgreen.collect.bundle import Bundle, load  # noqa: E402 - the line above makes it importable
from untilgreen.ledger import Ledger  # noqa: E402 - the line above makes it importable
from untilgreen.model.evidence import Manifest  # noqa: E402 - the line above makes it importable
from untilgreen.review.gate import review  # noqa: E402 - the line above makes it importable
from untilgreen.triage.step import triage  # noqa: E402 - the line above makes it importable


def main() -> int:
    """Judge, print, and tell by the exit code whether the targets are met."""
    asked = arguments()
    kept = Path(asked.kept) if asked.kept else None
    if asked.happen and kept:
        happen(kept)
    found = list(gathered(kept)) if kept else list(corpus())
    if asked.write:
        found = list(written(found))
    judged = [pair for told in found for pair in told.judged()]
    print(render(judged))
    return 0 if met(judged) else 1


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kept", help="what a fault run left behind")
    parser.add_argument("--happen", action="store_true", help="let the further faults happen into that folder first")
    parser.add_argument("--write", action="store_true", help="make the committed corpus of it")
    return parser.parse_args()


def happen(kept: Path) -> None:
    """Let the further faults happen, one after another."""
    with tempfile.TemporaryDirectory(prefix="analyses-") as folder, place(Path(folder, "place")) as here:
        for fault in MORE.values():
            here.inject(fault, kept)


def gathered(kept: Path) -> Iterator[Told]:
    """Make all analyses, true and false, of each fault that was kept."""
    for fault in {**FAULTS, **MORE}.values():
        try:
            yield told(kept, fault)
        except FileNotFoundError:
            print(f"{fault.id}: nothing was kept of it", file=sys.stderr)


def told(kept: Path, fault: Fault) -> Told:
    """Make all analyses of one fault, on evidence that names no machine."""
    whole = read(kept, fault)
    bundle = nameless(whole.bundle)
    found = triage(bundle)
    planted = tuple(a for a in whole.triage.analyses if a.author != "built-in")
    outcome: Outcome = dataclasses.replace(
        whole,
        bundle=bundle,
        triage=found.model_copy(update={"analyses": (*found.analyses, *planted)}),
        reviews=tuple(review(analysis, bundle) for analysis in found.analyses),
    )
    samples = [*truths(outcome), *lies(outcome), *tampered(outcome, _earlier(kept, whole))]
    return Told(fault.id, bundle, tuple(samples))


def _earlier(kept: Path, outcome: Outcome) -> Bundle:
    ledger, number = Ledger(kept, outcome.fault.id), outcome.happened.cycles[-1] - 1
    manifest = ledger.recall(number, Manifest)
    assert manifest, f"cycle {number} of {ledger.folder} has no bundle"
    return load(ledger.cycle_folder(number) / manifest.folder)


def written(found: list[Told]) -> Iterator[Told]:
    """Make the corpus: a few analyses of each kind, and as little evidence as judges them the same."""
    few = Few()
    for whole in found:
        samples = few.of(whole.judged())
        less = Told(whole.fault, smaller(whole.bundle, samples), samples)
        save(FOLDER, less)
        yield less


if __name__ == "__main__":
    sys.exit(main())
