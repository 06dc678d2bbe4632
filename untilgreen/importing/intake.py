"""What became of the records of a file: kept, or refused for a reason. Nothing is dropped without being counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from untilgreen.model.document import Document


class Intake(Document):
    """The account of one file. `read` is always `kept` and everything refused."""

    file: str
    read: int
    kept: int
    refused: dict[str, int]
    """Reason -> how many records."""
    notes: dict[str, int]
    """What is odd about kept ones -> how many; one record may be counted more than once."""
    gap: str = ""
    """Why the file itself is not whole; empty when it is."""

    def lines(self) -> list[str]:
        """Return the account in words."""
        told = [f"{self.file}: read {self.read}, kept {self.kept}, refused {self.read - self.kept}"]
        told += [f"  refused {count}: {reason}" for reason, count in self.refused.items()]
        told += [f"  of the kept, {count} {note}{self._share(note, count)}" for note, count in self.notes.items()]
        return told + ([f"  {self.gap}"] if self.gap else [])

    def _share(self, _note: str, count: int) -> str:
        return f" ({count / self.kept:.1%})" if self.kept else ""


class Counting:
    """Keeps the account while a file is read.

    Args:
        file: its path.
    """

    def __init__(self, file: Path) -> None:
        self._file = str(file)
        self._refused: Counter[str] = Counter()
        self._notes: Counter[str] = Counter()
        self.kept = 0
        self.gap = ""

    def keep(self, *notes: str) -> None:
        """Count a record that became evidence, and what is odd about it."""
        self.kept += 1
        self._notes.update(notes)

    def refuse(self, reason: str) -> None:
        """Count a record that did not."""
        self._refused[reason] += 1

    def done(self) -> Intake:
        """Return the account."""
        return Intake(
            file=self._file,
            read=self.kept + self._refused.total(),
            kept=self.kept,
            refused=dict(sorted(self._refused.items())),
            notes=dict(sorted(self._notes.items())),
            gap=self.gap,
        )
