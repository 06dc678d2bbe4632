"""What deploy and wait cost, beside what people do instead.

    python benchmarks/deploy/run.py [--rounds 10]

Starts an emulator and prints, each figure as a median with its spread:
  - from a service's own time stamp of its first 200 to "healthy" as step wait says it (target: at most 100 ms), beside
    asking every 5 seconds,
  - from the end of a container that exits to its report with exit code and last line (target: at most 1 s), beside the
    client library's own waiting,
  - four services that do not wait for one another, as a ratio to one after another (target: at most 0.6),
  - the emulator's proxy beside the bare service: added latency at one connection (target: at most 0.5 ms), requests a
    second at sixteen (target: at least 1,000).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from load import measure
from places import Place, place
from starts import Seen, crash, health, several


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, place(Path(folder)) as here:
        beside(
            "first 200 -> healthy",
            [health(here, number) for number in range(rounds)],
            "asking every 5 s",
        )
        for after in (0.0, 3.0):
            beside(
                f"exit after {after:.0f} s -> reported",
                [crash(here, number, after) for number in range(max(3, rounds // 2))],
                "the library's own waiting",
            )
        together(here, max(3, rounds // 3))
        proxy(here, max(3, rounds // 3))


def beside(what: str, seen: Sequence[Seen], peer: str) -> None:
    """Print ours beside the peer's, and the ratio of each pair."""
    ours, theirs = [s.ours for s in seen], [s.theirs for s in seen]
    print(f"{what}: {spread(ours)} s; {peer}: {spread(theirs)} s; ratio {spread([s.ours / s.theirs for s in seen])}")


def together(here: Place, rounds: int) -> None:
    """Print how long four services take side by side and one after another."""
    pairs = [(several(here, 2 * n, chained=False), several(here, 2 * n + 1, chained=True)) for n in range(rounds)]
    side, row = [a for a, _ in pairs], [b for _, b in pairs]
    ratios = spread([a / b for a, b in pairs])
    print(f"4 services: side by side {spread(side)} s; one after another {spread(row)} s; ratio {ratios}")


def proxy(here: Place, rounds: int) -> None:
    """Print what the proxy adds to one request, and what it lets through."""
    direct, through = here.echo()
    alone = [(measure(direct, 1, 1000), measure(through, 1, 1000)) for _ in range(rounds)]
    many = [(measure(direct, 16, 6000), measure(through, 16, 6000)) for _ in range(rounds)]
    milliseconds = figures(lambda load: load.median_s * 1000, alone)
    print(f"proxy, 1 connection: direct {milliseconds[0]} ms; through {milliseconds[1]} ms")
    print(f"  added: {spread([(b.median_s - a.median_s) * 1000 for a, b in alone])} ms")
    rates = figures(lambda load: load.per_second, many)
    print(f"proxy, 16 connections: direct {rates[0]} requests/s; through {rates[1]} requests/s")


def figures(of: Callable[..., float], pairs: Sequence[tuple[object, object]]) -> tuple[str, str]:
    """Return both sides of pairs as text."""
    return spread([of(a) for a, _ in pairs]), spread([of(b) for _, b in pairs])


def spread(values: Sequence[float]) -> str:
    """Return a median with the smallest and the largest."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


if __name__ == "__main__":
    main()
