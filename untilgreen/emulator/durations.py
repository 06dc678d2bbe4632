"""Durations as people write them: `200ms`, `2s`, `1m`, `24h`, and ranges of them, `1s-3s`."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Span:
    """Between two numbers of seconds."""

    shortest: float = 0.0
    longest: float = 0.0

    def draw(self, chance: random.Random) -> float:
        """Return a number of seconds within it."""
        return chance.uniform(self.shortest, self.longest) if self.longest > self.shortest else self.shortest


def seconds(text: str) -> float:
    """Return a duration in seconds.

    Raises:
        ValueError: it is none.
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"'{text}' is no duration such as 200ms, 2s, 1m or 24h")
    return float(match[1]) * _UNITS[match[2]]


def span(text: str) -> Span:
    """Return the span of one duration, or of a range such as `1s-3s`.

    Raises:
        ValueError: it is neither.
    """
    first, dash, last = text.partition("-")
    shortest = seconds(first)
    longest = seconds(last) if dash else shortest
    if longest < shortest:
        raise ValueError(f"'{text}' ends before it begins")
    return Span(shortest, longest)
