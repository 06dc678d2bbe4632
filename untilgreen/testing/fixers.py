"""A fixer in memory; import it from `untilgreen.testing`."""

from __future__ import annotations

from collections.abc import Mapping

from untilgreen.errors import FixUnusable
from untilgreen.fix.fingerprint import fix_id
from untilgreen.model.analysis import Analysis, Fix


class FakeFixer:
    """Offers prepared diffs for a why, as `claim_type subject`.

    Args:
        diffs: why -> diffs, best first.
        fails: what asking it ends with, instead.
    """

    def __init__(self, diffs: Mapping[str, tuple[str, ...]], fails: FixUnusable | None = None) -> None:
        self._diffs = diffs
        self._fails = fails
        self.asked: list[str] = []
        """Ids of the analyses that it was asked about."""

    def propose(self, analysis: Analysis) -> tuple[Fix, ...]:
        """Return the diffs for the deepest why that it knows."""
        self.asked.append(analysis.id)
        if self._fails:
            raise self._fails
        whys = sorted(analysis.whys, key=lambda why: -why.number)
        names = [f"{why.claim.type} {why.claim.subject}" for why in whys]
        known = next((name for name in names if name in self._diffs), "")
        return tuple(
            Fix(id=fix_id(diff), author="fake", title=f"Mend {known}", analysis=analysis.id, breaks=known, diff=diff)
            for diff in self._diffs.get(known, ())
        )
