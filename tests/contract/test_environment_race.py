"""Processes that see one state folder, as machines with a shared one do, ask for the same environment at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROUNDS = 50
RACER = """
import sys
from pathlib import Path
from untilgreen.environment import Environment
from untilgreen.errors import EnvironmentTaken
for line in sys.stdin:
    try:
        Environment(Path(sys.argv[1]), line.strip()).enter(sys.argv[2])
        print("entered", flush=True)
    except EnvironmentTaken as taken:
        print(taken, flush=True)
"""


@pytest.fixture
def racers(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Start two processes that live through all rounds; the second sees the folder by a link, like a mounted one."""
    shared, seen = tmp_path / "shared", tmp_path / "seen"
    shared.mkdir()
    seen.symlink_to(shared)
    with ExitStack() as all_end:
        started = []
        for state, loop in ((shared, "night"), (seen, "day")):
            command = [sys.executable, "-c", RACER, str(state), loop]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            all_end.enter_context(process)
            all_end.callback(process.kill)
            started.append(process)
        yield started


@pytest.mark.timeout(120)
def test_of_two_processes_exactly_one_enters(racers: list[subprocess.Popen[str]]) -> None:
    """In each of fifty rounds one gets the environment, and the other learns who has it and how to take over."""
    for number in range(ROUNDS):
        for process in racers:
            assert process.stdin
            process.stdin.write(f"place-{number}\n")
            process.stdin.flush()
        said = [process.stdout.readline().strip() for process in racers if process.stdout]
        assert said.count("entered") == 1, said
        loser = said.index("entered") ^ 1
        holder = racers[loser ^ 1]
        assert f"(process {holder.pid} on " in said[loser]
        assert said[loser].endswith("or turn it out with --take-over.")
