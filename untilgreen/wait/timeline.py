"""Every look at a service's health in a cycle, from its rollout to the end of its tests, in one file."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from pydantic import ValidationError

from untilgreen.model.delivery import HealthCheck
from untilgreen.ports import Probe
from untilgreen.redaction import LAST_NET

FILE = "looks.jsonl"
"""In the cycle's folder; several processes may add to it."""


class Timeline:
    """A probe that writes down what it saw.

    Args:
        probe: asks.
        file: one look a line. Outside of a cycle its folder is not there, and nothing is written.
    """

    def __init__(self, probe: Probe, file: Path) -> None:
        self._probe = probe
        self._file = file
        self._lock = Lock()

    def check(self, service: str, url: str, trace: str = "") -> HealthCheck:
        """Ask once, and keep the answer."""
        found = self._probe.check(service, url, trace)
        if self._file.parent.is_dir():
            with self._lock, self._file.open("a", encoding="utf-8", newline="\n") as out:
                out.write(LAST_NET.mask(found.model_dump_json()) + "\n")
        return found


def read_looks(file: Path) -> tuple[list[HealthCheck], int]:
    """Return the looks in a file in the order of time, and how many lines of it are none."""
    looks, broken = [], 0
    for line in file.read_bytes().split(b"\n") if file.is_file() else ():
        try:
            looks += [HealthCheck.model_validate_json(line)] if line else []
        except ValidationError:
            broken += 1
    return sorted(looks, key=lambda look: look.at), broken
