"""The benchmark of triage still measures something."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_every_part_gives_its_figures() -> None:
    """A tenth of the benchmark runs in one go, and prints a figure for each part and its target beside it."""
    command = [sys.executable, "-m", "benchmarks.triage.run", "--quick", "--rounds", "1"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for part in (
        r"1,000 failures \+   100,000 entries -> 10 analyses: .* MB   \(a million: at most 30 s and 1,500 MB\)",
        r"grouping 1,000 failures -> 10: .* s CPU   \(at most 2 s\)",
        r"masking 100,000 lines -> \d+ templates: .* CPU",
        r"reading 5,000 json entries: .* us CPU each   \(at most 5\)",
        r"proving 1,000 tests: .* beside 10,000 log entries .* s   \(at most 2 s more\)",
    ):
        assert re.search(part, done.stdout), (part, done.stdout)
