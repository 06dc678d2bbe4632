"""What a report shows beside the loop's own documents. Everything may be absent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from untilgreen.model.suite import Proof, Result


def _no_results(_cycle: int) -> Sequence[Result]:
    return ()


def _no_proofs(_cycle: int) -> Sequence[Proof]:
    return ()


def _no_text(_evidence: str) -> str | None:
    return None


@dataclass(frozen=True)
class Details:
    """Where to look things up."""

    results_of: Callable[[int], Sequence[Result]] = _no_results
    """Cycle number -> one result for each collected test."""
    proofs_of: Callable[[int], Sequence[Proof]] = _no_proofs
    """Cycle number -> one proof for each passed test."""
    text_of: Callable[[str], str | None] = _no_text
    """Evidence id -> what may be quoted of it, or None."""
