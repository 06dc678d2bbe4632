"""What running and proving a suite costs, beside bare pytest, xdist, and the same workers without proof.

Run it as `python benchmarks/suite/run.py`, or with the names of some parts: io, slow, trivial, growth. Everything is
measured in turns, so that a busy moment hits all ways; each line is a ratio of one run, with its spread.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import suites
import ways
from ways import Cost

OURS = "untilgreen, with proof"
Runs = dict[str, list[Cost]]


def in_turns(rounds: int, runs: Mapping[str, Callable[[], Cost]]) -> Runs:
    """Run each way once a round."""
    costs: Runs = {way: [] for way in runs}
    for _ in range(rounds):
        for way, run in runs.items():
            costs[way].append(run())
    return costs


def io(folder: Path, rounds: int) -> None:
    """Measure 1000 tests that each wait 5 ms for an answer, with 8 workers."""
    checkout = suites.answering(folder, 1000)
    with suites.service(0.005) as url:
        costs = in_turns(
            rounds,
            {
                OURS: lambda: ways.ours(checkout, 8, url),
                "the same workers, no proof": lambda: ways.unproven(checkout, 8, url),
                "pytest-xdist -n auto": lambda: ways.xdist(checkout, "auto", url),
                "pytest": lambda: ways.serial(checkout, url),
            },
        )
    tell("1000 tests, 5 ms an answer", costs)
    target(costs, "the same workers, no proof", 1.15)
    target(costs, "pytest-xdist -n auto", 0.6)
    target(costs, "pytest", 0.5)
    spent = [
        (own.cpu_s - peer.cpu_s) for own, peer in zip(costs[OURS], costs["the same workers, no proof"], strict=True)
    ]
    print(f"  proof and the runner's own process: {statistics.median(spent):.2f} ms of CPU a test")


def slow(folder: Path, _: int) -> None:
    """Measure 400 tests that each wait 100 ms for an answer, with 16 workers."""
    checkout = suites.answering(folder, 400)
    with suites.service(0.1) as url:
        runs = {OURS: lambda: ways.ours(checkout, 16, url), "pytest": lambda: ways.serial(checkout, url)}
        costs = in_turns(1, runs)
    tell("400 tests, 100 ms an answer", costs)
    target(costs, "pytest", 0.1)


def trivial(folder: Path, rounds: int) -> None:
    """Measure 10,000 tests that do nothing."""
    checkout = suites.trivial(folder, 10_000)
    runs = {OURS: lambda: ways.ours(checkout, 2), "pytest": lambda: ways.serial(checkout)}
    costs = in_turns(min(rounds, 2), runs)
    tell("10,000 trivial tests", costs)
    target(costs, "pytest", 1.3)


def growth(folder: Path, _: int) -> None:
    """Measure how cost and memory grow from 1,000 to 20,000 tests."""
    few, many = (ways.ours(suites.trivial(folder, count), 2) for count in (1_000, 20_000))
    none = ways.ours(suites.trivial(folder, 1), 2)
    each = [(cost.cpu_s - none.cpu_s) / count * 1000 for cost, count in ((few, 1_000), (many, 20_000))]
    print(f"from 1,000 to 20,000 trivial tests\n  CPU a test: {each[0]:.2f} ms, then {each[1]:.2f} ms: ", end="")
    print(f"{each[1] / each[0]:.2f}x")
    print(
        f"  memory at 20,000: {many.own_mb:.0f} MB in the runner, {many.tests_mb:.0f} MB in pytest (at most 200 each)"
    )


def tell(title: str, costs: Runs) -> None:
    """Print what each way took."""
    print(title)
    for way, runs in costs.items():
        walls, cpus = [cost.wall_s for cost in runs], [cost.cpu_s for cost in runs]
        spread = f"({min(walls):.2f}-{max(walls):.2f})"
        print(f"  {way:28} wall {statistics.median(walls):6.2f} s {spread:15} CPU {statistics.median(cpus):6.2f} s")


def target(costs: Runs, peer: str, bound: float) -> None:
    """Print the ratio of walls to a peer, round by round, beside what it should be at most."""
    ratios = sorted(own.wall_s / other.wall_s for own, other in zip(costs[OURS], costs[peer], strict=True))
    middle = statistics.median(ratios)
    verdict = "as wanted" if middle <= bound else "MISSED"
    print(f"  takes {middle:.2f}x of {peer} ({ratios[0]:.2f}-{ratios[-1]:.2f}); at most {bound}: {verdict}", flush=True)


PARTS = {"io": io, "slow": slow, "trivial": trivial, "growth": growth}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for part in asked.parts:
            PARTS[part](Path(name), asked.rounds)


if __name__ == "__main__":
    main()
