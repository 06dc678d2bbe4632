"""What a person reads about the history of the tests: words and figures, no colour that alone means anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from untilgreen.suite.history import Kind, Record

RECENT = 10
"""A test that is in none of so many newest cycles is gone: it is counted, and listed no more."""


@dataclass(frozen=True)
class Listing:
    """Some of the tests, the worst first."""

    title: str
    records: tuple[Record, ...]
    told: Callable[[Record], str]


def listings(history: Iterable[Record], *, flaky_only: bool = False, slow: int = 10) -> tuple[Listing, ...]:
    """Choose what is listed.

    Args:
        history: one record a test.
        flaky_only: whether flaky tests alone are wanted.
        slow: how many of the slowest.
    """
    present = [record for record in history if record.absent < RECENT]
    flaky = _sorted(present, Kind.FLAKY, lambda r: (-r.flake_rate, -r.flakes, r.nodeid))
    if flaky_only:
        return (Listing("flaky", flaky, _flakes),)
    slowest = sorted(present, key=lambda record: (-record.median_s, record.nodeid))[:slow]
    return (
        Listing("fail persistently", _sorted(present, Kind.PERSISTENT, lambda r: (-r.streak, r.nodeid)), _failures),
        Listing("flaky", flaky, _flakes),
        Listing("slowest", tuple(slowest), _seconds),
    )


def lines(history: Sequence[Record], chosen: Iterable[Listing], most: int | None = None) -> Iterator[str]:
    """Say it line by line: figures first, names last, since names are long.

    Args:
        history: one record a test.
        chosen: from `listings`.
        most: of each listing; None shows all.
    """
    kinds = Counter(record.kind for record in history if record.absent < RECENT)
    gone = sum(record.absent >= RECENT for record in history)
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in Kind if kinds[kind])
    yield f"{sum(kinds.values())} tests: {counts or 'none'}{f'; {gone} more are gone' if gone else ''}"
    for listing in chosen:
        yield ""
        yield f"{listing.title}: {len(listing.records) or 'none'}"
        shown = listing.records[:most]
        yield from (f"  {listing.told(record)}  {_legible(record.nodeid)}" for record in shown)
        if left := len(listing.records) - len(shown):
            yield f"  and {left} more; --json shows all"


def document(history: Sequence[Record], chosen: Iterable[Listing]) -> dict[str, object]:
    """Return the same for a program: every figure of every test that is listed."""
    return {
        "tests": len(history),
        "kinds": dict(Counter(record.kind.value for record in history)),
        **{listing.title.replace(" ", "_"): [_row(record) for record in listing.records] for listing in chosen},
    }


def _row(record: Record) -> dict[str, object]:
    return {**record.model_dump(mode="json"), "kind": record.kind.value, "flake_rate": round(record.flake_rate, 4)}


def _sorted(
    records: Iterable[Record], kind: Kind, key: Callable[[Record], tuple[float, str] | tuple[float, float, str]]
) -> tuple[Record, ...]:
    return tuple(sorted((record for record in records if record.kind is kind), key=key))


def _failures(record: Record) -> str:
    return f"{record.last:<6} {record.streak:>3} in a row, {record.failures:>3} of {record.runs:>3} runs failed"


def _flakes(record: Record) -> str:
    return f"{record.flake_rate:>4.0%}: {record.flakes:>3} of {record.runs:>3} runs, last {record.last}"


def _seconds(record: Record) -> str:
    return f"{record.median_s:>8.3f} s median, {record.last_s:>8.3f} s last, {record.runs:>3} runs"


def _legible(text: str) -> str:
    """Show what would move the cursor as what it is: a node id is data."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
