"""How fast and how right the gate finds repetitions, beside jscpd and pylint on the same cases in the same run.

Run it as `python -m benchmarks.review.run`. It downloads source distributions of three public packages, and installs
the peers into an environment that it throws away; `--peers PYTHON` names one that has them, `--releases FOLDER` keeps
the downloads.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.review.cases import Case, found_by_us, inverses, mistaken_by_us, rewrites
from benchmarks.review.peers import Peer, compared, covers, install, installed
from benchmarks.review.releases import REPETITIONS, Step, steps

LINES = 100_000


def main() -> None:
    """Measure one part after the other and print each beside its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, help="A Python whose environment has jscpd and pylint.")
    parser.add_argument("--releases", type=Path, help="Keeps the downloaded releases.")
    parser.add_argument("--only", choices=("speed", "pairs", "releases"), help="One part.")
    asked = parser.parse_args()
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        if asked.only in {None, "speed"}:
            _tell(_speed(Path(name, "index")))
        if asked.only == "speed":
            return
        python = asked.peers or install(Path(name, "peers"))
        peers, missing = installed(python)
        print(missing, end="\n" if missing else "")
        if asked.only in {None, "pairs"}:
            _tell(_pairs(peers))
        if asked.only in {None, "releases"}:
            _tell(_releases(asked.releases or Path(name, "releases"), python, peers))


def _tell(lines: Iterator[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _speed(store: Path) -> Iterator[str]:
    for label, what, target in (("cold", "index", 5.0), ("warm", "index", 0.5), ("one fix judged", "fix", 2.0)):
        command = [sys.executable, "-m", "benchmarks.review.speed", what, str(store), str(LINES)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        what_for = f"{found['lines']:,} lines in {found['files']} files"
        yield f"{what_for}, {label}: {found['wall']:.2f} s wall, {found['cpu']:.2f} s CPU   (at most {target} s)"


def _pairs(peers: list[Peer]) -> Iterator[str]:
    again, opposite = rewrites(), inverses()
    started = time.perf_counter()
    found, (asked, rejected) = found_by_us(again), mistaken_by_us(opposite)
    yield f"{len(again)} rewrites of {len({c.other for c in again})} functions, {len(opposite)} opposites"
    yield _row("untilgreen", found, asked, time.perf_counter() - started, "   (at least 85%)")
    yield f"  of these opposites {len(rejected)} would be rejected, the others are put to a person"
    yield f"  missed: {_kinds(again, found)}"
    for peer in peers:
        started = time.perf_counter()
        theirs, mistaken = compared(peer)
        yield _row(peer.name, theirs, mistaken, time.perf_counter() - started)
        yield f"  missed: {_kinds(again, theirs)}"


def _row(name: str, found: set[Case], mistaken: set[Case], took: float, target: str = "") -> str:
    again, opposite = len(rewrites()), len(inverses())
    share = f"{len(found)}/{again} = {len(found) / again:.0%}"
    return f"{name:<20} finds {share} of the rewrites, {len(mistaken)}/{opposite} opposites, {took:.1f} s{target}"


def _kinds(cases: list[Case], found: set[Case]) -> str:
    counts = Counter(case.kind for case in cases if case not in found)
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) or "none"


def _releases(folder: Path, python: Path, peers: list[Peer]) -> Iterator[str]:
    seen = list(steps(folder, python))
    new = sum(len(step.new) for step in seen)
    ours: list[str] = []
    for step in seen:
        named = {shape.where: shape.name for shape in step.new}
        flagged = {named[place]: text for place, text in step.flagged.items() if place in named}
        ours += flagged
        yield f"{step.name}: {len(step.changed)} functions changed, {len(step.new)} new, {len(flagged)} of them flagged"
        yield from (f"  {'repeats' if name in REPETITIONS else 'WRONG'}: {text}" for name, text in flagged.items())
    wrong = sum(name not in REPETITIONS for name in ours)
    yield f"untilgreen           flags {len(ours)}/{new} = {len(ours) / new:.1%} of the new functions, all told"
    yield f"untilgreen           wrongly flags {wrong}/{new} = {wrong / new:.1%}   (at most 2%)"
    for peer in peers:
        theirs = sum(_flagged(peer, step) for step in seen)
        yield f"{peer.name:<20} flags {theirs}/{new} = {theirs / new:.1%}"


def _flagged(peer: Peer, step: Step) -> int:
    with tempfile.TemporaryDirectory() as name:
        for path, text in step.tree.items():
            file = Path(name, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8", errors="surrogateescape")
        clones = peer.find(Path(name))
    return sum(covers(clones, shape.path, shape.line, shape.end) for shape in step.new)


if __name__ == "__main__":
    main()
