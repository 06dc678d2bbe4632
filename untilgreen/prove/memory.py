"""Trials of earlier cycles and loops: what has not changed since costs nothing again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from untilgreen.ledger import write_whole
from untilgreen.model.document import Document
from untilgreen.model.suite import Control, Trial

FILE = "controls.jsonl"


class Remembered(Document):
    """What is known of one test."""

    nodeid: str
    digest: str
    """Of its files as they were at its trials."""
    loop: str
    """The loop of the newest trial."""
    trials: tuple[Trial, ...]


class Memory:
    """A file of trials, one test a line. Losing it costs time and nothing else.

    Args:
        file: where it lies, beside the loops.
        loop: who remembers now.
    """

    def __init__(self, file: Path, loop: str) -> None:
        self._file, self._loop = file, loop
        self._known = _read(file)

    def trials(self, nodeid: str, digest: str) -> tuple[Trial, ...]:
        """Return the trials of a test, if its files are still the same."""
        known = self._known.get(nodeid)
        return known.trials if known and known.digest == digest else ()

    def settled(self, nodeid: str, digest: str, control: Control) -> bool:
        """Tell whether a control need not be repeated: one that said nothing gets another chance in another loop."""
        told = next((trial for trial in self.trials(nodeid, digest) if trial.control is control), None)
        return told is not None and (told.reached or self._known[nodeid].loop == self._loop)

    def keep(self, trials: Iterable[Trial], digests: Mapping[str, str]) -> None:
        """Remember trials; of tests whose files have changed, nothing older stays."""
        for trial in trials:
            digest = digests[trial.nodeid]
            others = [told for told in self.trials(trial.nodeid, digest) if told.control is not trial.control]
            both = tuple(sorted((*others, trial), key=lambda told: list(Control).index(told.control)))
            self._known[trial.nodeid] = Remembered(nodeid=trial.nodeid, digest=digest, loop=self._loop, trials=both)
        write_whole(self._file, "".join(known.model_dump_json() + "\n" for known in self._known.values()))


def _read(file: Path) -> dict[str, Remembered]:
    """Read what can be read: what cannot is tried again."""
    known = {}
    for line in file.read_bytes().splitlines() if file.is_file() else ():
        with suppress(ValidationError):
            row = Remembered.model_validate_json(line)
            known[row.nodeid] = row
    return known
