"""How long a thousand failures and a million log entries take, and what a line of log costs beside Drain3.

Run it as `python -m benchmarks.triage.run`. Drain3 is the named peer: install it beside this project, or name an
interpreter that has it by --peer; without it the ratio is left out. Each part is a process of its own.
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
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.triage.lines import lines
from benchmarks.triage.scenery import Size, scenery

SIZES = (10_000, 100_000, 1_000_000)
PEER_LINES = 100_000
"""Of the same file: Drain3 takes a minute and more for all of it. Its time is linear in the lines."""


def main() -> None:
    """Measure one part after the other and print each beside its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", default=sys.executable, help="A Python that has drain3.")
    parser.add_argument("--entries", type=int, default=SIZES[-1])
    parser.add_argument("--quick", action="store_true", help="A tenth of everything.")
    asked = parser.parse_args()
    scale = 10 if asked.quick else 1
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        parts = (
            _analyses(Path(name), [size // scale for size in SIZES if size <= asked.entries]),
            _grouping(Path(name), 10_000 // scale),
            _masking(Path(name), asked.entries // scale, asked.peer),
            _collecting(50_000 // scale),
        )
        for text in chain.from_iterable(parts):
            print(text, flush=True)


def _analyses(folder: Path, sizes: list[int]) -> Iterator[str]:
    for size in sizes:
        bundle = scenery(folder / f"bundle{size}", Size(size))
        found = _part("parts", "analyses", str(bundle))
        yield (
            f"1,000 failures + {size:>9,} entries -> {found['groups']} analyses: {found['wall']:6.2f} s wall, "
            f"{found['cpu']:6.2f} s CPU, {found['mb']:5.0f} MB   (a million: at most 30 s and 1,500 MB)"
        )


def _grouping(folder: Path, failing: int) -> Iterator[str]:
    bundle = scenery(folder / "grouping", Size(failing, failing=failing, passing=failing // 10))
    found = _part("parts", "grouping", str(bundle))
    yield f"grouping {found['failures']:,} failures -> {found['groups']}: {found['wall']:.2f} s   (at most 2 s)"


def _masking(folder: Path, number: int, peer: str) -> Iterator[str]:
    file, some = folder / "lines.txt", folder / "some.txt"
    file.write_text("\n".join(lines(number)) + "\n", "utf-8")
    ours = _part("parts", "masking", str(file))
    rate, busy = ours["wall"] / ours["lines"], ours["cpu"] / ours["lines"]
    took = f"{ours['wall']:.2f} s, {ours['cpu']:.2f} s CPU"
    yield f"masking {ours['lines']:,} lines -> {ours['templates']} templates: {took}"
    if not _has_drain3(peer):
        yield "  Drain3 is not installed: name a Python that has it by --peer"
        return
    some.write_text("\n".join(lines(min(number, PEER_LINES))) + "\n", "utf-8")
    for way, target in (("masked", "   (at least 10x)"), ("bare", "")):
        theirs = json.loads(_run([peer, str(Path(__file__).parent / "peer.py"), str(some), way]))
        wall, cpu = (theirs[unit] / theirs["lines"] for unit in ("wall", "cpu"))
        what = "with the masks of its example" if way == "masked" else "without masks, which loses status codes"
        yield f"  Drain3 {what}: {wall / rate:.1f}x our wall time, {cpu / busy:.1f}x our CPU{target}"


def _collecting(number: int) -> Iterator[str]:
    for line in _run([sys.executable, "-m", "benchmarks.triage.collecting", str(number)]).splitlines():
        found = json.loads(line)
        yield (
            f"reading {found['entries']:,} {found['sort']} entries: {found['us']:.1f} us CPU each, of which Google's "
            f"own raw pages {found['raw_us']:.1f}   (at most 5)"
        )


def _part(module: str, *arguments: str) -> dict[str, Any]:
    time.sleep(0.5)  # what came before may still write
    found: dict[str, Any] = json.loads(_run([sys.executable, "-m", f"benchmarks.triage.{module}", *arguments]))
    return found


def _run(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _has_drain3(python: str) -> bool:
    if python == sys.executable:
        return importlib.util.find_spec("drain3") is not None
    return subprocess.run([python, "-c", "import drain3"], check=False, capture_output=True).returncode == 0


if __name__ == "__main__":
    main()
