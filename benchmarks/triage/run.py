"""How long a thousand failures and a million log entries take, from reading the log to the analyses.

Run it as `python -m benchmarks.triage.run`. The named peers are Drain3 (`uv sync --group bench` installs it; without it
that ratio is left out) and Google's own clients. Each part is a process of its own; what is compared runs in turn, so
that both meet the same machine. A figure is the median of its rounds, with the lowest and the highest behind it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.triage.lines import lines

SIZES = (10_000, 100_000, 1_000_000)
PEER_LINES = 100_000
"""Of the same file: Drain3 takes a minute and more for all of it. Its time is linear in the lines."""
PARTS = ("analyses", "grouping", "masking", "collecting", "proving")


def main() -> None:
    """Measure one part after the other and print each beside its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"Of {', '.join(PARTS)}; all unless some are named.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="A tenth of everything.")
    asked = parser.parse_args()
    scale = 10 if asked.quick else 1
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {asked.rounds} rounds")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        told = {
            "analyses": _analyses(folder, [size // scale for size in SIZES], asked.rounds),
            "grouping": _grouping(folder, 10_000 // scale, asked.rounds),
            "masking": _masking(folder, SIZES[-1] // scale, asked.rounds),
            "collecting": _collecting(50_000 // scale, asked.rounds),
            "proving": _proving(100_000 // scale, asked.rounds),
        }
        for text in chain.from_iterable(told[part] for part in asked.parts or PARTS):
            print(text, flush=True)


def _analyses(folder: Path, sizes: Sequence[int], rounds: int) -> Iterator[str]:
    bundles = {size: _scenery(folder / f"bundle{size}", size, 1_000, 2_000) for size in sizes}
    spent: dict[int, float] = {}
    for size, bundle in bundles.items():
        found = [_part("analyses", bundle) for _ in range(rounds)]
        spent[size] = median(one["cpu"] for one in found)
        yield (
            f"1,000 failures + {size:>9,} entries -> {found[0]['groups']} analyses: {_spread(found, 'wall')} s wall, "
            f"{_spread(found, 'cpu')} s CPU, {max(one['mb'] for one in found):.0f} MB   "
            "(a million: at most 30 s and 1,500 MB)"
        )
    each = [(spent[larger] - spent[size]) / (larger - size) * 1e6 for size, larger in pairwise(sizes)]
    yield f"  each further entry: {', then '.join(f'{us:.1f}' for us in each)} us CPU   (linear: not more and more)"


def _grouping(folder: Path, failing: int, rounds: int) -> Iterator[str]:
    bundle = _scenery(folder / "grouping", failing, failing, failing // 10)
    found = [_part("grouping", bundle) for _ in range(rounds)]
    took = f"{_spread(found, 'wall')} s wall, {_spread(found, 'cpu')} s CPU"
    yield f"grouping {found[0]['failures']:,} failures -> {found[0]['groups']}: {took}   (at most 2 s)"


def _masking(folder: Path, number: int, rounds: int) -> Iterator[str]:
    file, some = folder / "lines.txt", folder / "some.txt"
    file.write_text("\n".join(lines(number)) + "\n", "utf-8")
    some.write_text("\n".join(lines(min(number, PEER_LINES))) + "\n", "utf-8")
    ways = ("masked", "bare") if importlib.util.find_spec("drain3") else ()
    ours: list[dict[str, Any]] = []
    theirs: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for _ in range(rounds):
        ours.append(_part("masking", file))
        for way in ways:
            theirs[way].append(
                json.loads(_run([sys.executable, str(Path(__file__).parent / "peer.py"), str(some), way]))
            )
    took = f"{_spread(ours, 'wall')} s, {_spread(ours, 'cpu')} s CPU"
    yield f"masking {ours[0]['lines']:,} lines -> {ours[0]['templates']} templates: {took}"
    if not ways:
        yield "  Drain3 is not installed: `uv sync --group bench` brings it"
    for way, found in theirs.items():
        what = "with the masks of its example" if way == "masked" else "without masks, which loses status codes"
        target = "   (at least 10x)" if way == "masked" else ""
        wall, cpu = (_ratio(found, ours, unit) for unit in ("wall", "cpu"))
        yield f"  Drain3 {what}: {wall} x our wall time a line, {cpu} x our CPU{target}"


def _collecting(number: int, rounds: int) -> Iterator[str]:
    for line in _run([sys.executable, "-m", "benchmarks.triage.collecting", str(number), str(rounds)]).splitlines():
        found = json.loads(line)
        ours, raw, friendly = found["ours"], found["raw"], found["friendly"]
        yield (
            f"reading {found['entries']:,} {found['sort']} entries: {_figures(ours)} us CPU each   (at most 5)\n"
            f"  Google's raw pages, only counted: {_figures(raw)} us, the floor of it; "
            f"its client for people: {_figures(friendly)} us, "
            f"{_figures([theirs / own for theirs, own in zip(friendly, ours, strict=True)])} x ours; "
            f"ours until the bundle is on disk: {_figures(found['kept'])} us"
        )


def _proving(number: int, rounds: int) -> Iterator[str]:
    found = json.loads(_run([sys.executable, "-m", "benchmarks.triage.proving", str(number), str(rounds)]))
    yield (
        f"proving {found['tests']:,} tests: {_figures(found['few'])} s; beside {found['entries']:,} log entries "
        f"{_figures(found['many'])} s   (at most 2 s more)"
    )


def _spread(found: Iterable[dict[str, Any]], unit: str) -> str:
    return _figures([one[unit] for one in found])


def _ratio(theirs: Sequence[dict[str, Any]], ours: Sequence[dict[str, Any]], unit: str) -> str:
    pairs = zip(theirs, ours, strict=True)
    return _figures([(one[unit] / one["lines"]) / (own[unit] / own["lines"]) for one, own in pairs])


def _figures(values: Sequence[float]) -> str:
    """Return the median, and how far the rounds lie apart."""
    digits = 1 if median(values) >= 3 else 2  # noqa: PLR2004 - a hundredth says nothing about more
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), median(values), max(values)))
    return f"{middle} ({low}-{high})"


def _scenery(folder: Path, entries: int, failing: int, passing: int) -> Path:
    """Write a bundle, in a process of its own: what comes of this one begins with the memory that this one has."""
    _run([sys.executable, "-m", "benchmarks.triage.scenery", str(folder), *map(str, (entries, failing, passing))])
    return folder


def _part(name: str, place: Path) -> dict[str, Any]:
    time.sleep(0.5)  # what came before may still write
    found: dict[str, Any] = json.loads(_run([sys.executable, "-m", "benchmarks.triage.parts", name, str(place)]))
    return found


def _run(command: list[str]) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
