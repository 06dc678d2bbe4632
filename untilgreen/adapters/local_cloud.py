"""Starts the embedded cloud for the time of a loop, and ends it whatever happens."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from untilgreen.errors import CloudUnavailable


@dataclass(frozen=True)
class LocalCloud:
    """A running emulator.

    Args:
        endpoint: `127.0.0.1:PORT`, for `cloud.endpoint` in the settings.
        tls: `localhost:PORT`, for any official client's `api_endpoint`.
        environment: variables with which every official client trusts that.
        faults: the file that makes it difficult while it runs.
        pid: of its process.
    """

    endpoint: str
    tls: str
    environment: dict[str, str]
    faults: Path
    pid: int


@contextmanager
def running(
    state: Path, seed: Path | None = None, port: int = 0, options: tuple[str, ...] = ()
) -> Iterator[LocalCloud]:
    """Run the emulator.

    Args:
        state: the folder of everything that it keeps; what an earlier one kept goes on.
        seed: YAML file with what it starts with.
        port: 0 takes any free one.
        options: further ones of `python -m untilgreen.emulator`.

    Yields:
        Where to reach it.

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
            [*command, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err, start_new_session=True
        )
    try:
        yield _ready(process, log)
    finally:
        _end(process)


@contextmanager
def emulator(state: Path, seed: Path | None, port: int = 0) -> Iterator[str]:
    """Run the emulator; port 0 takes any free one.

    Yields:
        Its endpoint, `127.0.0.1:PORT`.

    Raises:
        CloudUnavailable: it did not start; its own words say why.
    """
    with running(state, seed, port) as cloud:
        yield cloud.endpoint


def _ready(process: subprocess.Popen[bytes], log: Path) -> LocalCloud:
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        words = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise CloudUnavailable(f"the emulator did not start: {words[0]} Its log is {log}.")
    said = json.loads(line)
    return LocalCloud(said["endpoint"], said["tls"], said["environment"], Path(said["faults"]), said["pid"])


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
