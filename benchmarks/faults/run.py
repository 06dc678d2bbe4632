"""Injects faults, really, and scores what untilgreen says of them.

    python benchmarks/faults/run.py [F01 F04 ...] [--keep FOLDER] [--json] [--explain]
    python benchmarks/faults/run.py [F01 F04 ...] --again FOLDER      only analyse and score what was kept

Each fault is a git history on top of a healthy project of three services, deployed to the emulator after a green
cycle, tested, and analysed by the steps themselves. Prints what was said of each, and the figures against their
targets, with 95 % intervals, beside two simple methods: blaming the service that logs most errors, and grouping by
type and masked message.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2])]

# The folder above must be importable first: this is a script of a package.
from benchmarks.faults.catalogue import FAULTS  # noqa: E402 - the line above makes it importable
from benchmarks.faults.fault import Fault  # noqa: E402 - the line above makes it importable
from benchmarks.faults.judge import FaultJudged, crashed, judge  # noqa: E402 - the line above makes it importable
from benchmarks.faults.outcome import Outcome, read  # noqa: E402 - the line above makes it importable
from benchmarks.faults.place import place  # noqa: E402 - the line above makes it importable
from benchmarks.faults.table import lines, render  # noqa: E402 - the line above makes it importable
from benchmarks.faults.told import told  # noqa: E402 - the line above makes it importable


def main() -> int:
    """Measure, print, and tell by the exit code whether all targets are met."""
    asked = arguments()
    chosen = [name for name in FAULTS if name in asked.faults] or list(FAULTS)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        kept = Path(asked.again or asked.keep or folder, "")
        if not asked.again:
            for said in happen(chosen, Path(folder, "place"), kept):
                print(said, file=sys.stderr)
        outcomes = [outcome for name in chosen if (outcome := open_or_none(kept, FAULTS[name]))]
        judged = [judge(outcome) for outcome in outcomes]
        judged += [crashed(FAULTS[name]) for name in chosen if name not in {j.fault for j in judged}]
        print(as_json(judged) if asked.json else render(judged))
        if asked.explain:
            print("\n\n".join(told(outcome) for outcome in outcomes))
    return 0 if all(line.met for line in lines(judged)) else 1


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", metavar="FAULT", choices=[*FAULTS, []], help="all when none is named")
    parser.add_argument("--keep", help="a folder for what the faults leave behind")
    parser.add_argument("--again", help="such a folder: nothing is deployed, only analysed and scored again")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--explain", action="store_true", help="print every chain of whys")
    return parser.parse_args()


def happen(names: Sequence[str], folder: Path, kept: Path) -> Iterator[str]:
    """Let faults happen one after another; yields a line about each. One that breaks a step does not end the rest."""
    with place(folder) as here:
        for name in names:
            begun = time.monotonic()
            try:
                here.inject(FAULTS[name], kept)
            except Exception:  # noqa: BLE001 - whatever a step raises is a finding of this benchmark
                traceback.print_exc()
            yield f"{name} happened in {time.monotonic() - begun:.1f} s"


def open_or_none(kept: Path, fault: Fault) -> Outcome | None:
    """Open what was kept of a fault; None when a step broke and nothing was kept."""
    try:
        return read(kept, fault)
    except FileNotFoundError:
        return None


def as_json(judged: Sequence[FaultJudged]) -> str:
    """Return everything for programs."""
    figures = [{**dataclasses.asdict(line), "met": line.met} for line in lines(judged)]
    return json.dumps({"figures": figures, "faults": [dataclasses.asdict(fault) for fault in judged]}, indent=1)


if __name__ == "__main__":
    sys.exit(main())
