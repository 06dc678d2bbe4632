"""The reports of a loop of 10 cycles with 1000 tests each: seconds in a fresh interpreter and bytes of each file.

Run: python -m benchmarks.report.run
Targets: <= 3 s for all of them, <= 2 MB each.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

CYCLES, TESTS = 10, 1000
SECONDS, BYTES = 3.0, 2_000_000


def write_reports(folder: Path) -> tuple[float, float]:
    """Write the reports of a long loop and return seconds and CPU seconds, those of the imports among them."""
    from tests.unit.report_story import Story  # noqa: PLC0415 - building the loop is no part of the report

    story = Story(TESTS)
    cycles = tuple(story.cycles[n % 4].model_copy(update={"number": n + 1}) for n in range(CYCLES))
    loop = story.loop(2).model_copy(update={"cycles": cycles})
    began, worked = time.perf_counter(), time.process_time()
    from untilgreen.report.step import write  # noqa: PLC0415 - its import is part of what is measured

    write(loop, folder, lambda number: story.results[(number - 1) % 4 + 1])
    return time.perf_counter() - began, time.process_time() - worked


def main() -> int:
    """Print figures beside targets; 1 when one is missed."""
    with tempfile.TemporaryDirectory() as folder:
        # A fresh interpreter, since a user pays the imports too.
        call = [sys.executable, "-m", "benchmarks.report.run", folder]
        done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=True)
        seconds, worked = map(float, done.stdout.split())
        sizes = {file.name: file.stat().st_size for file in sorted(Path(folder).iterdir())}
    print(f"{CYCLES} cycles x {TESTS} tests: {seconds:.2f} s (target {SECONDS:.0f} s), {worked:.2f} s of it CPU")
    for name, size in sizes.items():
        print(f"  {name}: {size / 1e6:.2f} MB (target {BYTES / 1e6:.0f} MB)")
    return int(seconds > SECONDS or max(sizes.values()) > BYTES)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(*write_reports(Path(sys.argv[1])))
    else:
        sys.exit(main())
