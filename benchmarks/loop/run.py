"""What the loop costs beside the suite, and what the suite costs beside bare pytest.

    python benchmarks/loop/run.py [--rounds 3]

Prints, for the demo on this machine with the Prefect server warm:
  - seconds of each cycle outside the suite (target: at most 6),
  - the demo suite under untilgreen against bare pytest with xdist and as many workers, on the same deployed services,
    in turn, as a ratio with its spread (target: at most 1.5),
  - seconds of the whole demo (target: at most 150) and the emulator's memory (target: at most 150 MB).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

from suites import compare_suites


def main() -> None:
    """Run the demo, then the two suites in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        loop, seconds, memory = demo(Path(folder))
        for cycle in loop["cycles"]:
            beside = wall(cycle) - cycle["seconds"]["suite"]
            print(f"cycle {cycle['number']}: {beside:4.1f} s beside the suite (target: at most 6)")
        print(f"demo: {seconds:.0f} s for {len(loop['cycles'])} cycles, {loop['stop']} (target: at most 150)")
        print(f"emulator: {memory:.0f} MB at most (target: at most 150)")
        compare_suites(Path(loop["repository"]), loop["cycles"][-1]["commit"], rounds)


def demo(folder: Path) -> tuple[dict, float, float]:
    """Run the demo; its server must be warm: run `untilgreen demo` once before."""
    command = [sys.executable, "-m", "untilgreen", "demo", "--json", "--folder", str(folder)]
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    peak, ended = [0.0], threading.Event()
    watcher = threading.Thread(target=watch_memory, args=(process.pid, peak, ended))
    watcher.start()
    out, _ = process.communicate()
    ended.set()
    watcher.join()
    return json.loads(out), time.monotonic() - begun, peak[0]


def watch_memory(parent: int, peak: list[float], ended: threading.Event) -> None:
    """Keep the highest resident memory, in MB, of the emulator that this process started."""
    while not ended.wait(0.2):
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text, line = status.read_text(), (status.parent / "cmdline").read_bytes()
            except OSError:
                continue
            if f"PPid:\t{parent}\n" in text and b"untilgreen.emulator" in line:
                peak[0] = max(peak[0], int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024)


def wall(cycle: dict) -> float:
    """Return a cycle's seconds from its opening to its last document."""
    return (datetime.fromisoformat(cycle["finished"]) - datetime.fromisoformat(cycle["started"])).total_seconds()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
