"""Analyses as anybody may write them: a file, a program, a model. They get no credit for being written down.

A text is a JSON list. Each entry says whom it is from (`author`), which failing tests it is about (`about`, a glob
over node ids), its `whys` from the symptom to the cause, each with `question`, `answer`, a typed `claim` and verbatim
`quotes`, and how sure its author is (`confidence`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase

from pydantic import Field, TypeAdapter, ValidationError

from untilgreen.collect.bundle import Bundle
from untilgreen.errors import AnalysisUnreadable
from untilgreen.model.analysis import Analysis, Citation, Rival, Why
from untilgreen.model.claims import Claim
from untilgreen.model.document import Document, content_id
from untilgreen.model.evidence import Case, Item

NOWHERE = "nowhere"
"""Stands for the evidence of a quote that no item holds. No item has this id, so the gate stumbles over it."""


class RecordedWhy(Document):
    """One why as it is written in the file."""

    question: str
    answer: str
    claim: Claim
    quotes: tuple[str, ...] = ()


class RecordedRival(Document):
    """A rival explanation as it is written in the file."""

    claim: Claim
    quotes: tuple[str, ...] = ()


class Recorded(Document):
    """One analysis as it is written in the file."""

    author: str
    about: str
    whys: tuple[RecordedWhy, ...] = Field(min_length=1, max_length=9)
    rivals: tuple[RecordedRival, ...] = ()
    confidence: float = Field(default=0.5, ge=0, le=1)


RECORDS: TypeAdapter[tuple[Recorded, ...]] = TypeAdapter(tuple[Recorded, ...])


def recorded(records: Iterable[Recorded], bundle: object) -> tuple[Analysis, ...]:
    """Return an analysis for each record that is about a failing test; `group` is left to whoever groups.

    Raises:
        TypeError: it is no bundle.
    """
    if not isinstance(bundle, Bundle):
        raise TypeError(f"an analyst reads a Bundle, not {type(bundle).__name__}")
    failing = [case for case in bundle.find(Case) if case.outcome.bad]
    found = []
    for record in records:
        cases = [case for case in failing if fnmatchcase(case.nodeid, record.about)]
        if cases:
            found.append(_analysis(record, cases, bundle))
    return tuple(found)


def parse(text: str | bytes, name: str) -> tuple[Recorded, ...]:
    """Read a JSON list of records.

    Args:
        text: the JSON.
        name: where it comes from, for messages.

    Raises:
        AnalysisUnreadable: with name and position.
    """
    try:
        return RECORDS.validate_python(json.loads(text))
    except json.JSONDecodeError as error:
        raise AnalysisUnreadable(f"{name}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}.") from None
    except UnicodeDecodeError as error:
        raise AnalysisUnreadable(f"{name}: it is not UTF-8 ({error.reason}).") from None
    except ValidationError as error:
        problems = [f"{name}: {_position(problem['loc'])}: {problem['msg']}" for problem in error.errors()]
        raise AnalysisUnreadable("\n".join(problems)) from None


def _analysis(record: Recorded, cases: list[Case], bundle: Bundle) -> Analysis:
    sources = _Sources(bundle, cases)
    last = len(record.whys)
    return Analysis(
        id=content_id("analysis", record.model_dump_json()),
        author=record.author,
        group="",
        cases=tuple(case.nodeid for case in cases),
        whys=tuple(
            Why(
                number=number,
                question=why.question,
                answer=why.answer,
                claim=why.claim,
                citations=sources.cite(why.claim, why.quotes),
                because=number + 1 if number < last else None,
            )
            for number, why in enumerate(record.whys, 1)
        ),
        rivals=tuple(Rival(claim=r.claim, citations=sources.cite(r.claim, r.quotes)) for r in record.rivals),
        confidence=record.confidence,
    )


class _Sources:
    """Finds where a quote stands, the nearest place first: the failing tests' own traces, the claim's own service."""

    def __init__(self, bundle: Bundle, cases: list[Case]) -> None:
        self._bundle = bundle
        self._traces = {case.trace for case in cases if case.trace}
        self._cases = {case.nodeid for case in cases}

    def cite(self, claim: Claim, quotes: Iterable[str]) -> tuple[Citation, ...]:
        return tuple(Citation(evidence=self._holder(claim, quote), quote=quote) for quote in quotes)

    def _holder(self, claim: Claim, quote: str) -> str:
        holders = [item for item in self._bundle.items() if quote in item.text]
        return max(holders, key=lambda item: self._nearness(claim, item)).id if holders else NOWHERE

    def _nearness(self, claim: Claim, item: Item) -> int:
        service = getattr(claim, "service", "")
        mine = getattr(item, "trace", "") in self._traces or getattr(item, "nodeid", "") in self._cases
        return 2 * mine + (bool(service) and getattr(item, "service", "") == service)


def _position(location: tuple[int | str, ...]) -> str:
    """Return where in the list something is, for example `[2].whys[0].claim`."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).removeprefix(".") or "the whole file"
