"""From links of a chain to whys with numbers, questions, answers and quotes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from untilgreen.model.analysis import Citation, Why
from untilgreen.model.claims import Claim
from untilgreen.model.evidence import Entry, Item

_QUOTE = 400
_REST = re.compile(r"(?<=[^\s:=]) \{\".*\}$")
"""The fields of a JSON payload behind its message: they repeat what the entry is known by."""
MOST = 9


@dataclass(frozen=True, slots=True)
class Link:
    """One step of a chain, before it has its number.

    Args:
        claim: what is said.
        question: what it answers.
        answer: plain words.
        citations: what it rests on.
        strength: 0 to 1; the weakest of a chain is the chain's.
        beside: it stands beside the link before it, and both are explained by the same one.
    """

    claim: Claim
    question: str
    answer: str
    citations: tuple[Citation, ...] = ()
    strength: float = 0.9
    beside: bool = False


Chain = tuple[Link, ...]
"""From what the test saw to its cause."""


def quote(item: Item, *needles: str) -> str:
    """Return a line of an item, verbatim: the first that holds the first needle that any line holds."""
    lines = [line.strip() for line in item.text.splitlines() if line.strip()]
    for needle in needles:
        for line in lines:
            if needle and needle in line:
                told = _bare(item, line)
                return _around(told if needle in told else line, needle)
    return _bare(item, (lines or [""])[0])[:_QUOTE].strip()


def _bare(item: Item, line: str) -> str:
    return _REST.sub("", line) if isinstance(item, Entry) else line


def _around(line: str, needle: str) -> str:
    at = max(0, line.index(needle) + len(needle) - _QUOTE)
    return line[at : at + _QUOTE].strip()


def sentences(text: str, most: int) -> str:
    """Return the first sentences of what a platform says: what follows is advice and addresses for everybody."""
    first = text.strip().split("\n", 1)[0]
    return " ".join(re.split(r"(?<=[.!?]) +(?=[A-Z])", first)[:most])[:_QUOTE]


def cite(item: Item | None, *needles: str) -> tuple[Citation, ...]:
    """Cite the words of an item that matter; nothing when there is no item, or no word in it."""
    words = quote(item, *needles) if item else ""
    return (Citation(evidence=item.id, quote=words),) if item and words else ()


def numbered(chain: Sequence[Link]) -> tuple[Why, ...]:
    """Number the links; each is explained by the next that does not stand beside it, the last by nothing."""
    links = shortened(chain)
    return tuple(
        Why(
            number=number,
            question=link.question,
            answer=link.answer,
            claim=link.claim,
            citations=link.citations,
            because=_because(links, number),
        )
        for number, link in enumerate(links, start=1)
    )


def shortened(chain: Sequence[Link]) -> tuple[Link, ...]:
    """Keep both ends of a chain that is longer than an analysis may be."""
    return tuple(chain) if len(chain) <= MOST else (*chain[:4], *chain[-5:])


def _because(links: Sequence[Link], number: int) -> int | None:
    return next((n + 1 for n in range(number, len(links)) if not links[n].beside), None)
