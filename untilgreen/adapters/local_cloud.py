"""Starts the embedded cloud for the time of a loop, and ends it whatever happens."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from untilgreen.errors import CloudUnavailable


@contextmanager
def emulator(state: Path, seed: Path | None, port: int = 0) -> Iterator[str]:
    """Run the emulator; port 0 takes any free one.

    Yields:
        Its endpoint, `127.0.0.1:PORT`.

    Raises:
        CloudUnavailable: it did not start; its own words say why.
    """
    state.mkdir(parents=True, exist_ok=True)
    log = state / "emulator.log"
    command = [sys.executable, "-m", "untilgreen.emulator", "--state", str(state), "--with-parent", "--port", str(port)]
    if seed:
        command += ["--seed", str(seed)]
    with log.open("wb") as err:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, start_new_session=True
        )
    try:
        yield _endpoint(process, log)
    finally:
        _end(process)


def _endpoint(process: subprocess.Popen[bytes], log: Path) -> str:
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        words = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise CloudUnavailable(f"the emulator did not start: {words[0]} Its log is {log}.")
    endpoint: str = json.loads(line)["endpoint"]
    return endpoint


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        if process.stdout:
            process.stdout.close()
