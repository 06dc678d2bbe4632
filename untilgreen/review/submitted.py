"""Analyses as anybody may hand them in to be judged: one, a list, or everything that step triage left behind.

Each is an `Analysis`, whose whys cite evidence by its id, or the shorter form of `untilgreen.triage.recorded`, whose
quotes are looked up in the bundle.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from untilgreen.collect.bundle import Bundle
from untilgreen.errors import AnalysisUnreadable
from untilgreen.model.analysis import Analysis, Triage
from untilgreen.model.document import Document
from untilgreen.triage.recorded import Recorded, recorded

LARGEST = 16_000_000
"""Bytes; an analysis has thousands."""

Submitted = Analysis | Recorded | Triage | list[Analysis | Recorded]
Kind = TypeVar("Kind", bound=Document)
Read = TypeVar("Read")
_SUBMITTED: TypeAdapter[Submitted] = TypeAdapter(Submitted)


def read(text: bytes, name: str) -> tuple[Analysis | Recorded, ...]:
    """Read what somebody handed in.

    Args:
        text: JSON.
        name: where it comes from, for messages.

    Raises:
        AnalysisUnreadable: with name and position; also when nothing is in it, for nothing would be judged.
    """
    if len(text) > LARGEST:
        raise AnalysisUnreadable(f"{name}: it has {len(text):,} bytes; more than {LARGEST:,} are no analysis.")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise AnalysisUnreadable(f"{name}:{error.lineno}:{error.colno}: this is not JSON: {error.msg}.") from None
    except UnicodeDecodeError as error:
        raise AnalysisUnreadable(f"{name}: it is not UTF-8 ({error.reason}).") from None
    except RecursionError:
        raise AnalysisUnreadable(f"{name}: it is nested too deeply.") from None
    if isinstance(found, dict) and "analyses" in found:
        return _some(_valid(Triage, found, name, "").analyses, name)
    entries = found if isinstance(found, list) else [found]
    places = [f"[{n}]" for n in range(len(entries))] if isinstance(found, list) else [""]
    return _some(tuple(_one(entry, name, place) for entry, place in zip(entries, places, strict=True)), name)


def analyses(found: tuple[Analysis | Recorded, ...], bundle: Bundle, name: str) -> tuple[Analysis, ...]:
    """Return them as analyses of a bundle: quotes of the short form are looked up in it.

    Raises:
        AnalysisUnreadable: one is about no failing test of this bundle.
    """
    whole: list[Analysis] = []
    for number, one in enumerate(found):
        made = (one,) if isinstance(one, Analysis) else recorded((one,), bundle)
        if not made and isinstance(one, Recorded):
            raise AnalysisUnreadable(f"{name}: [{number}].about: no failing test of this bundle is like {one.about!r}.")
        whole += made
    return tuple(whole)


def schema() -> dict[str, Any]:
    """Return the JSON schema of what may be handed in."""
    made = _SUBMITTED.json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "analyses for untilgreen review",
        **made,
    }


def _one(entry: Any, name: str, place: str) -> Analysis | Recorded:
    if isinstance(entry, dict) and "about" in entry:
        return _valid(Recorded, entry, name, place)
    return _valid(Analysis, entry, name, place)


def _valid(kind: type[Kind], entry: Any, name: str, place: str) -> Kind:
    try:
        return kind.model_validate(entry)
    except ValidationError as error:
        problems = [f"{name}: {_position(place, problem['loc'])}: {problem['msg']}" for problem in error.errors()]
        raise AnalysisUnreadable("\n".join(problems)) from None


def _some(found: tuple[Read, ...], name: str) -> tuple[Read, ...]:
    if not found:
        raise AnalysisUnreadable(f"{name}: it holds no analysis, so nothing was judged.")
    return found


def _position(place: str, location: tuple[int | str, ...]) -> str:
    parts = [place, *(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)]
    return "".join(parts).removeprefix(".") or "the whole of it"
